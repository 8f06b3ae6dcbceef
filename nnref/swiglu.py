"""SwiGLU: A = G σ(G) F, features F let through by the SiLU of a gate G, and its gradients."""

from nnref import sigmoid, silu
from nnref.shapes import Array, same_shape


def forward(G: Array, F: Array) -> Array:
    """The features times the SiLU of their gates, A = G σ(G) F.

    Shapes: G (n, N), F (n, N) -> (n, N)
    Errors: ShapeError if G and F differ in shape.
    Proof: derivations/swiglu.py, claim swiglu.forward.  See Shazeer 2020, arXiv:2002.05202.
    """
    same_shape(G=G, F=F)
    return G * sigmoid.forward(G) * F


def dG(G: Array, F: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the gates: F σ(G) (1 + G (1 − σ(G))) dA.

    Shapes: G (n, N), F (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of gate.
    Errors: ShapeError if shapes differ.
    Proof: derivations/swiglu.py, claim swiglu.dG.
    """
    same_shape(G=G, F=F)
    same_shape(G=G, dA=dA)
    return silu.dZ(G, F * dA)


def dF(G: Array, F: Array, dA: Array) -> Array:
    """Gradient of the loss with respect to the features: G σ(G) dA.

    F is asked for its shape alone.

    Shapes: G (n, N), F (n, N), dA (n, N) -> (n, N)
    Units: loss per unit of feature.
    Errors: ShapeError if shapes differ.
    Proof: derivations/swiglu.py, claim swiglu.dF.
    """
    same_shape(G=G, F=F)
    same_shape(G=G, dA=dA)
    return silu.forward(G) * dA
