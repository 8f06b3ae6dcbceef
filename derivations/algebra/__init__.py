"""What SymPy lacks for symbolic sizes.

Read in this order: sums (indices, tensors and finite sums), notation (the shared symbols), naming (of bound
indices), normal_form (when are two sums the same number?), symbolic (are two expressions equal?), integrals.
"""
