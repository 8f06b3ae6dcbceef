"""Instance normalisation: each channel of each example less its mean over the places, over its deviation."""

from derivations.algebra.notation import N, s, t, tensors_of
from derivations.algebra.sums import Index
from derivations.normalisation import Normalised, over
from derivations.prover.claim import WrongTwin
from derivations.windows import C, P, c, p

ULYANOV = "Ulyanov, Vedaldi & Lempitsky 2016, arXiv:1607.08022, §2"

q = Index("q", P)

tensor = tensors_of("instance_norm")
X = tensor("X", C, P, N, meaning="images: channels, places, examples")
gamma = tensor("gamma", C, meaning="gains, one a channel", latex=r"\gamma")
beta = tensor("beta", C, meaning="shifts, one a channel", latex=r"\beta")
dY = tensor("dY", C, P, N, meaning="gradient of the loss with respect to the output")

IMAGES = ("C", "P", "N")

norm = Normalised(
    concept="instance_norm",
    source=ULYANOV,
    X=X,
    gamma=gamma,
    beta=beta,
    dY=dY,
    Y=tensor("Y", C, P, N, meaning="the layer's output"),
    r=tensor("r", C, N, meaning="one over the deviation of each channel of each example"),
    Xhat=tensor("Xhat", C, P, N, meaning="the normalised input", latex=r"\hat{X}"),
    inner=(p,),
    outer=(c, s),
    place=lambda inner, outer: (outer[0], *inner, outer[1]),
    channel=lambda inner, outer: (outer[0],),
    shapes={"X": IMAGES, "gamma": ("C", "1"), "beta": ("C", "1"), "eps": (), "": IMAGES},
)

forward = norm.forward("each channel of each example less its mean, over its deviation; then a gain and a shift")
dX = norm.dX()
dgamma = norm.dgamma(
    (c,), (q, t), WrongTwin(over(dY[c, q, t] * X[c, q, t], (q, t)), "the input X stands where the normalised should")
)
dbeta = norm.dbeta((c,), (q, t), WrongTwin(over(dY[c, q, t] * gamma[c], (q, t)), "γ is counted in β"))
