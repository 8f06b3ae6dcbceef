"""What a proved statement is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp


@dataclass(frozen=True)
class Step:
    """One rewriting: the new expression, and why it equals the one before."""

    expr: sp.Basic
    because: str


@dataclass(frozen=True)
class WrongTwin:
    """A plausible slip: the expression, and the mistake it is. The proof must reject it."""

    expr: sp.Basic
    mistake: str


@dataclass(frozen=True)
class Claim:
    """A statement with its proof: start, left as a question, equals the last step.

    kind is "definition", "gradient" or "lemma"; definitions and gradients have a function of the same name in nnref.
    given are conditions without which a step fails; where says what a symbol of the result stands for. shapes give
    every symbol of the function its shape, and "" the result's, as strings of sizes.
    """

    name: str
    kind: str
    says: str
    start: sp.Basic
    steps: tuple[Step, ...]
    shapes: Mapping[str, tuple[str, ...]]
    source: str
    of: str | None = None
    wrt: str | None = None
    uses: tuple[str, ...] = ()
    given: tuple[sp.Basic, ...] = ()
    where: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    wrong_twins: tuple[WrongTwin, ...] = field(default=())

    @property
    def result(self) -> sp.Basic:
        """What the steps arrive at."""
        return self.steps[-1].expr
