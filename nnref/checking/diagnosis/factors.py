"""Factors by which a gradient may be wrong throughout, and what each is likely to mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nnref.checking.diagnosis.backward_lines import ANY, BackwardMistake, BackwardState, Prediction, known
from nnref.checking.diagnosis.fit import Number, same_factor, short_number
from nnref.checking.operations.running_error import WithError
from nnref.checking.results.factor import known_digits


@dataclass(frozen=True)
class Scale(BackwardMistake):
    """A mistake that multiplies dZ, or one gradient, by a number: factors(N, classes, learning rate) are its values."""

    factors: Callable[[int, int, float], tuple[float, ...]]


def named_scale(key: str, says: str, factor: str, factors: Callable[[int, int, float], tuple[float, ...]]) -> Scale:
    """A scale, given the wrong factor as one writes it."""

    def predict(at: BackwardState) -> Iterator[Prediction]:
        for c in factors(at.numbers.N, at.numbers.classes, 0.0) or (None,):
            unknown = ANY if c is None else None
            yield Prediction(lambda at, s, c=c: scaled_quantity(at) * (s if c is None else c), "{s} times", unknown)

    wrong, right = f"dZ{{l}} = {factor}", "dZ{l} = (P - Y) / N"
    return Scale(key, "scale", says, wrong, right, "softmax_cross_entropy.dZ", predict, factors)


def scaled_quantity(at: BackwardState) -> WithError:
    """What is scaled: the gradient, or dZ where no gradient has been made yet."""
    return known(at.g or at.dZ)


SUMMED = named_scale(
    "scale.N",
    "N times too large: the 1/N of the mean is missing.",
    "P - Y",
    lambda N, K, rate: (N,),
)
SCALES = (
    SUMMED,
    named_scale("scale.1/N", "Divided by N twice.", "(P - Y) / N / N", lambda N, K, rate: (1 / N,)),
    named_scale("scale.sign", "The sign is wrong.", "(Y - P) / N", lambda N, K, rate: (-1,)),
    named_scale("scale.2", "A factor of 2 that does not belong.", "2 * (P - Y) / N", lambda N, K, rate: (2,)),
    named_scale("scale.1/2", "A factor of 1/2 that does not belong.", "(P - Y) / N / 2", lambda N, K, rate: (1 / 2,)),
    named_scale(
        "scale.classes",
        "The number of classes is in it: the mean is over examples only.",
        "(P - Y) / K",
        lambda N, K, rate: (N / K, 1 / K, K, K / N),
    ),
    named_scale("scale.N²", "N² times too large.", "(P - Y) * N", lambda N, K, rate: (N * N,)),
    named_scale("scale.1/N²", "Divided by N three times.", "(P - Y) / N**3", lambda N, K, rate: (1 / (N * N),)),
    named_scale("scale.-N", "N times too large, with the wrong sign.", "Y - P", lambda N, K, rate: (-N, -1 / N)),
    named_scale(
        "scale.rate",
        "The learning rate is multiplied in: it belongs to the update.",
        "alpha * (P - Y) / N",
        lambda N, K, rate: (rate, -rate, rate * N, rate / N) if rate else (),
    ),
)
"""The factors with a name, the commonest first."""

CONSTANT = named_scale(
    "scale.constant",
    "A constant factor that does not belong: a learning rate, 1 − β or 1 + β of a momentum, or a clipped norm.",
    "c * (P - Y) / N",
    lambda N, K, rate: (),
)
ZEROS = "zero throughout"
"""What is said of a gradient of zeros: many mistakes give that, so none is named."""


@dataclass(frozen=True)
class Factor:
    """A factor that was found: its value, what it may mean, the likeliest first, and how one writes it."""

    value: float
    error: float
    meanings: tuple[BackwardMistake, ...]
    detail: str

    @property
    def without_meaning(self) -> bool:
        """Is it a number without a meaning: any constant, or 0?"""
        return self.value != 1 and self.meanings[:1] in ((), (CONSTANT,))


def meaning_of_factor(number: Number, N: int, classes: int, rate: float | None) -> Factor | None:
    """What a factor means. One without a name needs enough equations as evidence; else None."""
    if number.value == 0:
        return Factor(0.0, 0.0, (), ZEROS)
    found: list[tuple[float, Scale]] = [
        (c, meaning)
        for meaning in SCALES
        for c in meaning.factors(N, classes, rate or 0.0)
        if c != 1 and same_factor(number.value, c, number.error) and number.error < 1e-3 * abs(c)
    ]
    if found:
        meanings = tuple(dict.fromkeys(meaning for _, meaning in found))
        return Factor(found[0][0], 0.0, meanings, f"{found[0][0]:.6g} times")
    if not number.believed:
        return None
    short = short_number(number.value, number.error)
    value, error = (number.value, number.error) if short is None else (short, 0.0)
    return Factor(value, error, (CONSTANT,), f"{known_digits(value, error)} times")
