"""The source article's equations in its order, each with the verdict that its own check gives it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from derivations.article.backward import BACKWARD
from derivations.article.forward import ACTIVATIONS, DATA, FORWARD, LOSSES, SOFTMAX
from derivations.article.judging import Quotation, judged
from derivations.article.output_layer import OUTPUT, OUTPUT_END, QUOTIENT_RULE
from derivations.article.softmax import JACOBIAN, TO_A_MINUS_Y

QUOTATIONS: tuple[Quotation, ...] = (
    *DATA,
    *ACTIVATIONS,
    *FORWARD,
    *SOFTMAX,
    *LOSSES,
    *OUTPUT,
    QUOTIENT_RULE,
    *JACOBIAN,
    *TO_A_MINUS_Y,
    *OUTPUT_END,
    *BACKWARD,
)


def judgements() -> list[dict[str, Any]]:
    """Every quotation with its verdict, as plain data."""
    found = []
    for quotation in QUOTATIONS:
        verdict = judged(quotation)
        found.append(
            {
                "id": quotation.id,
                "section": quotation.section,
                "quote": quotation.quote,
                "verdict": verdict.verdict,
                "reason": verdict.reason,
                "claim": quotation.claim,
                "counterexample": verdict.counterexample,
                "corrected": verdict.corrected,
            }
        )
    return found


def counted(found: list[dict[str, Any]]) -> str:
    """How many lines hold, then what is amiss."""
    of = Counter(judgement["verdict"] for judgement in found)
    return (
        f"article: {of['holds']} hold, {of['notation']} are loose, {of['wrong']} are wrong, "
        f"{of['no meaning']} have no meaning"
    )
