"""check_vjp: is this vector-Jacobian product right? For arrays of any library, on the device they are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.vjp import check_numpy_vjp as check_in_numpy
from nnref.checking.kernels import blackbox, odd
from nnref.checking.kernels.absent import decided_where_none_came, steady_case
from nnref.checking.kernels.asking import case_and_remarks, taken_apart
from nnref.checking.kernels.case import KernelCase
from nnref.checking.kernels.closed import closed
from nnref.checking.kernels.frameworks import framework_of
from nnref.checking.kernels.outputs import TOGETHER, Asking, KernelOutput, case_of_output, each, outputs_asked
from nnref.checking.kernels.recognise import KnownKernel, known_forms
from nnref.checking.operations.kernel_arithmetic import UNITS
from nnref.checking.results.report import GradcheckReport, GradientMismatch


def check_vjp(
    forward: Any,
    vjp: Any = None,
    arguments: Any = None,
    *,
    wrt: str | tuple[str, ...] | None = None,
    dY: Any = None,
    reference: Any = None,
    truth: Callable[..., Any] | None = None,
    accumulate: str | None = None,
    shapes: str | None = None,
    outputs: Any = None,
    **options: Any,
) -> GradcheckReport:
    """Is the backward pass of a layer or kernel right?

    Call it as check_vjp(f, (x, w)), or as check_vjp(forward, vjp, (x, w)). f is differentiable by its own library: a
    torch.autograd.Function, a function of tensors, a jax.custom_vjp, a function with tf.custom_gradient. Its arguments
    stay on their device and in their dtype, bfloat16 too. Other arrays need vjp, which takes, by name, whichever
    arguments it needs, dY and, if it wants it, the output; it returns one gradient for each of wrt, which are all
    floating-point arguments unless named; of tensors those that require a gradient, if any does. Arguments may be a
    dictionary by name, and hold lists, tuples and dictionaries of arrays. f may be a torch.nn.Module or a Keras layer,
    whose parameters are checked too. dY is drawn unless given, dense and without pattern. Of several outputs, each is
    checked that can be differentiated, or those of `outputs`, by number or name; dY is then one for each.

    The truth is nnref's closed form where the function is one by its numbers, or where reference names one, such as
    nnref.rms_norm: then every entry is compared, in parts of what rounding may do to it, for a kernel that adds up in
    float32, or as accumulate says. Else it is truth, a forward function in float64, or the function itself on float64
    copies, by differences, at `entries` of each (256 where there are more). shapes="odd" tries strides, N = 1, an empty
    batch and sizes that no block divides too. Other options are those of gradcheck.
    Errors: GradcheckError for what cannot be checked.
    """
    if arguments is None and not callable(vjp):
        vjp, arguments = None, vjp
    refuse_bad_use(arguments, accumulate, shapes)
    plain = reference is None and truth is None and shapes is None and outputs is None
    if callable(vjp) and plain and framework_of(given_arrays(arguments)) is None:
        return check_in_numpy(forward, vjp, arguments, wrt=wrt, dY=dY, **options)
    case, notes = case_and_remarks(forward, vjp, arguments, wrt, truth)
    asked_of_one = {"reference": reference, "accumulate": accumulate, "shapes": shapes, "options": options}
    report = of_outputs(case, outputs_asked(case, outputs), dY, partial(of_one_output, **asked_of_one), options)
    wrote = [f"the kernel writes into {name}" for name in sorted(case.wrote)]
    return replace(report, method="; ".join([report.method, *notes, *wrote]))


def refuse_bad_use(arguments: Any, accumulate: str | None, shapes: str | None) -> None:
    """Refuse a call without arguments, and unknown values of options.

    Errors: GradcheckError saying what to try.
    """
    if arguments is None:
        raise GradcheckError("the arguments are missing: try check_vjp(f, (x, w)), or check_vjp(forward, vjp, (x, w)).")
    if accumulate is not None and accumulate not in UNITS:
        raise GradcheckError(f"accumulate should be one of {', '.join(UNITS)}; {accumulate!r} came.")
    if shapes not in (None, "odd"):
        raise GradcheckError(f'shapes should be "odd", or left out; {shapes!r} came.')


def of_outputs(
    case: KernelCase,
    several: list[KernelOutput],
    dY: Any,
    ask: Asking,
    options: Mapping[str, Any],
) -> GradcheckReport:
    """The report on each of a function's outputs; of a single one, as ask(case, dY) gives it."""
    if len(several) == 1:
        return ask(case_of_output(case, several[0], alone=True), dY)
    fewer = {**options, "entries": TOGETHER}
    return each(case, several, dY, ask, lambda all_, dY: blackbox.by_differences(all_, dY, fewer))


def of_one_output(
    case: KernelCase,
    dY: Any,
    reference: Any,
    accumulate: str | None,
    shapes: str | None,
    options: Mapping[str, Any],
) -> GradcheckReport:
    """The report on a function of one output."""
    case, notes = steady_case(case)
    known = [] if case.truth and reference is None else known_forms(case, accumulate, reference)

    def answer(case: KernelCase, known: list[KnownKernel], dY: Any) -> GradcheckReport:
        if not known:
            return blackbox.by_differences(case, dY, options)
        reports = [closed(case, one, dY, accumulate) for one in known]
        return min(reports, key=lambda report: (not report.ok, sum(entry.wrong for entry in report.entries)))

    report = decided_where_none_came(case, answer(case, known, dY))
    if shapes == "odd":
        name = known[0].form.name if known else None
        report = odd.tried(case, report, lambda c, dY: answer(c, known_forms(c, accumulate, name) if name else [], dY))
    return replace(report, method="; ".join([report.method, *notes]))


def assert_vjp(forward: Any, vjp: Any = None, arguments: Any = None, **options: Any) -> None:
    """Raise GradientMismatch, which carries the report and prints the table, unless check_vjp finds all right."""
    __tracebackhide__ = True  # pytest then shows the caller's line
    report = check_vjp(forward, vjp, arguments, **options)
    if not report.ok:
        raise GradientMismatch(report)


def given_arrays(arguments: Any) -> list[Any]:
    """The arrays among the arguments, within whatever holds them."""
    return [A for _, A in taken_apart(arguments, "")[0]]
