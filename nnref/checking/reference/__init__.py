"""The reference network at a point: its true gradient, and how far rounding alone may move each entry of it.

Read in this order: intermediates (everything the reference makes on the way), truth (the complex step), noise (the unit
of error), forward_errors (the forward pass with its error), trees (networks of any layers), balls and series (rigorous
enclosures), strictest_truth (which of them is used), golden, vectors and layer_vectors (known answers for other
languages).
"""
