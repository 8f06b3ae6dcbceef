"""nnref check and nnref certify: two verdicts on a person's network, and the line of the first mistake.

Read in this order: options, command and child (what is asked of a file), isolation and copying (its result comes back
from a process of its own, on a copy), nursery and worker (where such processes come from), confinement (what they may
do), tampering, judge and reach (what is right is judged again, apart), watched_file (the program is watched first) and
by_names (else it is read), check and certify (the two public functions), given_arrays (arrays in columns), recognition
(reading a network in the convention that fits), reference_verdict, own_loss_verdict, forward_verdict and entry_verdict
(the rows of the report), assignments, mistake_line and deltas (where in the file), npz (networks as stored arrays),
magic (%nnref) and gradescope (other ways in).
"""
