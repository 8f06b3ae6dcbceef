"""What the checks know of each operation: one record an operation, one file a record, and no table of them anywhere.

Read in this order: record (what a record holds, and how it is looked up), rounding (u, and what a product rounds),
running_error (a number with its error), entrywise (the record of a function of one entry), then any operation: relu is
the simplest, sigmoid and tanh lose digits, softplus, silu and gelu take their slope from Z, leaky_relu has a parameter
that people choose, elu is smooth for one α and bends for others, relu6 has two kinks; affine is the one
that is not entrywise, softmax_cross_entropy the loss.
RECORD is what the noise, the balls and the diagnosis of networks ask for; KNOWN (see known) how people write it as a
layer; FORMS (see kernel_form) its closed form as a kernel, which an activation has from its record.
"""
