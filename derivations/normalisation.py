"""What layer, batch and group normalisation have in common: a group of numbers less its mean, over its deviation.

They differ in what a group is: all features of one example, one feature of all examples, or the channels and places of
one group of one example. The claims are stated once, for the numbers of a group under `inner` indices and the groups
under `outer` ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from derivations.algebra.notation import eps
from derivations.algebra.sums import Index, Tensor, delta, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import contract, definition, differentiate, linear, slope

Indices = tuple[Index, ...]


@dataclass(frozen=True)
class Normalised:
    """Numbers X in groups: place(inner, outer) gives the indices of X, channel(inner, outer) those of γ and β."""

    concept: str
    source: str
    X: Tensor
    gamma: Tensor
    beta: Tensor
    dY: Tensor
    Y: Tensor
    r: Tensor
    Xhat: Tensor
    inner: Indices
    outer: Indices
    place: Callable[[Indices, Indices], Indices]
    channel: Callable[[Indices, Indices], Indices]
    shapes: dict[str, tuple[str, ...]]

    @property
    def count(self) -> sp.Expr:
        """How many numbers a group has."""
        return sp.Mul(*(k.dim for k in self.inner))

    def x(self, inner: Indices, outer: Indices) -> sp.Indexed:
        """One number of one group."""
        return self.X[self.place(inner, outer)]

    def mean(self, outer: Indices) -> sp.Expr:
        """The mean of a group."""
        b = renamed(self.inner, "b")
        return over(self.x(b, outer), b) / self.count

    def root(self, outer: Indices, e: int) -> sp.Expr:
        """The variance of a group and ε, to the power e/2."""
        a = renamed(self.inner, "a")
        variance = over((self.x(a, outer) - self.mean(outer)) ** 2, a) / self.count
        return (variance + eps) ** sp.Rational(e, 2)

    def normal(self, inner: Indices, outer: Indices) -> sp.Expr:
        """One number less the mean of its group, over its deviation."""
        return (self.x(inner, outer) - self.mean(outer)) * self.root(outer, -1)

    def scale(self, inner: Indices, outer: Indices) -> sp.Expr:
        """The γ of one number."""
        return self.gamma[self.channel(inner, outer)]

    def output(self, inner: Indices, outer: Indices) -> sp.Expr:
        """γ times the normalised number, and β."""
        return self.scale(inner, outer) * self.normal(inner, outer) + self.beta[self.channel(inner, outer)]

    def change(self, part: Callable[[Indices, Indices], sp.Expr]) -> sp.Expr:
        """⟨dY, part⟩ over all numbers."""
        k, t = renamed(self.inner, "k"), renamed(self.outer, "t")
        return over(self.dY[self.place(k, t)] * part(k, t), (*k, *t))

    @property
    def where(self) -> dict[sp.Expr, sp.Expr]:
        """What the names stand for: r is one over the deviation, X̂ what is normalised."""
        Xhat = self.Xhat[self.place(self.inner, self.outer)]
        return {self.r[self.outer]: self.root(self.outer, -1), Xhat: self.normal(self.inner, self.outer)}

    def forward(self, says: str, *twins: WrongTwin) -> Claim:
        """The definition."""
        i, s = self.inner, self.outer
        named = self.scale(i, s) * self.Xhat[self.place(i, s)] + self.beta[self.channel(i, s)]
        return Claim(
            name=f"{self.concept}.forward",
            kind="definition",
            says=says,
            names=self.Y[self.place(i, s)],
            start=self.output(i, s),
            steps=(Step(named, definition, because="X̂ is X less the mean of its group, times r"),),
            where=self.where,
            shapes=self.shapes,
            source=self.source,
            wrong_twins=(
                WrongTwin(self.scale(i, s) * self.normal(i, s), "the shift β is forgotten"),
                WrongTwin(
                    self.scale(i, s) * self.x(i, s) * self.root(s, -1) + self.beta[self.channel(i, s)],
                    "the mean is not subtracted, as in RMS normalisation",
                ),
                *twins,
            ),
        )

    def dXhat(self, inner: Indices) -> sp.Expr:
        """γ dY: the gradient with respect to a normalised number of the group that the outer indices name."""
        return self.scale(inner, self.outer) * self.dY[self.place(inner, self.outer)]

    def slope_of_output(self, k: Indices, t: Indices) -> sp.Expr:
        """∂/∂X of an output: directly, if it is the same number of the same group; through mean and variance, if its
        group is the same."""
        i, s, n = self.inner, self.outer, self.count
        direct = (both(k, i) - 1 / n) * self.root(t, -1)
        through = (self.x(k, t) - self.mean(t)) * (self.x(i, t) - self.mean(t)) * self.root(t, -3) / n
        return self.scale(k, t) * both(t, s) * (direct - through)

    def dX(self, *twins: WrongTwin) -> Claim:
        """The gradient with respect to X: three terms, of which two are what mean and variance pass on."""
        i, s = self.inner, self.outer
        g = renamed(i, "g")
        n, x, dXhat = self.count, self.x, self.dXhat
        of_mean, of_variance = over(dXhat(g), g) / n, over(dXhat(g) * self.Xhat[self.place(g, s)], g) / n
        Xhat, r = self.Xhat[self.place(i, s)], self.r[s]

        by_group = self.root(s, -1) * (dXhat(i) - of_mean) - self.root(s, -3) * (x(i, s) - self.mean(s)) * (
            over(dXhat(g) * (x(g, s) - self.mean(s)), g) / n
        )
        return Claim(
            name=f"{self.concept}.dX",
            kind="gradient",
            says="r (dX̂ − mean of dX̂ − X̂ times the mean of dX̂ X̂), with dX̂ = γ dY, each mean over the group",
            start=slope(self.change(self.output), x(i, s)),
            steps=(
                Step(
                    self.change(lambda k, t: self.scale(k, t) * slope(self.normal(k, t), x(i, s))),
                    linear,
                    because="γ, β and dY do not depend on X",
                ),
                Step(
                    self.change(self.slope_of_output),
                    differentiate,
                    because="the mean changes by 1/n with each number of the group; the variance by 2 (x − mean)/n, "
                    "as the deviations add up to 0",
                ),
                Step(by_group, contract, because="only this group; of its numbers the direct term has only one"),
                Step(r * (dXhat(i) - of_mean - Xhat * of_variance), definition, because="r is one over the deviation"),
            ),
            where=self.where,
            shapes={name: self.shapes[name] for name in ("X", "gamma")}
            | {"dY": self.shapes["X"], "eps": (), "": self.shapes["X"]},
            source=self.source,
            of=f"{self.concept}.forward",
            wrt="X",
            uses=(f"{self.concept}.forward",),
            wrong_twins=(
                WrongTwin(r * dXhat(i), "mean and variance are taken for constants"),
                WrongTwin(r * (dXhat(i) - of_mean), "the variance is taken for a constant"),
                WrongTwin(r * (dXhat(i) - n * of_mean - Xhat * n * of_variance), "sums over the group, not means"),
                *twins,
            ),
        )

    def dgamma(self, i: Indices, rest: Indices, *twins: WrongTwin) -> Claim:
        """The gradient with respect to the gains; i are the indices of γ, rest those that are summed over."""
        return self.parameter("gamma", i, rest, twins)

    def dbeta(self, i: Indices, rest: Indices, *twins: WrongTwin) -> Claim:
        """The gradient with respect to the shifts."""
        return self.parameter("beta", i, rest, twins)

    def parameter(self, name: str, i: Indices, rest: Indices, twins: tuple[WrongTwin, ...]) -> Claim:
        """The gradient with respect to γ or β: the sum of dY X̂, or of dY, over all that share it."""
        of_gamma = name == "gamma"
        parameter = self.gamma if of_gamma else self.beta
        factor: Callable[[Indices, Indices], sp.Expr] = self.normal if of_gamma else lambda inner, outer: sp.S.One
        inner, outer = self.within(i, rest)
        at = self.place(inner, outer)
        summed = over(self.dY[at] * factor(inner, outer), rest)
        named = over(self.dY[at] * self.Xhat[at], rest)
        steps = (
            Step(
                self.change(lambda k, t: both(self.channel(k, t), i) * factor(k, t)),
                differentiate,
                because=f"an entry of {'γ' if of_gamma else 'β'} changes with itself only, and X does not depend on it",
            ),
            Step(summed, contract, because="what shares this entry remains"),
        )
        return Claim(
            name=f"{self.concept}.d{name}",
            kind="gradient",
            says=f"the sum of dY{' X̂' if of_gamma else ''} over all numbers that share the entry",
            start=slope(self.change(self.output), parameter[i]),
            steps=(*steps, Step(named, definition, because="X̂ is what is normalised")) if of_gamma else steps,
            where=self.where if of_gamma else {},
            shapes=({"X": self.shapes["X"]} if of_gamma else {})
            | {"dY": self.shapes["X"]}
            | ({"eps": ()} if of_gamma else {})
            | {"": self.shapes[name]},
            source=self.source,
            of=f"{self.concept}.forward",
            wrt=name,
            uses=(f"{self.concept}.forward",),
            wrong_twins=(WrongTwin((named if of_gamma else summed) / rest[-1].dim, "a mean, not a sum"), *twins),
        )

    def within(self, i: Indices, rest: Indices) -> tuple[Indices, Indices]:
        """The indices i and rest as those of a group and those that tell groups apart."""
        by_dim = {k.dim: k for k in (*i, *rest)}
        return tuple(by_dim[k.dim] for k in self.inner), tuple(by_dim[k.dim] for k in self.outer)


def renamed(indices: Indices, letter: str) -> Indices:
    """Other indices over the same dimensions: a, a', a''."""
    return tuple(Index(letter + "'" * place, k.dim) for place, k in enumerate(indices))


def over(summand: sp.Expr, indices: Indices) -> sp.Expr:
    """The sum over all the indices."""
    for k in reversed(indices):
        summand = total(summand, k)
    return summand


def both(left: Indices, right: Indices) -> sp.Expr:
    """1 where the indices agree one by one, else 0."""
    return sp.Mul(*(delta(a, b) for a, b in zip(left, right, strict=True)))
