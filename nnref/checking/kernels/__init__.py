"""Is a kernel's backward pass right? The tensors that it is given, on their device, and no tolerance chosen by hand.

What is known of each operation as a kernel stands with the rest that is known of it, in nnref/checking/operations:
kernel_form (what a closed form says), kernel_arithmetic (numbers that carry what rounding may have done to them),
softmax_kernel and the like, activation_kernel (from an activation's record), closed_forms (all of them).
Read here in this order: check (the one call), asking (a function or module as one of arrays by place), case, frameworks
(whose arrays they are; framework and in_torch, in_jax, in_tensorflow: how each takes a vjp), outputs (several),
recognise (which closed form a function is), closed and judge (the verdict), naming and places (what the mistake is, and
where); for what has no closed form blackbox (by differences) and directions (what a sample misses); odd (strides and
sizes); absent (no gradient came).
"""
