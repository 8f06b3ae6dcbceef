"""What a proved statement is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sympy as sp

from derivations.algebra import symbolic
from derivations.algebra.normal_form import Powers
from derivations.algebra.sums import Where

RELATIONS = ("=", "≥", ">", "limit", "order")
"""How the start stands to what the steps arrive at."""


@dataclass(frozen=True)
class Rule:
    """How one line becomes the next.

    powers(claim) is what the rule may use of the prover, without(claim) the same without what gives it its name: with
    the first the step must hold, with the second it must not. rewrite, where there is one, produces the next line.
    heeds says whether the rule may look at the conditions at all, uses_given that it must; takes, that derivatives must
    be fewer after it than before.
    """

    name: str
    powers: Callable[[Claim], Powers]
    without: Callable[[Claim], Powers] | None = None
    rewrite: Callable[[sp.Basic, Claim], sp.Basic | None] | None = None
    heeds: bool = True
    uses_given: bool = False
    takes: bool = False

    def fault(self, before: sp.Basic, after: sp.Basic, claim: Claim) -> str | None:
        """Why this rule does not turn the line before into the line after; None if it does."""
        if self.rewrite is not None:
            rewritten = self.rewrite(before, claim)
            if rewritten is None:
                return f"{self.name} finds nothing to rewrite"
            before = rewritten
        if not symbolic.equal(before, after, self.powers(claim), claim.given if self.heeds else ()):
            return f"{self.name} does not give this line"
        if self.takes and derivatives(after) >= derivatives(before):
            return f"{self.name} takes no derivative here"
        left = () if self.uses_given else claim.given
        if self.without is not None and symbolic.equal(before, after, self.without(claim), left):
            return f"{self.name} is not needed for this line"
        return None


def derivatives(expr: sp.Basic) -> int:
    """How many derivatives are still questions."""
    return sum(isinstance(node, sp.Derivative) for node in sp.preorder_traversal(expr))


@dataclass(frozen=True)
class Step:
    """One rewriting: the new expression, the rule that must really produce it, and the reason in words."""

    expr: sp.Basic
    rule: Rule
    because: str


@dataclass(frozen=True)
class WrongTwin:
    """A plausible slip: the expression, and the mistake it is. The proof must reject it.

    Beside an equality it is another answer, beside an inequality another bound (start ≥ expr), beside a limit or an
    order another leading term.
    expr may be a function of no arguments, for a slip whose shapes do not even fit: building it is refused then.
    """

    expr: sp.Basic | Callable[[], sp.Basic]
    mistake: str


@dataclass(frozen=True)
class Claim:
    """A statement with its proof: start, left as a question, equals the last step's expression.

    kind is "definition", "gradient" or "lemma"; definitions and gradients have a function of the same name in nnref.
    relation is "=", or one of
        "≥", ">"   the start, rewritten by the steps, is not negative, or is positive: the last line's form shows it;
        "limit"    the last step takes the limit h → 0, from above if h > 0 is given, from below if h < 0 is;
        "order"    the last step keeps the leading term c hᵖ, and what it leaves out is o(hᵖ).
    given are conditions without which a step fails; where says what a name in the statement stands for. shapes give
    every symbol of the function its shape, and "" the result's, as strings of sizes. by_matrices is the same question
    and answer as matrix expressions, for SymPy's own matrix calculus to confirm. names is what a definition calls the
    thing it defines, Z_rs, as it stands on the left; it is a name, and nothing is proved of it.
    """

    name: str
    kind: str
    says: str
    start: sp.Basic
    source: str
    steps: tuple[Step, ...] = ()
    relation: str = "="
    shapes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    of: str | None = None
    wrt: str | None = None
    uses: tuple[str, ...] = ()
    given: tuple[sp.Basic, ...] = ()
    where: Where = field(default_factory=dict)
    by_matrices: tuple[sp.Basic, sp.Basic] | None = None
    wrong_twins: tuple[WrongTwin, ...] = ()
    names: sp.Basic | None = None

    def __post_init__(self) -> None:
        """Refuse a relation that no check knows, a limit or an order that says nothing, a name for what is proved."""
        if self.relation not in RELATIONS:
            raise ValueError(f"{self.name}: the relation should be one of {' '.join(RELATIONS)}; {self.relation} came")
        if self.relation in ("limit", "order") and not self.steps:
            raise ValueError(f"{self.name}: the last step of a {self.relation} says what remains; there is no step")
        if self.names is not None and self.kind != "definition":
            raise ValueError(f"{self.name}: a definition names what it defines; a {self.kind} has a question instead")

    def leaves_out(self, step: Step) -> bool:
        """Whether the step leaves something out that vanishes with h: the last step of a limit or an order does."""
        return self.relation in ("limit", "order") and step is self.steps[-1]

    @property
    def result(self) -> sp.Basic:
        """What the steps arrive at; for a bare definition, what it says itself."""
        return self.steps[-1].expr if self.steps else self.start
