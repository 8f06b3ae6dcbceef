"""An embedding: the column of the word that stands at each place. Repeated words add up their gradients."""

from nnref.shapes import Array, composable, matrix, same_batch


def forward(E: Array, O: Array) -> Array:
    """The embeddings of the words, E O, where column t of O is one-hot for the word at place t.

    It is E[:, words] for O = nnref.one_hot(words, classes=n), which refuses a word that is out of range.

    Shapes: E (d, n), O (n, N) -> (d, N)
    Errors: ShapeError if O has not one row a word.
    Proof: derivations/embedding.py, claim embedding.forward.  See Bengio et al. 2003, §2.
    """
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
    matrix(O=O, dY=dY)
    same_batch(O=O, dY=dY)
    return dY @ O.T
