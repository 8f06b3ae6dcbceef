"""What well-known courses hand out beside a notebook, where the notebook lies alone: its modules by their names.

They are read as the program's own modules are, so that what they compute is recorded line by line. Each holds what the
course's module of that name computes: sigmoid of planar_utils gives A, that of dnn_utils (A, Z); lr_utils loads
pictures, rnn_utils has the steps of a recurrent network, im2col_cython what its compiled module computes.
"""
