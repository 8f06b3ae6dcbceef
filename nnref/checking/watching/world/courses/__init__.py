"""Modules that well-known courses hand out with a notebook, by name, for a notebook that comes without them.

They are read as the program's own modules are, so that what they compute is recorded line by line. Each computes what
the course's module of that name does: sigmoid returns A in planar_utils, and (A, Z) in dnn_utils; lr_utils loads
pictures, rnn_utils has the activations of a recurrent network, im2col_cython replaces a compiled module.
"""
