"""How a quotation is judged: its reading is proved, or refuted by the smallest numbers that tell its sides apart.

A reading is what was typed, as statements about checked expressions. It is shown by the prover and to 50 digits, as
every step of a claim is; it is refuted only if the prover fails and numbers, or shapes that do not fit, say why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import sympy as sp

from derivations.algebra import symbolic
from derivations.algebra.normal_form import Powers, canonical
from derivations.algebra.sums import ShapeError, Where, rebuilt, unfolded
from derivations.article.counterexample import Question, smallest
from derivations.article.example import NUMBERS, SQUARE, SYMBOLS, TAGS, Network
from derivations.output.printing import latex
from derivations.prover import digits, signs, wellposed
from derivations.prover.claim import Claim, Step
from derivations.prover.proof import everything, to_50_digits
from derivations.prover.rules import algebra

Side: TypeAlias = sp.Basic | Callable[[Network], sp.Basic]
"""An expression, or how it is built from the network of one example: building it may raise ShapeError."""


RELATIONS = {"=": "=", "≥": r"\ge", ">": ">", "≤": r"\le", "<": "<"}
"""The relations of a statement, in LaTeX."""


class Undecided(ValueError):
    """Neither shown nor refuted: the two checks disagree, or no small numbers tell the sides apart."""


@dataclass(frozen=True)
class Statement:
    """left relation right, wherever the conditions hold; names stand for what where says.

    form is the difference of an inequality's two sides, written so that its sign can be read off.
    """

    left: Side
    right: Side
    relation: str = "="
    given: tuple[sp.Basic, ...] | Callable[[Network], tuple[sp.Basic, ...]] = ()
    where: Where | Callable[[Network], Where] = field(default_factory=dict)
    form: sp.Basic | None = None

    def at(self, net: Network) -> Question:
        """The statement in this network. ShapeError if what is written cannot be built there."""
        left, right = built(self.left, net), built(self.right, net)
        relation = self.relation
        if relation in ("≤", "<"):
            left, relation, right = right, {"≤": "≥", "<": ">"}[relation], left
        where = self.where(net) if callable(self.where) else self.where
        given = self.given(net) if callable(self.given) else self.given
        return Question(left, relation, right, given, where)


def built(side: Side, net: Network) -> sp.Basic:
    """The expression of a side. ShapeError if what is written cannot be built."""
    return side if isinstance(side, sp.Basic) else side(net)


@dataclass(frozen=True)
class Quotation:
    """One line of the article: what it writes, what that was read as, and what is known to be amiss.

    reading holds the statements that were typed; empty, the line has no meaning, for the reason given. loose says what
    the reading had to supply; literal is the line read as it stands, which fails if the looseness matters. corrected
    is put in place of the right side of the statement that fails. carried is what the line no longer equals, by a slip
    of an earlier one. note is said whatever the verdict.
    """

    id: str
    section: str
    quote: str
    reading: tuple[Statement, ...] = ()
    claim: str | None = None
    loose: str = ""
    literal: tuple[Statement, ...] = ()
    corrected: Side | None = None
    carried: Statement | None = None
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """holds, notation, wrong or no meaning; why; what is against it, or against it as it stands; the right form."""

    verdict: str
    reason: str
    counterexample: str | None = None
    corrected: str | None = None


def judged(quotation: Quotation) -> Verdict:
    """What becomes of the line when its reading is checked."""
    if not quotation.reading:
        return Verdict("no meaning", quotation.note)
    for statement in quotation.reading:
        if against := fault(statement):
            return wrong(quotation, statement, against)
    literally = [as_it_stands(statement) for statement in quotation.literal]
    failing = [against for against in literally if against]
    if failing and len(failing) == len(literally):
        return Verdict("notation", sentences(quotation.loose, quotation.note), sentences(*failing))
    return Verdict("holds", sentences(by(quotation), inherited(quotation), quotation.note))


def wrong(quotation: Quotation, statement: Statement, against: str) -> Verdict:
    """A refuted line, with its corrected form if that is shown to be one."""
    said = sentences(quotation.loose, quotation.note)
    if quotation.corrected is None:
        return Verdict("wrong", said, against)
    right = replace(statement, right=quotation.corrected)
    if still := fault(right):
        raise Undecided(f"{quotation.id}: the corrected form does not hold either: {still}")
    return Verdict("wrong", said, against, in_latex(right))


def in_latex(statement: Statement) -> str:
    """Both sides for all sizes; of a shape the right one, in the article's own numbers."""
    left, right = built(statement.left, SYMBOLS), built(statement.right, SYMBOLS)
    if isinstance(right, sp.Tuple):
        return r" \times ".join(map(str, built(statement.right, NUMBERS)))
    return f"{latex(left)} {RELATIONS[statement.relation]} {latex(right)}"


def by(quotation: Quotation) -> str:
    """How a line that no claim proves was shown."""
    return "" if quotation.claim else "by computing it"


def inherited(quotation: Quotation) -> str:
    """What a right step from a wrong line still gets wrong."""
    if quotation.carried is None or (against := fault(quotation.carried)) is None:
        return ""
    return f"as a step from the line before, whose slip it keeps: {against}"


def sentences(*said: str) -> str:
    """What there is to say, one after the other."""
    return "; ".join(part for part in said if part)


def fault(statement: Statement) -> str | None:
    """Why the statement fails: shapes or the smallest numbers; None where it is shown for all sizes."""
    try:
        numbers, asked = statement.at(NUMBERS), statement.at(SYMBOLS)
    except ShapeError as error:
        return sentences(untagged(f"the shapes do not fit: {error}"), where_they_fit(statement))
    if isinstance(asked.left, sp.Tuple):
        left, right = numbers.left, numbers.right
        return None if left == right else f"the left side is {as_shape(left)}, the right side {as_shape(right)}"
    if shown(asked, statement.form):
        return None
    against = smallest(asked)
    if against is None:
        raise Undecided(f"neither shown nor refuted: {asked.left} {asked.relation} {asked.right}")
    return against


def as_it_stands(statement: Statement) -> str | None:
    """Why a literal reading fails: as any statement may, or because nothing can be computed from what is written."""
    try:
        return fault(statement)
    except TypeError as error:
        return f"nothing can be computed from it: {error}"


def where_they_fit(statement: Statement) -> str:
    """The numbers against it where layers are as wide as each other, so that the shapes say nothing."""
    try:
        asked = statement.at(SQUARE)
    except ShapeError:
        return ""
    against = None if isinstance(asked.left, sp.Tuple) else smallest(asked)
    return untagged(f"and with hidden layers of one width, {against}") if against else ""


def shown(asked: Question, form: sp.Basic | None) -> bool:
    """Whether the prover and the 50-digit evaluator both confirm it. Undecided if numbers refute what is shown."""
    line = (Step(asked.right, algebra, "as it is written"),)
    claim = Claim("article", "lemma", "", asked.left, "the source article", line, given=asked.given, where=asked.where)
    if unclear := wellposed.faults(claim):
        raise Undecided("; ".join(unclear))
    gap = asked.left - asked.right if asked.relation != "=" else sp.S.Zero
    if asked.relation == "=":
        powers = everything(claim)
        left, right = (bases_first(side, powers) for side in (asked.left, asked.right))
        symbols = symbolic.equal(left, right, powers, asked.given)
        numbers = symbols and to_50_digits(claim, asked.left, asked.right)[0]
    else:
        symbols = signs.shown(unfolded(gap if form is None else form, asked.where), asked.relation, asked.given)
        symbols = symbols and (form is None or symbolic.equal(gap, form, everything(claim), asked.given))
        numbers = symbols and digits.counterexample(asked.left, asked.relation, asked.right, claim) is None
    if symbols and not numbers:
        raise Undecided(f"the prover shows what numbers refute: {asked.left} {asked.relation} {asked.right}")
    return symbols


def bases_first(expr: sp.Basic, powers: Powers) -> sp.Basic:
    """The expression with every sum in a denominator in its normal form, before the square of it is multiplied out."""
    if isinstance(expr, sp.Pow) and expr.exp.is_negative and expr.base.is_Add and expr.base.has(sp.Sum):
        return sp.Pow(canonical(expr.base, powers), expr.exp)
    return rebuilt(expr, lambda part: bases_first(part, powers)) if expr.has(sp.Sum) else expr


def as_shape(shape: sp.Tuple) -> str:
    """10 × 1; a longer tuple as it stands."""
    return " × ".join(map(str, shape)) if len(shape) <= 3 else f"({', '.join(map(str, shape))})"


def untagged(text: str) -> str:
    """Names without the mark of the network they come from."""
    for tag in TAGS:
        text = text.replace(tag, "")
    return text
