"""Is every step true? Symbolically for all sizes, to 50 digits at random ones, and by the very rule that it names.

The three share nothing: the first brings both lines to a normal form, the second adds up and takes differences, the
third applies the rule to the line before and asks whether the line after comes out, and would not without it.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, replace
from itertools import pairwise

import mpmath as mp
import sympy as sp

from derivations.algebra import symbolic
from derivations.algebra.normal_form import Powers
from derivations.algebra.sums import Index, ShapeError, lettered, unfolded
from derivations.prover import concrete, digits, limits, signs, wellposed
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.sizes import free_symbols

TRIALS = 4
"""Points at which a step is evaluated; a wrong one rarely survives the first."""


@dataclass(frozen=True)
class Checked:
    """One step by the three checks: symbolic and digits say whether it is true, rule why its rule does not give it."""

    symbolic: bool
    digits: bool
    worst: str
    rule: str | None

    @property
    def ok(self) -> bool:
        """All three agree that it stands."""
        return self.symbolic and self.digits and self.rule is None

    def gaps(self, where: str) -> list[str]:
        """A line for each check that the step fails."""
        found = [] if self.symbolic else [f"{where} is not shown symbolically"]
        found += [] if self.digits else [f"{where} is not shown to 50 digits at random points: off by {self.worst}"]
        return found + ([] if self.rule is None else [f"{where}: {self.rule}"])


@dataclass(frozen=True)
class Proof:
    """What checking a claim found: its steps, its wrong twins, further witnesses, and a line for every gap."""

    claim: Claim
    steps: tuple[Checked, ...]
    twins: tuple[str | None, ...]
    witnesses: dict[str, bool]
    gaps: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Every step is true by all checks, every witness agrees, and every wrong twin is rejected."""
        return not self.gaps

    @property
    def rejected(self) -> int:
        """How many wrong twins are refused."""
        return sum(reason is not None for reason in self.twins)

    @property
    def holds_for(self) -> str:
        """The sizes for which the claim was shown."""
        if not self.ok:
            return "not shown"
        said = [self.claim.start, self.claim.result]
        free = free_symbols(said, self.claim.where)
        if any(s.is_integer and not isinstance(s, Index) for s in free):
            return "all sizes"
        fixed = {int(i.dim) for expr in (*said, *self.claim.where.values()) for i in expr.atoms(Index)}
        return f"sizes: {', '.join(map(str, sorted(fixed)))}" if fixed else "scalar"


def prove(claim: Claim) -> Proof:
    """Check that the claim is well posed, every step of it, what it is left with, and that every wrong twin fails."""
    if unclear := wellposed.faults(claim):
        return Proof(claim, (), (), {}, tuple(f"{claim.name}: {fault}" for fault in unclear))
    chain = [claim.start, *(step.expr for step in claim.steps)]
    steps, gaps = [], []
    for number, (before, step) in enumerate(zip(chain, claim.steps, strict=False), 1):
        checked = check(claim, before, step)
        steps.append(checked)
        gaps += checked.gaps(f"{claim.name}: step {number}")
    gaps += [f"{claim.name}: {gap}" for gap in empty(claim)]
    gaps += [f"{claim.name}: {gap}" for gap in sign_gaps(claim)]
    witnesses = further(claim)
    gaps += [f"{claim.name}: {name} does not confirm it" for name, shown in witnesses.items() if not shown]
    twins = tuple(rejected(claim, twin) for twin in claim.wrong_twins)
    gaps += [
        f"{claim.name}: the wrong twin “{twin.mistake}” is not rejected"
        for twin, reason in zip(claim.wrong_twins, twins, strict=True)
        if reason is None
    ]
    return Proof(claim, tuple(steps), twins, witnesses, tuple(gaps))


def empty(claim: Claim) -> list[str]:
    """What the claim only repeats: an equation should arrive somewhere else, and every step should change its line."""
    chain = [lettered(expr) for expr in (claim.start, *(step.expr for step in claim.steps))]
    found = [f"step {number} changes nothing" for number, (a, b) in enumerate(pairwise(chain), 1) if a == b]
    bare = claim.kind == "definition" and not claim.steps
    if claim.relation == "=" and not bare and chain[0] == chain[-1]:
        found.append("the result is the question itself, so that nothing is said")
    return found


def sign_gaps(claim: Claim) -> list[str]:
    """For an inequality, what is missing: that the last line's form shows its sign, or that numbers have it."""
    if claim.relation not in signs.ALLOWED:
        return []
    form = signs.shown(unfolded(claim.result, claim.where), claim.relation, claim.given)
    found = [] if form else [f"the form of the result does not show it to be {claim.relation} 0"]
    against = digits.counterexample(claim.start, claim.relation, sp.S.Zero, claim)
    return found if against is None else [*found, f"it is not {claim.relation} 0: {against}"]


def check(claim: Claim, before: sp.Basic, step: Step) -> Checked:
    """The three answers to: does this line follow from the one before?"""
    if claim.leaves_out(step):
        shown = limits.fits(claim.relation, step.expr) and limits.vanishes(before, step.expr, claim.given)
        rule = step.rule.fault(before, step.expr, claim)
        return Checked(shown, *limits.shrinks(before, step.expr, claim.given, claim.name), rule)
    try:
        shown = symbolic.equal(before, step.expr, everything(claim), claim.given)
        rule = step.rule.fault(before, step.expr, claim)
        agree, worst = to_50_digits(claim, before, step.expr)
    except ShapeError as error:
        return Checked(symbolic=False, digits=False, worst="a misfit", rule=str(error))
    except ZeroDivisionError:
        return Checked(symbolic=False, digits=False, worst="a division by 0", rule=None)
    return Checked(shown, agree, worst, rule)


def everything(claim: Claim) -> Powers:
    """All that the prover can do, with the claim's own names and conditions."""
    return replace(
        symbolic.conditions(claim.given),
        derive=True,
        contract=True,
        logarithms=True,
        matrices=True,
        integrate=True,
        where=frozenset(claim.where.items()),
    )


def to_50_digits(claim: Claim, before: sp.Basic, after: sp.Basic, trials: int = TRIALS) -> tuple[bool, str]:
    """Whether the two agree at random sizes and points, and the largest relative difference."""
    worst = mp.mpf(0)
    for at in digits.points(claim.name, [before, after], claim.given, claim.where, trials):
        gap, room = digits.disagreement(before, after, at)
        worst = max(worst, gap)
        if not gap <= room:
            return False, mp.nstr(worst, 2)
    return True, mp.nstr(worst, 2)


def further(claim: Claim) -> dict[str, bool]:
    """Witnesses beyond the steps: SymPy's own matrix calculus, and simplify at 1 to 4 classes with no sums of ours."""
    found = {}
    if claim.by_matrices is not None:
        question, answer = claim.by_matrices
        taken = sp.diff(question.expr, *question.variables) if isinstance(question, sp.Derivative) else question
        found["SymPy's matrix calculus"] = bool(sp.expand(taken.doit()).doit() == sp.expand(answer).doit())
    if concrete.applies(claim):
        found["simplify at sizes 1 to 4"] = not concrete.disagreements(claim)
    return found


def rejected(claim: Claim, twin: WrongTwin) -> str | None:
    """How the wrong twin is refused, by both checks or by its shapes; None if either lets it pass.

    A wrong bound is refused by numbers that are beyond it.
    """
    try:
        expr = twin.expr() if callable(twin.expr) and not isinstance(twin.expr, sp.Basic) else twin.expr
        if claim.relation in signs.ALLOWED:
            return digits.counterexample(claim.start, claim.relation, expr, claim)
        if claim.relation in limits.RELATIONS:
            shown = limits.vanishes(claim.start, expr, claim.given)
            agree, worst = limits.shrinks(claim.start, expr, claim.given, claim.name)
            return None if shown or agree else f"what it leaves out is {worst} times the next power of h"
        shown = symbolic.equal(claim.start, expr, everything(claim), claim.given)
    except ShapeError as error:
        return f"its shapes do not fit: {error}"
    agree, worst = to_50_digits(claim, claim.start, expr, digits.SEARCHED)
    return None if shown or agree else f"it is off by {worst} at a random point"


def claims() -> dict[str, Claim]:
    """Every claim of every module of derivations, by name."""
    import derivations

    modules = [
        importlib.import_module(f"derivations.{module.name}")
        for module in pkgutil.iter_modules(derivations.__path__)
        if not module.name.startswith("_") and not module.ispkg
    ]
    found = [c for module in modules for c in vars(module).values() if isinstance(c, Claim)]
    for claim in found:
        if any(other.name == claim.name and other is not claim for other in found):
            raise ValueError(f"two claims are called {claim.name}; only one of them would be proved")
    return {claim.name: claim for claim in sorted(found, key=lambda claim: claim.name)}


def parts(claim: Claim) -> list[sp.Basic]:
    """Every expression in which a claim speaks of its symbols."""
    return [claim.start, *(step.expr for step in claim.steps), *claim.where.values(), *claim.given]
