"""Group normalisation: within each example, each group of channels less its mean, over its deviation.

An array (C, H, W, N) of C channels is read as (G, C/G, H W, N): G groups of F channels of P places.
"""

from derivations.algebra.notation import N, s, size, tensors_of
from derivations.algebra.sums import Index
from derivations.normalisation import Normalised, over
from derivations.prover.claim import WrongTwin

WU = "Wu & He 2018, arXiv:1803.08494"

G, F, P = (
    size("G", "groups of channels, or heads"),
    size("F", "channels of a group"),
    size("P", "places of an image, or rows of the output"),
)
g, k, p = Index("h", G), Index("c", F), Index("p", P)
t, q = Index("t", N), Index("q", P)

tensor = tensors_of("group_norm")
X = tensor("X", G, F, P, N, meaning="the layer's input: groups, channels of a group, places, examples")
gamma = tensor("gamma", G, F, meaning="gains, one a channel", latex=r"\gamma")
beta = tensor("beta", G, F, meaning="shifts, one a channel", latex=r"\beta")
dY = tensor("dY", G, F, P, N, meaning="gradient of the loss with respect to the output")

IMAGES = ("G", "F", "P", "N")

norm = Normalised(
    concept="group_norm",
    source=WU,
    X=X,
    gamma=gamma,
    beta=beta,
    dY=dY,
    Y=tensor("Y", G, F, P, N, meaning="the layer's output"),
    r=tensor("r", G, N, meaning="one over the deviation of each group of each example"),
    Xhat=tensor("Xhat", G, F, P, N, meaning="the normalised input", latex=r"\hat{X}"),
    inner=(k, p),
    outer=(g, s),
    place=lambda inner, outer: (outer[0], *inner, outer[1]),
    channel=lambda inner, outer: (outer[0], inner[0]),
    shapes={"X": IMAGES, "gamma": ("G", "F"), "beta": ("G", "F"), "eps": (), "": IMAGES},
)

forward = norm.forward("each group of channels of each example less its mean, over its deviation; a gain and a shift")
dX = norm.dX()
dgamma = norm.dgamma(
    (g, k),
    (q, t),
    WrongTwin(over(dY[g, k, q, t] * X[g, k, q, t], (q, t)), "the input X stands where the normalised input should"),
)
dbeta = norm.dbeta((g, k), (q, t), WrongTwin(over(dY[g, k, q, t] * gamma[g, k], (q, t)), "γ is counted in β"))
