"""The fewest mistakes that explain a set of gradients, looked for backwards from the last layer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from math import inf

import numpy as np

from nnref.checking.diagnosis.backward_lines import HIDDEN, TOP, BackwardState, Prediction, known
from nnref.checking.diagnosis.catalogue.deltas import DELTAS
from nnref.checking.diagnosis.catalogue.gradients import BIASES, EITHER, WEIGHTS, averaged
from nnref.checking.diagnosis.explanations import (
    RIGHT_LINES,
    Chain,
    Explanation,
    Fault,
    GradientFaults,
    chains,
    right_gradient,
    right_layers,
)
from nnref.checking.diagnosis.factors import Factor, meaning_of_factor
from nnref.checking.diagnosis.fit import (
    WITNESSES,
    GivenGradient,
    Number,
    fitted_factor,
    same_factor,
    same_numbers,
    short_number,
    solved,
)
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference.forward_errors import ForwardErrors
from nnref.shapes import Array

UNEXPLAINED = 3
"""Cost of an unexplained gradient: above the cost of two mistakes, 2, so that two that explain it come first."""

LOST = 5
"""Cost of an unexplained dZ: below two unexplained gradients, 3 + 3, which have a wrong dZ in common; above one beside
another that a mistake explains from the right dZ, 3 + 1."""

MORE = 2
"""Explanations of a layer are kept up to this cost above the cheapest, as the layers below may reverse the order."""

GRADIENT = {"W": ("dW", "gradient"), "b": ("db", "gradient")}
"""The lines that compute one gradient from dZ."""


class ExplanationSearch:
    """The explanations of one set of gradients."""

    def __init__(
        self,
        numbers: ForwardErrors,
        yours: Mapping[str, Array | None],
        slack: Mapping[str, Array | float],
        allowed: float,
        rate: float | None,
        given: Mapping[str, Array],
        among: Collection[str] | None = None,
    ) -> None:
        self.deltas, self.weights, self.biases = (
            tuple(m for m in group if among is None or m.key in among)
            for group in (DELTAS, (*WEIGHTS, *EITHER), (*BIASES, *EITHER))
        )
        self.n, self.yours, self.allowed, self.rate, self.given = numbers, yours, allowed, rate, given
        self.judged = {
            name: GivenGradient(g, slack[name], allowed)
            for name, g in yours.items()
            if g is not None and np.isfinite(g).all()
        }
        self.absent = {name for name, g in yours.items() if g is None}
        self.truths = {f"{theta}{at.l}": right_gradient(at, theta) for at in right_layers(numbers) for theta in "Wb"}

    def explanations(self) -> list[Explanation]:
        """The cheapest explanations of everything, equal in cost; one with no faults if all is right.

        The cheapest unfinished explanation is extended first (uniform-cost search), so that no cheaper one is missed.
        """
        begun = count()
        waiting = [(Explanation().rank, next(begun), self.n.depth, Explanation())]
        done: list[Explanation] = []
        with np.errstate(all="ignore"):  # a wrong formula may divide by zero: its prediction then fits nothing
            while waiting and not (done and waiting[0][0][0] > done[0].cost):
                _, _, l, so_far = heappop(waiting)
                if l == 0 or so_far.lost:
                    done.append(so_far)
                    continue
                found = self.layer(so_far, l)
                most = min(e.cost for e in found) + MORE
                # Of two with one name the first is kept; of equal cost, the first is extended first.
                for e in reversed({e.names: e for e in reversed(found) if e.cost <= most}.values()):
                    heappush(waiting, (e.rank, next(begun), l - 1, e))
        return sorted(done, key=lambda e: e.rank)

    def layer(self, so_far: Explanation, l: int) -> list[Explanation]:
        """The ways to explain both gradients of layer l, given what is above it."""
        start = BackwardState(self.n, l, self.yours, so_far.dZs)
        lines = TOP if l == self.n.depth else HIDDEN
        plain = RIGHT_LINES.run(start, lines)
        found: list[Explanation] = []
        for faults in range(3):
            for chain, end in chains(self.deltas, start, lines, faults):
                for s, at in self.reached(chain, end, start, lines, l):
                    if faults == 0 or (self.seen(at, plain, l) and self.needed(chain, s, at, start, lines)):
                        found += self.gradients(so_far.plus(faults, *chain.faults(l, lines, s)), at, l, faults)
            if found and min(e.cost for e in found) - so_far.cost <= faults:
                break
        if not found or min(e.cost for e in found) - so_far.cost > 2:
            found += self.gradients(so_far, plain, l, 0, most=2)
            found += self.unexplained(so_far, plain, l)
        return found

    def needed(self, chain: Chain, s: float, at: BackwardState, start: BackwardState, lines: tuple[str, ...]) -> bool:
        """Does each of several mistakes change dZ, given the others?"""
        return len(chain.chosen) < 2 or not any(
            same_numbers(known(chain.without(line).run(start, lines, s).dZ), known(at.dZ), self.allowed)
            for line in chain.chosen
        )

    def seen(self, at: BackwardState, plain: BackwardState, l: int) -> bool:
        """Does a mistake in dZ change a gradient, and to the given one, up to a factor?"""
        for theta in "Wb":
            made, right = right_gradient(at, theta), right_gradient(plain, theta)
            yours = self.judged.get(f"{theta}{l}")
            number = None if yours is None or same_numbers(made, right, self.allowed) else fitted_factor(yours, made, 1)
            if number is not None and number.value:
                return True
        return False

    def reached(
        self, chain: Chain, end: BackwardState, start: BackwardState, lines: tuple[str, ...], l: int
    ) -> Iterator[tuple[float, BackwardState]]:
        """The states that a chain may lead to: one or, with an unknown number, one for each value that fits."""
        unknown = chain.unknown
        if unknown is None:
            yield 0.0, end
            return
        ends = [end, chain.run(start, lines, 1.0)]
        zero, one = (known(e.dZ) for e in ends)
        direction = WithError(one.value - zero.value, one.e + zero.e, zero.u)
        for theta in "Wb":
            equations = self.equations(direction, theta, l)
            number = self.unknown_number([right_gradient(e, theta) for e in ends], f"{theta}{l}", unknown, equations)
            if number is not None:
                at = chain.run(start, lines, number.value)
                yield number.value, replace(at, dZ=blurred(known(at.dZ), [zero, one], number))
                return

    def equations(self, dZ: WithError, theta: str, l: int) -> int:
        """The number of independent equations in a gradient that is computed from this dZ.

        Where dZ has rank one, db is the same up to a factor whatever is done to the examples; a row of dW gives at most
        as many equations as there are examples, or inputs.
        """
        seen = np.where(abs(dZ.value) > self.allowed * dZ.u * dZ.e, dZ.value, 0)
        rank = int(np.linalg.matrix_rank(seen)) if seen.any() else 0
        n = self.n.A[l - 1].shape[0]
        return rank if theta == "b" else min(int(np.minimum((seen != 0).sum(axis=1), n).sum()), rank * n)

    def unknown_number(self, ends: list[WithError], name: str, prediction: Prediction, equations: int) -> Number | None:
        """The number for which a gradient is c (value at 0 + s × direction), for some factor c."""
        yours = self.judged.get(name)
        if yours is None or yours.value.shape != ends[0].shape:
            return None
        zero, one = ends
        direction = WithError(one.value - zero.value, one.e + zero.e, zero.u)
        for free, columns in ((zero.value, [direction]), (0 * zero.value, [zero, direction])):
            numbers = solved(yours, free, columns, equations)
            if numbers is None:
                continue
            c = numbers[0].value if len(numbers) > 1 else 1.0
            s = replace(numbers[-1], value=numbers[-1].value / c, error=numbers[-1].error / abs(c)) if c else None
            if s is None or not s.believed or abs(s.value) <= s.error:
                continue
            low, high = prediction.between or (-inf, inf)
            if not low + s.error < s.value < high - s.error:  # at the end of its range it is another mistake, or none
                continue
            short = short_number(s.value, s.error)
            s = s if short is None else replace(s, value=short, error=0.0)
            made = WithError(zero.value + s.value * direction.value, zero.e + abs(s.value) * direction.e, zero.u)
            if yours.agrees(made * c):
                return s
        return None

    def gradients(
        self, so_far: Explanation, at: BackwardState, l: int, guess: int, most: int = 1
    ) -> Iterator[Explanation]:
        """The ways to explain dW and db from this dZ; none if it explains neither and is a guess."""
        plain = {theta: self.right_line_up_to_a_factor(at, theta, l, guess) for theta in "Wb"}
        matched = [theta for theta in "Wb" if plain[theta]]
        if not self.agrees_with_given(at, l) or (guess > 1 and len(matched) < 2):
            return
        # A dZ with only one or two nonzero entries could come from many mistakes, with a factor or a second one.
        without_meaning = any(way.factor and way.factor.without_meaning for theta in matched for way in plain[theta])
        if guess and (guess > 1 or without_meaning) and self.equations(known(at.dZ), "W", l) <= WITNESSES:
            return
        ways = {theta: plain[theta] or list(self.mistakes_in_own_lines(at, theta, l, most)) for theta in "Wb"}
        for theta in matched:  # a meaningless factor may be a mistake that happens to be proportional
            if not guess and any(way.factor and way.factor.without_meaning for way in plain[theta]):
                ways[theta] = [*ways[theta], *self.mistakes_in_own_lines(at, theta, l, 1)]
        for W in ways["W"]:
            for b in ways["b"]:
                yield from self.scaled(so_far, at, l, W, b)

    def factor_unless_zero(self, made: WithError, name: str, factor: Factor) -> Factor | None:
        """The factor of a prediction; None where the prediction is zero to rounding, and so is any multiple of it."""
        silent = (abs(made.value) <= self.judged[name].tolerance(made)).all()
        return None if silent and factor.value == 1 else factor

    def can_be_told_from_zeros(self, made: WithError, name: str) -> bool:
        """Is a prediction clearly not all zero, as the results of many mistakes are?"""
        yours = self.judged.get(name)
        if yours is None:
            return False
        zeros = made.shape == self.truths[name].shape and (abs(made.value) <= yours.tolerance(made)).all()
        return not zeros

    def agrees_with_given(self, at: BackwardState, l: int) -> bool:
        """Do dA and dZ agree with the given ones, if any, up to a factor?"""
        made = {f"dA{l}": at.dA, f"dZ{l}": at.dZ}
        return all(
            name not in self.given or M is None or self.ratio_to_given(name, M) is not None for name, M in made.items()
        )

    def ratio_to_given(self, name: str, made: WithError) -> Number | None:
        """The factor between an intermediate that was given and a prediction."""
        given = self.given[name]
        return fitted_factor(GivenGradient(given, 0.0, self.allowed), made, given.size)

    def right_line_up_to_a_factor(self, at: BackwardState, theta: str, l: int, guess: int = 0) -> list[GradientFaults]:
        """The right line's gradient up to a factor: one way or none. Any number is allowed only with the right dZ."""
        if f"{theta}{l}" in self.absent:
            return [GradientFaults(None, ())]
        equations = 1 if guess else self.equations(known(at.dZ), theta, l)
        made = right_gradient(at, theta)
        found = self.factor(made, f"{theta}{l}", equations)
        return [] if found is None else [GradientFaults(self.factor_unless_zero(made, f"{theta}{l}", found), ())]

    def factor(self, made: WithError, name: str, equations: int = 1) -> Factor | None:
        """The factor between a prediction and the gradient that was given."""
        yours = self.judged.get(name)
        number = None if yours is None else fitted_factor(yours, made, equations)
        if number is None or number.is_one:
            return None if number is None else Factor(1.0, 0.0, (), "")
        return meaning_of_factor(number, self.n.N, self.n.classes, self.rate)

    def mistakes_in_own_lines(self, at: BackwardState, theta: str, l: int, most: int) -> Iterator[GradientFaults]:
        """The mistakes in one gradient's own lines that explain it, the fewest first."""
        lines, name = GRADIENT[theta], f"{theta}{l}"
        at = replace(at, theta=theta)
        mistakes = self.weights if theta == "W" else self.biases
        for faults in range(1, most + 1):
            found = False
            for chain, end in chains(mistakes, at, lines, faults):
                for s, made in self.made(chain, end, at, lines, name):
                    factor = self.factor(made, name) if self.can_be_told_from_zeros(made, name) else None
                    if factor and factor.value and not (factor.without_meaning and witnesses(made.value) <= WITNESSES):
                        found = True
                        yield GradientFaults(
                            self.factor_unless_zero(made, name, factor),
                            tuple(replace(f, at=f"d{name}") for f in chain.faults(l, lines, s)),
                        )
            if found:
                return

    def made(
        self, chain: Chain, end: BackwardState, at: BackwardState, lines: tuple[str, ...], name: str
    ) -> Iterator[tuple[float, WithError]]:
        """The gradient that a chain gives, with its unknown number fitted."""
        unknown = chain.unknown
        if unknown is None:
            yield 0.0, known(end.g)
            return
        ends = [known(end.g), known(chain.run(at, lines, 1.0).g)]
        number = self.unknown_number(ends, name, unknown, int((ends[1].value != ends[0].value).sum()))
        if number is not None:
            yield number.value, blurred(known(chain.run(at, lines, number.value).g), ends, number)

    def scaled(
        self, so_far: Explanation, at: BackwardState, l: int, W: GradientFaults, b: GradientFaults
    ) -> Iterator[Explanation]:
        """Assign the factors: to dZ, which passes one on to all layers below, or to each gradient its own."""
        factors = [way.factor for way in (W, b) if way.factor is not None]
        carried = [Factor(1.0, 0.0, (), "")]
        carried += [f for f in factors if not any(same_factor(f.value, g.value, f.error) for g in carried)]
        for factor in carried:
            faults = [Fault(f"dZ{l}", factor.meanings, factor.detail)] if factor.value != 1 else []
            cost = len(faults)
            for theta, way in (("W", W), ("b", b)):
                faults += way.faults
                cost += len(way.faults)
                if way.factor and not same_factor(way.factor.value, factor.value, way.factor.error):
                    rest = self.left_over(way.factor, factor, theta)
                    if rest is None:
                        break
                    faults.append(Fault(f"d{theta}{l}", rest.meanings, rest.detail))
                    cost += 1
            else:
                dZ = known(at.dZ) if factor.value == 1 else known(at.dZ) * factor.value
                dZ = WithError(dZ.value, dZ.e + abs(dZ.value) * factor.error / dZ.u, dZ.u) if factor.error else dZ
                yield replace(so_far.plus(cost, *faults), dZs={**so_far.dZs, l: self.given_or_made(dZ, l)})

    def left_over(self, of: Factor, carried: Factor, theta: str) -> Factor | None:
        """What one gradient's own factor is, once dZ carries another."""
        if not carried.value:
            return None
        number = Number(of.value / carried.value, of.error / abs(carried.value), True)
        factor = meaning_of_factor(number, self.n.N, self.n.classes, self.rate)
        if factor and theta == "b" and same_factor(number.value, 1 / self.n.N, number.error):
            return replace(factor, meanings=(averaged, *factor.meanings))
        return factor

    def given_or_made(self, dZ: WithError, l: int) -> WithError:
        """The given dZ, if any, in the loss's scale; else the computed one."""
        number = self.ratio_to_given(f"dZ{l}", dZ) if f"dZ{l}" in self.given else None
        if number is None or not number.value:
            return dZ
        return WithError.exact(self.given[f"dZ{l}"] / number.value, dZ.u)

    def unexplained(self, so_far: Explanation, at: BackwardState, l: int) -> Iterator[Explanation]:
        """What to say where no mistake explains a gradient: dW or db alone, or dZ itself and all that is below."""
        plain = {theta: self.right_line_up_to_a_factor(at, theta, l) for theta in "Wb"}
        ways = {theta: plain[theta] or list(self.mistakes_in_own_lines(at, theta, l, 1)) for theta in "Wb"}
        lost = so_far.plus(LOST, Fault(f"dZ{l}"))
        if f"dZ{l}" in self.given:
            for factor in (1.0, 1 / self.n.N):  # many keep the mean's 1/N for dW and db
                given = WithError.exact(self.given[f"dZ{l}"] * factor, self.n.u)
                yield from self.gradients(lost, replace(at, dZ=given), l, 1)
        not_zero = [way for theta in "Wb" for way in plain[theta] if way.factor is None or way.factor.value]
        if not not_zero and not self.right_below(l):  # a zero gradient is no evidence about dZ
            yield replace(lost, lost=True)
        for W in ways["W"] or [GradientFaults(None, (Fault(f"dW{l}"),))]:
            for b in ways["b"] or [GradientFaults(None, (Fault(f"db{l}"),))]:
                cost = (UNEXPLAINED - 1) * ((not ways["W"]) + (not ways["b"]))
                for found in self.scaled(so_far, at, l, W, b):
                    yield found.plus(cost)

    def right_below(self, l: int) -> bool:
        """Are dW and db of a layer below l right? Then dZ of layer l is right too, for nothing below would be."""
        return any(
            all((yours := self.judged.get(name)) is not None and yours.agrees(self.truths[name]) for name in layer)
            and np.any(self.judged[layer[0]].value)
            for layer in ((f"W{q}", f"b{q}") for q in range(1, l))
        )


def witnesses(made: Array) -> int:
    """The number of independent equations in a gradient: rows of rank one differ only by a factor."""
    rows = np.atleast_2d(made)
    return int(np.linalg.matrix_rank(rows) * (rows != 0).any(axis=1).sum()) if made.any() else 0


def blurred(made: WithError, ends: list[WithError], number: Number) -> WithError:
    """A prediction with the error of its fitted number added to its own."""
    return WithError(made.value, made.e + abs(ends[1].value - ends[0].value) * number.error / made.u, made.u)
