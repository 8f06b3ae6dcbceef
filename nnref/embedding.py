"""An embedding: the column of the word that stands at each place. Repeated words add up their gradients."""

from typing import NamedTuple

from nnref.layer import Layer
from nnref.shapes import Array, ShapeError, composable, dims, matrix, same_batch


class Embedding(NamedTuple):
    """The parameter of the layer, and, in the same place, its gradient: E (d, n)."""

    E: Array


def forward(E: Array, O: Array) -> Array:
    """The embeddings of the words, E O, where column t of O is one-hot for the word at place t.

    It is E[:, words] for O = nnref.one_hot(words, classes=n), which refuses a word that is out of range.

    Shapes: E (d, n), O (n, N) -> (d, N)
    Errors: ShapeError if O has not one row a word.
    Proof: derivations/embedding.py, claim embedding.forward.  See Bengio et al. 2003, §2.
    """
    _columns(O, E.shape[1])
    composable(E=E, O=O)
    return E @ O


def dE(O: Array, dY: Array) -> Array:
    """Gradient of the loss with respect to the embeddings: dY Oᵀ, each word the sum over the places where it stands.

    With words as numbers it is np.add.at(dE.T, words, dY.T); dE[:, words] += dY keeps one place of each word only.

    Shapes: O (n, N), dY (d, N) -> (d, n)
    Units: loss per unit of embedding.
    Errors: ShapeError if O and dY have different numbers of places.
    Proof: derivations/embedding.py, claim embedding.dE.
    """
    _columns(O, "n")
    matrix(O=O, dY=dY)
    same_batch(O=O, dY=dY)
    return dY @ O.T


def layer(n: int, d: int) -> Layer:
    """The layer from one-hot columns of n words to columns of d features: normal numbers. per_position takes texts.

    Words are given, and learn nothing: dA is what a soft choice between them would get.

    Shapes: A (n, N) -> (d, N)
    """
    return Layer(
        "embedding",
        init=lambda rng: Embedding(E=rng.standard_normal((d, n))),
        forward=lambda theta, A: forward(theta[0], A),
        dtheta=lambda theta, A, Z, dZ: Embedding(E=dE(A, dZ)),
        dA=lambda theta, A, Z, dZ: theta[0].T @ dZ,
    )


def _columns(O: Array, n: int | str) -> None:
    """Refuse words as numbers: a vector of them is no matrix of one-hot columns."""
    if getattr(O, "ndim", 2) == 1:
        raise ShapeError(
            f"O should be one-hot, a column a place; {dims(O)} came. "
            f"Words as numbers: use nnref.one_hot(O, classes={n})."
        )
