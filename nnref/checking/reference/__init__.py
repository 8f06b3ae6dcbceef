"""The reference network at a point: its true gradient, and the rounding error allowed to each entry.

Read in this order: intermediates (all quantities of the two passes), truth (the complex step), noise (the unit of
error), forward_errors (the forward pass with its error), trees (networks of any layers), balls and series (rigorous
enclosures), strictest_truth (which of them is used), golden, vectors and layer_vectors (known answers for other
languages).
"""
