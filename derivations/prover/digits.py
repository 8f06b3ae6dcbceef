"""The value of an expression to 50 digits, at random sizes and points: a witness without SymPy's diff or doit.

Sums are added up term by term, derivatives are differences, and nothing is simplified: what this says and what the
symbols say have no code in common.
"""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import mpmath as mp
import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from derivations.algebra.notation import Activation, ActivationSlope, Density
from derivations.algebra.sums import TENSORS, Entry, Index, Where, outermost
from derivations.prover.sizes import affordable, called, drawn_sizes, free_symbols, switches

if TYPE_CHECKING:
    from derivations.prover.claim import Claim

DIGITS = 50
GUARD = 20
"""Digits carried beyond those that are compared: differences of differences lose 2 · 10 of them."""

ALGEBRA = mp.mpf(10) ** -45
"""Relative room for the roundings of an expression at 50 digits."""

DERIVATIVE = mp.mpf(10) ** -30
"""Where a derivative is taken: differences of order four lose H⁴ = 10⁻⁴⁰ of it, times a fifth derivative."""

H = mp.mpf(10) ** -10

SEARCHED = 50
"""Points at which an inequality is tried; a wrong bound may fail on a small part of the line only."""

REACH = 3
"""Numbers are drawn between −3 and 3; where a line bends at a larger number, twice as far out as that."""

BENT = (sp.Max, sp.Min, sp.Abs, sp.sign, sp.Piecewise)
SIDES = 4
"""Where a line bends there are so many times the points: of sixteen, all lie on one side of 0 once in 32,768."""

Values = Mapping[tuple[int, ...], Any]


@dataclass(frozen=True)
class Point:
    """Sizes, indices and numbers at which an expression has a value.

    Entries of tensors and symbols are drawn when they are asked for, each from its own name, so that two expressions
    meet the same numbers. given restricts the draw: 0 < p, Σ_k y_k = 1. arrays fixes tensors instead; moved is what
    has been added to single entries, for a difference.
    """

    seed: str
    sizes: Mapping[sp.Symbol, int]
    indices: Mapping[sp.Symbol, int] = field(default_factory=dict)
    where: Where = field(default_factory=dict)
    given: tuple[sp.Basic, ...] = ()
    arrays: Mapping[str, Values] = field(default_factory=dict)
    moved: Mapping[tuple[str, tuple[int, ...]], Any] = field(default_factory=dict)
    functions: Mapping[Any, Callable[..., Any]] = field(default_factory=dict)
    reach: int = REACH
    known: dict[tuple[str, tuple[int, ...]], Any] = field(default_factory=dict)
    draws: dict[tuple[str, tuple[int, ...]], Any] = field(default_factory=dict)

    def at(self, **changes: Any) -> Point:
        """The same point with other indices, or with other numbers: then what was worked out of them is forgotten."""
        return replace(self, **changes) if changes.keys() <= {"indices"} else replace(self, known={}, **changes)

    def entry(self, name: str, indices: tuple[int, ...]) -> Any:
        """The number called name, or its entry at these indices."""
        key = (name, indices)
        if key not in self.known:
            self.known[key] = self.number(name, indices)
        return self.known[key]

    def number(self, name: str, indices: tuple[int, ...]) -> Any:
        """A name's meaning, worked out; or a number from an array, or drawn; and what was added to it."""
        for entry, meaning in self.where.items():
            if called(entry) == name:
                parameters = getattr(entry, "indices", ())
                return value(meaning, self.at(indices=dict(zip(parameters, indices, strict=True))))
        if name in self.arrays:
            base = self.arrays[name][indices]
        elif (base := self.draws.get((name, indices))) is None:
            base = self.draws[name, indices] = self.drawn(name, indices)
        return base + self.moved.get((name, indices), 0)

    def drawn(self, name: str, indices: tuple[int, ...]) -> Any:
        """A random number that obeys what is given of its name."""
        place = next((p for unit, p in units(self.given) if unit == name), None)
        if place is None:
            return self.single(name, indices)
        size = value(TENSORS[name].shape[place], self)
        column = [self.single(name, (*indices[:place], k, *indices[place + 1 :])) for k in range(1, int(size) + 1)]
        if any(self.bounds(name)):
            return column[indices[place] - 1] / mp.fsum(column)
        return column[indices[place] - 1] + (1 - mp.fsum(column) if indices[place] == 1 else 0)

    def single(self, name: str, indices: tuple[int, ...]) -> Any:
        """A random number within the bounds given of its name."""
        rng = random.Random(f"{self.seed} {name} {indices}")
        bounds = list(self.bounds(name))
        fixed = [bound for relation, bound in bounds if relation is RELATIONS[sp.Eq]]
        for _ in range(10**4):
            drawn = fixed[0] if fixed else mp.mpf(rng.randint(-self.reach * 10**6, self.reach * 10**6)) / 10**6
            if all(relation(drawn, bound) for relation, bound in bounds):
                return drawn
        raise ValueError(f"no number between -{self.reach} and {self.reach} obeys what is given of {name}")

    def bounds(self, name: str) -> Iterator[tuple[Callable[[Any, Any], bool], Any]]:
        """The relations to a number that are given for every entry of the name."""
        for condition in self.given:
            if isinstance(condition, sp.Rel) and called(condition.lhs) == name and condition.rhs.is_number:
                yield RELATIONS[condition.func], value(condition.rhs, self)


def units(given: tuple[sp.Basic, ...]) -> Iterator[tuple[str, int]]:
    """The tensors of which a sum over one index is given as one, and that index's place."""
    for condition in given:
        if isinstance(condition, sp.Eq) and isinstance(condition.lhs, sp.Sum) and condition.rhs == 1:
            k = condition.lhs.limits[0][0]
            if isinstance(condition.lhs.function, sp.Indexed):
                yield str(called(condition.lhs.function)), condition.lhs.function.indices.index(k)


def points(
    seed: str, expressions: list[sp.Basic], given: tuple[sp.Basic, ...], where: Where, trials: int
) -> Iterator[Point]:
    """Random sizes and indices for everything free in the expressions, all indices within their dimensions.

    One point is enough where nothing is free.
    """
    free = sorted(free_symbols(expressions, where), key=str)
    sizes = [s for s in free if s.is_integer and not isinstance(s, Index)]
    distinct = [c for c in given if isinstance(c, sp.Ne) and isinstance(c.lhs, Index)]
    apart = set().union(*(c.args for c in distinct))
    least = len(apart) or 1
    indices = [s for s in free if isinstance(s, Index)]
    indices += sorted(apart - set(indices), key=str)
    sizes += [s for s in sorted({s for i in indices for s in i.dim.free_symbols}, key=str) if s not in sizes]
    # A number that is positive by its own assumption is drawn as if that were given.
    assumed = (sp.Gt(s, 0, evaluate=False) for s in free if s.is_positive and not s.is_integer)
    obeyed = (*given, *assumed)
    reach = reach_of([*expressions, *where.values()])
    if any(expr.has(*BENT) for expr in expressions):
        trials *= SIDES
    for trial in range(trials if free else 1):
        rng = random.Random(f"{seed} {trial}")
        at = affordable(expressions, sizes, drawn_sizes(len(sizes), trial, least, rng), least, trial)
        at |= {s: drawn - 1 for s, drawn in at.items() if not s.is_positive}  # a padding may be 0
        for _ in count():
            chosen = {
                i: rng.randint(1, int(i.dim.xreplace({s: sp.Integer(v) for s, v in at.items()}))) for i in indices
            }
            if all(chosen[c.lhs] != chosen[c.rhs] for c in distinct):
                break
        yield Point(f"{seed} {trial}", at, chosen, where, obeyed, reach=reach)


def reach_of(expressions: list[sp.Basic]) -> int:
    """How far out numbers are to be drawn, so that they fall on either side of every number at which a line bends."""
    bent = set().union(*(expr.atoms(*BENT) for expr in expressions))
    largest = max((abs(x) for node in bent for x in node.atoms(sp.Rational)), default=0)
    return REACH if largest < REACH else int(2 * sp.ceiling(largest))


def value(expr: sp.Basic, at: Point) -> Any:
    """The expression at a point, in mpmath."""
    if isinstance(expr, sp.Rational):
        return mp.mpf(expr.p) / expr.q
    if isinstance(expr, sp.Sum):
        if any(not value(delta, at) for delta in switches(expr)):
            return mp.mpf(0)  # nor need be summed
        k, summand = outermost(expr)
        indices = dict(at.indices)
        inside = at.at(indices=indices)

        def term(i: int) -> Any:
            indices[k] = i
            return value(summand, inside)

        return mp.fsum(map(term, range(1, int(value(k.dim, at)) + 1)))
    if isinstance(expr, Index):
        return at.indices[expr]
    if isinstance(expr, sp.Symbol):
        return mp.mpf(at.sizes[expr]) if expr in at.sizes else at.entry(expr.name, ())
    if isinstance(expr, sp.Indexed):
        return at.entry(str(called(expr)), tuple(int(value(i, at)) for i in expr.indices))
    if isinstance(expr, sp.Derivative):
        return slope(expr.expr, expr.variables, at)
    if isinstance(expr, sp.Integral):
        return area(expr, at)
    if isinstance(expr, sp.Mul) and any(isinstance(f, sp.KroneckerDelta) and not value(f, at) for f in expr.args):
        return mp.mpf(0)  # what a δ switches off need not be worked out
    if isinstance(expr, sp.KroneckerDelta):
        return mp.mpf(whole(expr.args[0], at) == whole(expr.args[1], at))
    if isinstance(expr, sp.Piecewise):
        return next(value(branch, at) for branch, condition in expr.args if holds(condition, at))
    if isinstance(expr, Entry):
        i, j = (int(value(index, at)) for index in expr.args[1:])
        return matrix(expr.args[0], at)[i - 1][j - 1]
    return function(expr.func, at)(*(value(argument, at) for argument in expr.args))


def whole(place: sp.Expr, at: Point) -> Any:
    """The value of a place such as s (a − 1) + u − p, in whole numbers, which are quicker to add than mpmath's."""
    if isinstance(place, sp.Integer):
        return int(place)
    if isinstance(place, Index):
        return at.indices[place]
    if place in at.sizes:
        return at.sizes[place]
    if isinstance(place, sp.Add | sp.Mul):
        return (sum if isinstance(place, sp.Add) else math.prod)(whole(part, at) for part in place.args)
    return value(place, at)


def function(name: Any, at: Point) -> Callable[..., Any]:
    """What a function is at a number: the point's own choice, if it has one."""
    if name not in at.functions and name not in FUNCTIONS:
        raise TypeError(f"{name.__name__} has no evaluation here")
    return at.functions.get(name) or FUNCTIONS[name]


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    sp.Add: lambda *terms: mp.fsum(terms),
    sp.Mul: lambda *factors: mp.fprod(factors),
    sp.Pow: mp.power,
    sp.exp: mp.exp,
    sp.log: mp.log,
    sp.tanh: mp.tanh,
    sp.erf: mp.erf,
    sp.sin: mp.sin,
    sp.cos: mp.cos,
    sp.Max: max,
    sp.Min: min,
    sp.Abs: abs,
    sp.sign: mp.sign,
    sp.im: mp.im,
    type(sp.I): lambda: mp.mpc(0, 1),
    Activation: lambda x: mp.tanh(x) + 1 / (1 + x**2),
    ActivationSlope: lambda x: 1 - mp.tanh(x) ** 2 - 2 * x / (1 + x**2) ** 2,
    Density: lambda x: mp.exp(-x),
    **{type(constant): (lambda c=constant: mp.mpf(c.evalf(DIGITS + GUARD))) for constant in (sp.pi, sp.E)},
    type(sp.oo): lambda: mp.inf,
    type(-sp.oo): lambda: -mp.inf,
}
"""What each function is at a number.

Activations and densities stand for any. Here an activation is tanh x + 1/(1 + x²): bounded, so that no layer overflows,
and neither even, odd nor monotone, as its slope is neither: a sign changed inside either is seen. A density is exp(−x).
"""


def slope(expr: sp.Expr, variables: tuple[sp.Expr, ...], at: Point) -> Any:
    """A derivative as a difference of order four; a second derivative as a difference of such differences."""
    *before, x = variables
    key = (str(called(x)), tuple(int(value(i, at)) for i in getattr(x, "indices", ())))

    def moved(steps: int) -> Any:
        there = at.at(moved={**at.moved, key: at.moved.get(key, 0) + steps * H})
        return slope(expr, tuple(before), there) if before else value(expr, there)

    return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * H)


def area(expr: sp.Integral, at: Point) -> Any:
    """An integral by mpmath's quadrature, with a cut at 0, where a rectifier has its kink."""
    ((x, low, high),) = expr.limits
    cuts = [value(low, at), 0, value(high, at)] if low < 0 < high else [value(low, at), value(high, at)]
    with mp.workdps(DIGITS):  # mpmath carries digits of its own beyond these
        return mp.quad(lambda t: value(expr.function, at.at(arrays={**at.arrays, x.name: {(): t}})), cuts)


def matrix(M: sp.MatrixExpr, at: Point) -> list[list[Any]]:
    """A matrix expression as rows of numbers, multiplied out by itself and not through sums."""
    if isinstance(M, sp.MatrixSymbol):
        rows, columns = (int(value(dim, at)) for dim in M.shape)
        short = len(TENSORS[M.name].shape) == 1
        return [
            [at.entry(M.name, (i,) if short else (i, j)) for j in range(1, columns + 1)] for i in range(1, rows + 1)
        ]
    if isinstance(M, sp.OneMatrix):
        rows, columns = (int(value(dim, at)) for dim in M.shape)
        return [[mp.mpf(1)] * columns for _ in range(rows)]
    if isinstance(M, sp.Transpose):
        return [list(column) for column in zip(*matrix(M.arg, at), strict=True)]
    if isinstance(M, sp.MatAdd):
        return entrywise(lambda *terms: mp.fsum(terms), *(matrix(term, at) for term in M.args))
    if isinstance(M, sp.HadamardProduct):
        return entrywise(lambda *factors: mp.fprod(factors), *(matrix(factor, at) for factor in M.args))
    if isinstance(M, ElementwiseApplyFunction):
        return entrywise(function(M.function(sp.Symbol("_")).func, at), matrix(M.expr, at))
    if isinstance(M, sp.MatMul):
        number, (first, *rest) = M.as_coeff_matrices()
        product = entrywise(lambda x: value(number, at) * x, matrix(first, at))
        for factor in rest:
            across = list(zip(*matrix(factor, at), strict=True))
            product = [[mp.fdot(row, column) for column in across] for row in product]
        return product
    raise TypeError(f"{type(M).__name__} has no evaluation here: {M}")


def entrywise(function: Callable[..., Any], *matrices: list[list[Any]]) -> list[list[Any]]:
    """The function of corresponding entries."""
    return [[function(*entries) for entries in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]


def holds(condition: sp.Basic, at: Point) -> bool:
    """Whether an inequality between two expressions, or several joined by and and or, is true at a point."""
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, sp.And | sp.Or):
        return {sp.And: all, sp.Or: any}[condition.func](holds(part, at) for part in condition.args)
    left, right = (value(side, at) for side in (condition.lhs, condition.rhs))
    return bool(RELATIONS[condition.func](left, right))


RELATIONS: dict[Any, Callable[[Any, Any], bool]] = {
    sp.Gt: operator.gt,
    sp.Lt: operator.lt,
    sp.Ge: operator.ge,
    sp.Le: operator.le,
    sp.Ne: operator.ne,
    sp.Eq: operator.eq,
}


def disagreement(left: sp.Basic, right: sp.Basic, at: Point) -> tuple[Any, Any]:
    """How far apart two expressions are at a point, relative to their size, and how far apart they may be."""
    room = DERIVATIVE if left.has(sp.Derivative) or right.has(sp.Derivative) else ALGEBRA
    with mp.workdps(DIGITS + GUARD):
        a, b = value(left, at), value(right, at)
        return abs(a - b) / max(abs(a), abs(b), 1), room


def counterexample(left: sp.Basic, relation: str, right: sp.Basic, claim: Claim) -> str | None:
    """Numbers at which left ≥ right, or left > right, is false by more than rounding; None where none was met."""
    for at in points(claim.name, [left, right], claim.given, claim.where, SEARCHED):
        with mp.workdps(DIGITS + GUARD):
            a, b = value(left, at), value(right, at)
            if mp.im(a) or mp.im(b):
                return f"{mp.nstr(a, 5)} and {mp.nstr(b, 5)} are not both real"
            room = ALGEBRA * max(abs(a), abs(b), 1)
            if not (a - b > room if relation == ">" else a - b >= -room):
                return f"{mp.nstr(a, 5)} is not {relation} {mp.nstr(b, 5)}"
    return None
