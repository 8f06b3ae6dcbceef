"""What the checks know of each operation: one record for each, in its own file, found by looking and listed nowhere.

Read in this order: record (what a record holds, and how it is looked up), rounding (u, and what a product rounds),
running_error (a number with its error), running (a formula in such numbers), entrywise (the record of a function of one
entry), then any operation: relu is the simplest, sigmoid and tanh lose digits, softplus, silu, gelu and gelu_tanh take
their slope from Z, leaky_relu has a parameter that people choose, elu is smooth for one α and bends for others, relu6
has two kinks. Beside these functions of one entry a network has affine, and softmax_cross_entropy as its loss.

How people write layers, and the mistakes they make with them: known (what is asked of each), linear, entries
(activations), softmax, losses and losses_of, images, conv2d, grouped_conv2d, conv_transpose and pooling, norm_axes,
norms and fixed_norm, dropout, embedding, recurrences, recurrent and lstm_cell, attention, self_attention,
packed_attention and rope, swiglu.

As kernels: kernel_form (what a closed form says), kernel_arithmetic, activation_kernel (an activation's, from its
record), affine_kernel, softmax_kernel, softmax_cross_entropy_kernel, conv2d_kernel, norms_kernel, attention_kernel,
embedding_kernel, and closed_forms (all of them).

Of each file RECORD is what noise, balls and the diagnosis of networks ask for, KNOWN says how people write the layer,
and FORMS holds its closed forms as a kernel.
"""
