"""Networks to Keras and back: the same numbers in another layout."""

from nnref.tensorflow.inward import columns, from_keras, parameters_of
from nnref.tensorflow.layouts import weights_of
from nnref.tensorflow.outward import rows, to_keras

__all__ = ["columns", "from_keras", "parameters_of", "rows", "to_keras", "weights_of"]
