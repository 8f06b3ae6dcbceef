"""The one call: is this vector-Jacobian product right? Arrays of any library, or numpy's, on the device they are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.vjp import check_vjp as check_in_numpy
from nnref.checking.kernels import blackbox, odd
from nnref.checking.kernels.case import Case, differentiable
from nnref.checking.kernels.closed import closed
from nnref.checking.kernels.frameworks import Framework, callable_of, framework_of
from nnref.checking.kernels.recognise import Known, recognised
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
    **options: Any,
) -> GradcheckReport:
    """Is the backward pass of a layer or kernel right?

    Call it as check_vjp(f, (x, w)), or as check_vjp(forward, vjp, (x, w)). f is differentiable by its own library: a
    torch.autograd.Function, a function of tensors, a jax.custom_vjp, a function with tf.custom_gradient. Its arguments
    stay on their device and in their dtype, bfloat16 too. Other arrays need vjp, which takes, by name, whichever
    arguments it needs, dY and, if it wants it, the output; it returns one gradient for each of wrt, which are all
    floating-point arguments unless named. dY is drawn unless given, dense and without pattern.

    The truth is nnref's closed form where the function is one by its numbers, or where reference names one, such as
    nnref.rms_norm: then every entry is compared, in parts of what rounding may do to it, for a kernel that adds up in
    float32, or as accumulate says. Else it is truth, a forward function in float64, or the function itself on float64
    copies, by differences, at `entries` of each (256 where there are more). shapes="odd" tries strides, N = 1, an empty
    batch and sizes that no block divides too. Other options are those of gradcheck.
    Errors: GradcheckError for what cannot be checked.
    """
    if arguments is None and not callable(vjp):
        vjp, arguments = None, vjp
    if arguments is None:
        raise GradcheckError("the arguments are missing: try check_vjp(f, (x, w)), or check_vjp(forward, vjp, (x, w)).")
    if accumulate is not None and accumulate not in UNITS:
        raise GradcheckError(f"accumulate should be one of {', '.join(UNITS)}; {accumulate!r} came.")
    if shapes not in (None, "odd"):
        raise GradcheckError(f'shapes should be "odd", or left out; {shapes!r} came.')
    given = list(arguments.values() if isinstance(arguments, Mapping) else listed(arguments))
    framework = framework_of(given)
    if framework is None and callable(vjp) and reference is None and truth is None and shapes is None:
        return check_in_numpy(forward, vjp, arguments, wrt=wrt, dY=dY, **options)
    case = asked(forward, vjp, arguments, wrt, framework or Framework())
    known = [] if truth and reference is None else recognised(case, accumulate, reference)

    def answer(case: Case, known: list[Known], dY: Any) -> GradcheckReport:
        if not known:
            return blackbox.by_differences(case, truth, dY, options)
        reports = [closed(case, one, dY, accumulate) for one in known]
        return min(reports, key=lambda report: (not report.ok, sum(entry.wrong for entry in report.entries)))

    report = answer(case, known, dY)
    if shapes == "odd":
        name = known[0].form.name if known else None
        report = odd.tried(case, report, lambda c, dY: answer(c, recognised(c, accumulate, name) if name else [], dY))
    wrote = [f"the kernel writes into {name}" for name in sorted(case.wrote)]
    return replace(report, method="; ".join([report.method, *wrote]))


def assert_vjp(forward: Any, vjp: Any = None, arguments: Any = None, **options: Any) -> None:
    """Raise GradientMismatch, which carries the report and prints the table, unless check_vjp finds all right."""
    __tracebackhide__ = True  # pytest then shows the caller's line
    report = check_vjp(forward, vjp, arguments, **options)
    if not report.ok:
        raise GradientMismatch(report)


def listed(arguments: Any) -> list[Any]:
    """The arguments by place; one alone is the first."""
    return list(arguments) if isinstance(arguments, tuple | list) else [arguments]


def asked(forward: Any, vjp: Any, arguments: Any, wrt: str | tuple[str, ...] | None, framework: Framework) -> Case:
    """The question, its arguments by place.

    Errors: GradcheckError for names that are not there.
    """
    f, names = callable_of(forward)
    if isinstance(arguments, Mapping):
        order = [name for name in names if name in arguments] + [name for name in arguments if name not in names]
        given = [arguments[name] for name in order]
        names = order
    else:
        given = listed(arguments)
        names = [*names[: len(given)], *(f"x{k}" for k in range(len(names), len(given)))]
    places = differentiable(given, framework)
    if wrt is not None:
        wanted = (wrt,) if isinstance(wrt, str) else tuple(wrt)
        if unknown := [name for name in wanted if name not in names]:
            raise GradcheckError(f"wrt should name arguments among {names}; {unknown} came.")
        places = [names.index(name) for name in wanted]
    if vjp is not None and not callable(vjp):
        raise GradcheckError(f"vjp should be callable; {type(vjp).__name__} came.")
    return Case(f, given, names, places, framework, vjp)
