"""Is a claim well posed? Each name stands for one thing, and each condition has a form that every check reads alike.

The three checks of a step share no code, but they read the same claim. What could be read in two ways, or is true of
nothing, is refused here, before they are asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import sympy as sp

from derivations.algebra.sums import TENSORS, Index, Where
from derivations.prover.signs import bounds
from derivations.prover.sizes import called, free

if TYPE_CHECKING:
    from derivations.prover.claim import Claim


def faults(claim: Claim) -> list[str]:
    """A line for everything that makes the claim's own words unclear."""
    if unread := [condition for condition in claim.given if not subject(condition)]:
        known = "entry or number > number, number ≠ ± number, Σ_k entry = 1, i ≠ j"
        return [f"{c} is no condition that the checks know: {known}" for c in unread]
    said = [claim.start, *(step.expr for step in claim.steps)]
    found = [*of_names(claim.where), *of_variables([*said, *claim.where.values()], claim)]
    found += [*of_letters(said), *of_kinds([*said, *claim.where, *claim.where.values(), *claim.given])]
    found += of_conditions(claim.given, said)
    return found


def base(name: sp.Basic) -> sp.Basic:
    """A number itself; of an entry, the tensor."""
    return name.base if isinstance(name, sp.Indexed) else name


def are_letters(indices: tuple[sp.Basic, ...]) -> bool:
    """Whether the indices can stand for any: letters, no two of them one."""
    return all(isinstance(index, Index) for index in indices) and len(set(indices)) == len(indices)


def of_names(where: Where) -> Iterator[str]:
    """Names that stand for two things, for nothing, or for what they are themselves part of."""
    times = Counter(base(name) for name in where)
    yield from (f"{name} stands for {count} things" for name, count in times.items() if count > 1)
    for name, meaning in where.items():
        parameters = getattr(name, "indices", ())
        if not (isinstance(name, sp.Indexed) or (isinstance(name, sp.Symbol) and not name.is_integer)):
            yield f"{name} cannot be a name: an entry or a number is one"
        if not are_letters(parameters):
            yield f"{name} names some entries only: its indices should be different letters"
        if loose := {s for s in free(meaning) if isinstance(s, Index)} - set(parameters):
            yield f"{name} stands for what depends on {', '.join(map(str, loose))} as well"
    within = {base(name): names_in(meaning) & set(times) for name, meaning in where.items()}
    yield from (f"{name} stands for what it is itself part of" for name in within if name in reached(name, within))


def names_in(expr: sp.Basic) -> set[sp.Basic]:
    """The tensors and numbers of an expression, those of its matrices too."""
    named = {TENSORS[M.name].base for M in expr.atoms(sp.MatrixSymbol) if M.name in TENSORS}
    return named | expr.atoms(sp.IndexedBase) | {s for s in free(expr) if not s.is_integer}


def reached(name: sp.Basic, within: dict[sp.Basic, set[sp.Basic]]) -> set[sp.Basic]:
    """All names that occur in what a name stands for, and in what these stand for."""
    found: set[sp.Basic] = set()
    ahead = set(within[name])
    while ahead:
        found |= ahead
        ahead = set().union(*(within[other] for other in ahead)) - found
    return found


def of_variables(expressions: list[sp.Basic], claim: Claim) -> Iterator[str]:
    """Derivatives with respect to what is not free to move: it stands for something else, or a condition holds it."""
    names = {base(name) for name in claim.where}
    held = {base(about) for c in claim.given if isinstance(c, sp.Eq) and (about := subject(c))}
    variables = {x for expr in expressions for node in expr.atoms(sp.Derivative) for x in node.variables}
    for x in sorted((x for x in variables if base(x) in names), key=str):
        yield f"{x} is differentiated by, and stands for something else: leave {called(x)} out of where"
    for x in sorted((x for x in variables if base(x) in held), key=str):
        yield f"{x} is differentiated by, and a condition holds it where it is"


def of_letters(expressions: list[sp.Basic]) -> Iterator[str]:
    """Letters that run over two dimensions, and print alike."""
    letters = {s for expr in expressions for s in free(expr) if isinstance(s, Index)}
    twice = Counter(str(index) for index in letters)
    yield from (f"{name} is an index over two dimensions" for name, count in twice.items() if count > 1)


def of_kinds(expressions: list[sp.Basic]) -> Iterator[str]:
    """Names that are a number and a tensor at once, and print alike."""
    named = set().union(*(names_in(expr) for expr in expressions))
    kinds = Counter(str(name) for name in named)
    yield from (f"{name} is a number and a tensor" for name, count in sorted(kinds.items()) if count > 1)


def of_conditions(given: tuple[sp.Basic, ...], said: list[sp.Basic]) -> Iterator[str]:
    """Conditions about one entry of a statement about others, or that nothing obeys."""
    letters = {s for expr in said for s in free(expr) if isinstance(s, Index)}
    for condition in given:
        about = subject(condition)
        if clash := set(getattr(about, "indices", ())) & letters & free(condition):
            yield (
                f"{condition} holds for every {', '.join(map(str, clash))}, and the statement is about one: "
                "write it with another letter"
            )
    for name in sorted({c.lhs for c in given if c.rhs.is_number and not isinstance(c.lhs, sp.Sum)}, key=str):
        if not obeyed(name, given):
            yield f"no {name} obeys all that is given of it"
    for name in (subject(c) for c in given if isinstance(c.lhs, sp.Sum)):
        (low, _), (high, _) = bounds(name, given)
        if low > 0 or high < 1:
            yield f"no {name} obeys all that is given of it at every size: they sum to one"
    differ = Counter(i.dim for i in set().union(*(c.args for c in given if isinstance(c.lhs, Index))))
    yield from (f"{many} indices of {dim} cannot differ" for dim, many in differ.items() if (many - dim).is_positive)


def subject(condition: sp.Basic) -> sp.Basic | None:
    """The index, number or entry that a condition is about; None for a condition of no known form."""
    if not isinstance(condition, sp.Rel):
        return None
    left, right = condition.lhs, condition.rhs
    if isinstance(left, sp.Sum):
        return summed_entry(left) if isinstance(condition, sp.Eq) and right == 1 else None
    if isinstance(left, Index):
        alike = isinstance(right, Index) and right.dim == left.dim
        return left if isinstance(condition, sp.Ne) and alike else None
    if isinstance(left, sp.Indexed) and not are_letters(left.indices):
        return None
    if isinstance(condition, sp.Ne) and isinstance(left, sp.Symbol) and not left.is_integer:
        return left if right.is_number or (-right if right.could_extract_minus_sign() else right).is_Symbol else None
    return left if right.is_number and not left.is_integer and isinstance(left, sp.Symbol | sp.Indexed) else None


def summed_entry(whole: sp.Sum) -> sp.Indexed | None:
    """The entry that is summed over one of its indices, all of that index; None for any other sum."""
    entry = whole.function
    k, low, high = whole.limits[0]
    if len(whole.limits) > 1 or not isinstance(entry, sp.Indexed) or not are_letters(entry.indices):
        return None
    return entry if k in entry.indices and (low, high) == (1, k.dim) else None


def obeyed(name: sp.Basic, given: tuple[sp.Basic, ...]) -> bool:
    """Whether some number obeys every bound that is given of the name."""
    (low, low_open), (high, high_open) = bounds(name, given)
    others = {c.rhs for c in given if isinstance(c, sp.Ne) and called(c.lhs) == called(name)}
    return bool(low < high or (low == high and not low_open and not high_open and low not in others))
