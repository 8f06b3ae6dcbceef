"""Huber's loss of an error, entry by entry: a square near 0, lines beyond ±δ. Its slope is the clipped error."""

import sympy as sp

from derivations.algebra.notation import number
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, differentiate, slope

HUBER = "Huber 1964, Annals of Mathematical Statistics 35, p. 73"

E = number("E", "the error of one output: output less target")
H = number("H", "its loss")
dH = number("dH", "gradient of the whole loss with respect to this one")
delta = number("delta", "where the parabola turns into a line", positive=True)

SHAPES = {"E": ("n", "N"), "": ("n", "N")}
by_cases = sp.Piecewise((-delta * (E + delta / 2), -delta > E), (delta * (E - delta / 2), delta < E), (E**2 / 2, True))

forward = Claim(
    name="huber.forward",
    kind="definition",
    says="half the square of the error up to δ, and the line that goes on from there with the slope δ",
    names=H,
    start=by_cases,
    steps=(
        Step(
            sp.Max(-delta, sp.Min(E, delta)) * (E - sp.Max(-delta, sp.Min(E, delta)) / 2),
            algebra,
            because="the error times its clipped value, less half the square of that",
        ),
    ),
    shapes={"E": ("n", "N"), "delta": (), "": ("n", "N")},
    source=HUBER,
    wrong_twins=(
        WrongTwin(E**2 / 2, "nothing is clipped"),
        WrongTwin(
            sp.Piecewise((E**2 / 2, sp.Abs(E) < delta), (delta * sp.Abs(E), True)),
            "the line does not meet the parabola",
        ),
    ),
)

dE = Claim(
    name="huber.dE",
    kind="gradient",
    says="the error, clipped to ±δ",
    start=dH * slope(by_cases, E),
    steps=(
        Step(
            dH * sp.Max(-delta, sp.Min(E, delta)),
            differentiate,
            because="the parabola has the slope E, and the lines have −δ and δ",
        ),
    ),
    shapes={"E": ("n", "N"), "dH": ("n", "N"), "delta": (), "": ("n", "N")},
    source=HUBER,
    of="huber.forward",
    wrt="E",
    uses=("huber.forward",),
    given=(sp.Ne(E, delta), sp.Ne(E, -delta)),
    wrong_twins=(
        WrongTwin(dH * E, "nothing is clipped"),
        WrongTwin(dH * sp.Piecewise((E, sp.Abs(E) < delta), (0, True)), "beyond δ the slope is taken to be 0"),
        WrongTwin(dH * sp.Piecewise((E, sp.Abs(E) < delta), (delta, True)), "the sign of the error is lost beyond δ"),
    ),
)
