"""The closed forms that kernels are compared with, one file each: the proven formula, its rounding, its mistakes."""
