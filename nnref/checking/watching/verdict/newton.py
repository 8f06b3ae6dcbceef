"""Newton's step: the slope times the inverse of a matrix that depends on no label and no optimiser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnref.checking.watching.calculus.factors import half_of_the_digits, multiple
from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.meaning.updates import Update
from nnref.checking.watching.recording.tape import Node
from nnref.checking.watching.verdict.verdicts import Laid

SAYS = "the matrix that the slope is divided by is not judged"


def divided(
    role: Roles, update: Update, tapes: Sequence[Sequence[Node]], given: Laid, truth: Laid
) -> tuple[Node, float] | None:
    """The matrix H and the multiple c with step = c H⁻¹ · slope; None if there are none.

    c < 0 where the step goes up.
    """
    n, graph = given[0].size, role.graph
    if n < 2:
        return None
    for k in bits_of(graph.above[update.step.index]):
        node = graph.tape[k]
        if node.shape != (n, n) or role.of_labels[k] or not graph.depends(k, role.parameters):
            continue
        matrices = [np.asarray(tape[k].value, float) for tape in tapes]
        if any(M.shape != (n, n) or not np.isfinite(M).all() for M in matrices):
            continue
        flat = [t.ravel() for t in truth]
        made = [M @ x.ravel() for M, x in zip(matrices, given, strict=True)]
        if c := multiple(made, flat, half_of_the_digits(graph)):
            return node, c
    return None
