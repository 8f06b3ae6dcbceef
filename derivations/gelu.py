"""GELU, entry by entry: Z times the chance Φ(Z) that a standard normal number lies below Z."""

import sympy as sp

from derivations.algebra.notation import a, da, number, z
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, definition, differentiate, product_rule, slope

HENDRYCKS = "Hendrycks & Gimpel 2016, Gaussian error linear units, arXiv:1606.08415, §2"

Phi = (1 + sp.erf(z / sp.sqrt(2))) / 2
phi = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)
P = number("Phi", "the normal distribution function at a weighted sum")
p = number("varphi", "the normal density at a weighted sum")

forward = Claim(
    name="gelu.forward",
    kind="definition",
    says="a weighted sum times the normal distribution function at it",
    names=a,
    start=z * Phi,
    steps=(Step(z / 2 + z * sp.erf(z / sp.sqrt(2)) / 2, algebra, because="multiply out"),),
    shapes={"Z": ("n", "N"), "": ("n", "N")},
    source=HENDRYCKS,
    wrong_twins=(
        WrongTwin(z * (1 + sp.erf(z)) / 2, "the √2 is forgotten"),
        WrongTwin(z * (1 + sp.erf(z / sp.sqrt(2))), "the half is forgotten"),
        WrongTwin(
            z * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (z + sp.Rational(44715, 1000000) * z**3))) / 2,
            "the tanh form is only an approximation",
        ),
    ),
)

dZ = Claim(
    name="gelu.dZ",
    kind="gradient",
    says="the slope of Z Φ(Z) is Φ(Z) + Z φ(Z), with φ the normal density; it is negative below −0.75",
    start=da * slope(z * Phi, z),
    steps=(
        Step(da * (Phi * slope(z, z) + z * slope(Phi, z)), product_rule(z, Phi, z), because="A is a product"),
        Step(da * (Phi + z * phi), differentiate, because="the slope of Z is 1, and that of Φ the density φ"),
        Step(da * (P + z * p), definition, because="Φ and φ by name"),
    ),
    shapes={"Z": ("n", "N"), "dA": ("n", "N"), "": ("n", "N")},
    source=HENDRYCKS,
    of="gelu.forward",
    wrt="Z",
    uses=("gelu.forward",),
    where={P: Phi, p: phi},
    wrong_twins=(
        WrongTwin(da * P, "the product rule is forgotten: Φ is taken for the slope"),
        WrongTwin(da * (P + p), "the factor Z of the density is forgotten"),
        WrongTwin(da * (P + z * sp.exp(-(z**2)) / sp.sqrt(sp.pi)), "the √2 is forgotten in the density"),
        WrongTwin(da * (P + z * sp.exp(-(z**2) / 2)), "the density is not divided by √(2π)"),
    ),
)
