"""nnref check and nnref certify: two verdicts on a person's network, and the line of the first mistake.

Read in this order: command and child (a stranger's code in a process of its own), isolation and confinement (what that
process may do), judge and reach (what is right is judged again, apart), watched_file (the program is watched first) and
by_names (else it is read), check and certify (the two public functions), given_arrays (arrays in columns), recognition
(reading a network in the convention that fits), reference_verdict, own_loss_verdict, forward_verdict and entry_verdict
(the rows of the report), assignments, mistake_line and deltas (where in the file), npz (networks as stored arrays),
magic (%nnref) and gradescope (other ways in).
"""
