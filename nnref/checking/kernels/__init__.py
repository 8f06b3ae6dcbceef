"""Is a kernel's backward pass right? The tensors that it is given, on their device, and no tolerance chosen by hand.

What is known of each operation as a kernel stands with the rest that is known of it, in nnref/checking/operations:
kernel_form (what a closed form says), kernel_arithmetic (numbers that carry what rounding may have done to them),
softmax_kernel and the like, activation_kernel (from an activation's record), closed_forms (all of them).
Read here in this order: check (the one call), frameworks (how each library takes a vjp), recognise (which closed form a
function is), judge (the verdict), naming and places (what the mistake is, and where).
"""
