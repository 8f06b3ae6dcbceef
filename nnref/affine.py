"""The affine layer: Z = W A + b 1ᵀ, and the gradient of the loss with respect to W, b and A."""

from nnref.arrays import namespace
from nnref.shapes import Array, column, composable, matrix, same_batch


def forward(W: Array, b: Array, A: Array) -> Array:
    """The weighted sums of every neuron, Z = W A + b 1ᵀ.

    Shapes: W (m, n), b (m, 1), A (n, N) -> (m, N)
    Errors: ShapeError if A has not n rows or b is not an m × 1 column.
    Proof: derivations/affine.py, claim affine.forward.  See Goodfellow et al. 2016, §6.1.
    """
    composable(W=W, A=A)
    column(W.shape[0], b=b)
    return W @ A + b


def dW(A: Array, dZ: Array) -> Array:
    """Gradient of the loss with respect to the weights: dZ Aᵀ, summed over the batch.

    Shapes: A (n, N), dZ (m, N) -> (m, n)
    Units: loss per unit of weight. dZ already carries the 1/N of the mean loss.
    Errors: ShapeError if A and dZ have different batch sizes.
    Proof: derivations/affine.py, claim affine.dW.  See Goodfellow et al. 2016, §6.5.6.
    """
    same_batch(A=A, dZ=dZ)
    return dZ @ A.T


def db(dZ: Array) -> Array:
    """Gradient of the loss with respect to the bias: dZ 1, because the forward pass repeats b in every column.

    Shapes: dZ (m, N) -> (m, 1)
    Units: loss per unit of bias. A sum, not a mean: the mean over the batch is taken once, in the loss.
    Proof: derivations/affine.py, claim affine.db.  See Goodfellow et al. 2016, §6.5.6.
    """
    matrix(dZ=dZ)
    xp = namespace(dZ)
    return xp.sum(dZ, axis=1, keepdims=True)


def dA(W: Array, dZ: Array) -> Array:
    """Gradient of the loss with respect to the layer's input: Wᵀ dZ.

    Shapes: W (m, n), dZ (m, N) -> (n, N)
    Units: loss per unit of activation.
    Errors: ShapeError if W and dZ have different numbers of rows.
    Proof: derivations/affine.py, claim affine.dA.  See Goodfellow et al. 2016, §6.5.6.
    """
    matrix(W=W)
    composable(**{"Wᵀ": W.T, "dZ": dZ})
    return W.T @ dZ
