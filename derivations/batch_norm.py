"""Batch normalisation in training: every feature less its mean over the batch, over its deviation."""

from derivations.algebra.notation import N, i, n, s, t, tensors_of
from derivations.algebra.sums import Index, total
from derivations.normalisation import Normalised
from derivations.prover.claim import WrongTwin

IOFFE = "Ioffe & Szegedy 2015, arXiv:1502.03167, §3"

tensor = tensors_of("batch_norm")
X = tensor("X", n, N, meaning="the layer's input, a column an example")
gamma = tensor("gamma", n, meaning="gains, one a feature", latex=r"\gamma")
beta = tensor("beta", n, meaning="shifts, one a feature", latex=r"\beta")
dY = tensor("dY", n, N, meaning="gradient of the loss with respect to the output")

norm = Normalised(
    concept="batch_norm",
    source=IOFFE,
    X=X,
    gamma=gamma,
    beta=beta,
    dY=dY,
    Y=tensor("Y", n, N, meaning="the layer's output"),
    r=tensor("r", n, meaning="one over the deviation of each feature"),
    Xhat=tensor("Xhat", n, N, meaning="the normalised input", latex=r"\hat{X}"),
    inner=(s,),
    outer=(i,),
    place=lambda inner, outer: (*outer, *inner),
    channel=lambda inner, outer: outer,
    shapes={"X": ("n", "N"), "gamma": ("n", "1"), "beta": ("n", "1"), "eps": (), "": ("n", "N")},
)

g = Index("g", N)
Xhat, r = norm.Xhat, norm.r
without_gamma = r[i] * (dY[i, s] - total(dY[i, g], g) / N - Xhat[i, s] * total(dY[i, g] * Xhat[i, g], g) / N)

forward = norm.forward("each feature less its mean over the batch, over its deviation; then a gain and a shift")
dX = norm.dX(WrongTwin(without_gamma, "γ is forgotten in the backward pass"))
dgamma = norm.dgamma(
    (i,), (t,), WrongTwin(total(dY[i, t] * X[i, t], t), "the input X stands where the normalised input should")
)
dbeta = norm.dbeta((i,), (t,), WrongTwin(total(dY[i, t] * gamma[i], t), "γ is counted in β"))
