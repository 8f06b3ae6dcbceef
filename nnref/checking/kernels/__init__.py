"""Is a kernel's backward pass right? The tensors that it is given, on their device, and no tolerance chosen by hand.

Read in this order: check (the one call), frameworks (how each library takes a vjp), arithmetic (numbers that carry what
rounding may have done to them), forms (the closed forms, each with what it rounds and the mistakes made with it),
recognise (which of them a function is), judge (the verdict), naming and places (what the mistake is, and where).
"""
