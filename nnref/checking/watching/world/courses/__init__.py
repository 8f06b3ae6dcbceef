"""What well-known courses hand out beside a notebook, where the notebook lies alone: its modules by their names.

They are read as the program's own modules are, so that what they compute is recorded line by line. Each holds what the
course's module of that name computes: sigmoid of planar_utils gives A, that of dnn_utils (A, Z).
"""
