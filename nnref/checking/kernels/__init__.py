"""Is a kernel's backward pass right? It is judged on its tensors, on their device, with no tolerance chosen by hand.

What is known of each operation as a kernel lies in nnref/checking/operations: kernel_form (what a closed form says),
kernel_arithmetic (numbers that carry what rounding may have done to them), softmax_kernel and the like,
activation_kernel (from an activation's record), closed_forms (all of them).

Read here in this order: check (the one call), asking (how a function or a module is called with arrays alone), case,
frameworks (whose arrays they are; framework and in_torch, in_jax, in_tensorflow: how each takes a vjp), outputs
(several), recognise (which closed form a function is), closed and judge (the verdict), naming, slips and places (which
mistake it is, and where), report (the table); for what has no closed form blackbox (by differences); odd (strides and
sizes); absent (no gradient came).
"""
