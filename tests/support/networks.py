"""The table of checked networks: every activation appears, dimensions are distinct, equal and one."""

from itertools import product

from nnref.layer import ACTIVATIONS

SIZES = ([4, 6, 5, 3], [3, 3, 3, 3], [1, 1, 1], [7, 2], [2, 9, 1, 8, 3])
BATCHES = (1, 3, 5)
NETWORKS = [(sizes, activation, N) for sizes, activation, N in product(SIZES, ACTIVATIONS, BATCHES)]
