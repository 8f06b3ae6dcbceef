"""The table of checked networks: dimensions are distinct, equal and one; any two of size, activation, batch meet."""

from nnref.layer import ACTIVATIONS

SIZES = ([4, 6, 5, 3], [3, 3, 3, 3], [1, 1, 1], [7, 2], [2, 9, 1, 8, 3])
BATCHES = (1, 3, 5)
NETWORKS = [
    (sizes, activation, BATCHES[(s + a) % len(BATCHES)])
    for s, sizes in enumerate(SIZES)
    for a, activation in enumerate(ACTIVATIONS)
]
