"""Odd strides and sizes, where kernels break: transposed, expanded, unaligned, one row, none, one past a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.in_torch import Torch
from nnref.checking.results.entry import Entry
from nnref.checking.results.findings import Finding
from nnref.checking.results.report import GradcheckReport

SEED = 13
"""Seed of the arguments drawn at odd sizes: the same in every run."""

Answer = Callable[[KernelCase, Any], GradcheckReport]
"""The check of a case with a dY, or with a drawn one."""


@dataclass
class Variant:
    """The same case with other strides or sizes, and these in words."""

    says: str
    case: KernelCase
    dY: Any = None


def tried(case: KernelCase, report: GradcheckReport, answer: Answer) -> GradcheckReport:
    """The report or, where that is ok, the first report on a variant that is not; its method says what was tried."""
    if not report.ok:
        return report
    right, refused = [], []
    for variant in variants(case):
        try:
            found = answer(variant.case, variant.dY)
        except GradcheckError as error:
            refused.append(f"{variant.says}: {error}")
            continue
        case.wrote |= variant.case.wrote
        if not found.ok:
            return marked(found, f"right at your arguments, not {variant.says}")
        right.append(variant.says)
    try:
        if wrong := without_rows(case):
            return replace(report, entries=wrong, method=f"{report.method}; with an empty batch")
        right.append("with an empty batch")
    except GradcheckError as error:
        refused.append(f"with an empty batch: {error}")
    said = [f"right {', '.join(right)}"] if right else []
    said += [f"refused {', '.join(refused)}"] if refused else []
    return replace(report, method="; ".join([report.method, *said]))


def marked(report: GradcheckReport, says: str) -> GradcheckReport:
    """The report with a sentence ahead of what else is said of what is wrong."""
    entries = [
        replace(e, where=(Finding("odd", says), *e.where)) if e.verdict == "WRONG" else e for e in report.entries
    ]
    return replace(
        report, entries=tuple(entries), method=f"{report.method}; {says.removeprefix('right at your arguments, not ')}"
    )


def variants(case: KernelCase) -> Iterator[Variant]:
    """Variants of the strides, where the library has any, then of the sizes."""
    if isinstance(case.framework, Torch):
        yield from strides(case)
    yield from sizes(case)


def strides(case: KernelCase) -> Iterator[Variant]:
    """Every argument with other strides, and dY expanded from a single number, as it comes from a sum."""
    torch = case.framework.torch  # type: ignore[attr-defined]
    for k in case.wrt:
        A, name = case.given[k].detach(), case.names[k]
        if A.ndim == 0 or A.numel() == 0:
            continue
        wide = torch.repeat_interleave(A, 2, dim=-1)
        yield moved(case, k, wide[..., ::2], f"with {name} not contiguous")
        if A.ndim > 1:
            yield moved(case, k, A.mT.contiguous().mT, f"with {name} transposed in memory")
            yield moved(case, k, A[:1].expand(A.shape), f"with {name} expanded from one row")
        flat = torch.empty(A.numel() + 1, dtype=A.dtype, device=A.device)
        flat[1:] = A.reshape(-1)
        yield moved(case, k, flat[1:].reshape(A.shape), f"with {name} unaligned")
    Y = case.output()
    if Y.ndim:
        one = case.drawn_dY(Y).reshape(-1)[:1]
        yield Variant("with dY expanded from one number", case, one.reshape((1,) * Y.ndim).expand(Y.shape))
    if Y.ndim > 1:
        yield Variant("with dY transposed in memory", case, case.drawn_dY(Y).mT.contiguous().mT)


def moved(case: KernelCase, k: int, A: Any, says: str) -> Variant:
    """The case with one argument replaced."""
    given = list(case.given)
    given[k] = A
    return Variant(says, replace(case, given=given, wrote=set()))


def sizes(case: KernelCase) -> Iterator[Variant]:
    """One row, three rows; one column, and one more and one less than a power of two."""
    A = case.given[case.wrt[0]]
    if A.ndim == 0:
        return
    if A.ndim > 1:
        for n in (1, 3):
            yield resized(case, {int(A.shape[0]): n}, f"with {n} row{'s' * (n > 1)}")
    last = int(A.shape[-1])
    if last not in A.shape[:-1]:
        for n in (1, 31, 33):
            yield resized(case, {last: n}, f"with {n} column{'s' * (n > 1)}")


def resized(case: KernelCase, sizes: dict[int, int], says: str) -> Variant:
    """The case at drawn arguments of other sizes: axes of one length change together."""
    rng, given = np.random.default_rng(SEED), list(case.given)
    for k, A in enumerate(case.given):
        if not case.framework.owns(A):
            continue
        shape = tuple(sizes.get(int(n), int(n)) for n in A.shape)
        if case.framework.floating(A):
            given[k] = case.framework.drawn(shape, A, rng)
        elif A.ndim:
            least = min(sizes.values())
            whole = np.resize(case.framework.host(A), shape) % max(least, 1)
            given[k] = case.framework.guest(whole, A)
    return Variant(says, replace(case, given=given, wrote=set()))


def without_rows(case: KernelCase) -> tuple[Entry, ...]:
    """What is wrong with an empty batch: gradients of another shape, or sums of nothing that are not 0.

    Errors: GradcheckError where the kernel refuses it.
    """
    A = case.given[case.wrt[0]]
    if A.ndim < 2:
        raise GradcheckError("there is no axis of rows")
    empty = resized(case, {int(A.shape[0]): 0}, "").case
    Y = empty.output()
    found, wrong = empty.gradients(empty.drawn_dY(Y)), []
    for place, g in zip(empty.wrt, found, strict=True):
        shape = tuple(empty.given[place].shape)
        if g is None:
            continue
        fits = tuple(g.shape) == shape
        if not fits or (prod(shape) and bool((case.framework.host(g) != 0).any())):
            says = (
                "with an empty batch: a sum of no terms is 0"
                if fits
                else f"with an empty batch: shape {tuple(g.shape)}"
            )
            size = prod(shape)
            entry = Entry(case.names[place], shape, size, size, size, 0, 0, None, "WRONG", (Finding("odd", says),))
            wrong.append(entry)
    return tuple(wrong)
