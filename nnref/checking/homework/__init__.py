"""nnref check and nnref certify: the verdict on a person's network, and the line of the first mistake.

Read in this order: options, command and child (what is asked of a file), isolation and copying (its result comes back
from a process of its own, on a copy), nursery and worker (where such processes come from), confinement (what they may
do), tampering (what a file did to numpy or to nnref), judge (what is right is judged again, apart) and reach (which
files belong to it), watched_file (the program is watched first), by_names (else it is read) and as_read (a call of what
was read, watched), check and certify (the two public functions), given_arrays (arrays in columns), recognition (reading
a network in the convention that fits), reference_verdict, own_loss_verdict, forward_verdict and entry_verdict (the rows
of the report), of_layers, layers_mistake and spots (networks of any layers), models, models_of_layers and model_outputs
(of PyTorch, Keras and JAX), assignments, mistake_line and deltas (where in the file), npz (networks as stored arrays),
cluster (a folder of files), magic (%nnref) and gradescope (other ways in).
"""
