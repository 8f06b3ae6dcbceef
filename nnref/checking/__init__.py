"""Is a gradient right? Checks that stand on the loss alone, and checks against the reference network.

Read in this order: operations (what is known of each: rounding, kinks, how it is written), results (what a check says),
recognition (which layer of the handbook a function is), reference (the true gradient and what rounding may do to it),
gradcheck (a loss that is only called), kernels (backward passes on their device), diagnosis (which mistake makes these
numbers), reading (a file as a network that can be called), watching (a program by what its numbers do), homework (nnref
check and nnref certify: a file is watched first, and else read by its names). None imports one that comes after it;
which of those before it each may import, ARROWS in tests/support/imports.py says.
"""
