"""Replay of a trace in another process: each value is computed from the leaves by numpy's own functions.

Every operation behind a verdict has to be repeatable here, and has to stand in the file at the place that the trace
gives: as the operator, or as a call of that name with the same literal numbers.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnref.checking.reading.source import Source
from nnref.checking.watching.calculus.graph import bits_of
from nnref.checking.watching.meaning.targets import understood
from nnref.checking.watching.program import Run
from nnref.checking.watching.recording.functions import NAMES, OPERATOR, WRITERS, WRITING
from nnref.checking.watching.recording.hooks import OFF
from nnref.checking.watching.recording.memory import positions
from nnref.checking.watching.recording.recorder import Recorder
from nnref.checking.watching.recording.tape import Node, Site, nodes_of, words
from nnref.checking.watching.recording.values import gathered
from nnref.checking.watching.runs import together
from nnref.checking.watching.traces.left_out import left_out
from nnref.checking.watching.traces.places import Places
from nnref.checking.watching.traces.trace import Given
from nnref.checking.watching.watch import Watched, judged_steps, numbers_in, sources_of

MODULES = words("numpy numpy.linalg numpy.lib.stride_tricks math operator builtins scipy.special scipy.signal")
"""Where functions are looked up."""

PURE = words(
    "abs absolute add all allclose amax amin angle any append arange arccos arccosh arcsin arcsinh arctan arctan2 "
    "arctanh argmax argmin argpartition argsort argwhere around array array_split asanyarray asarray "
    "asarray_chkfinite ascontiguousarray asfortranarray asmatrix astype atleast_1d atleast_2d atleast_3d average "
    "bincount bitwise_and bitwise_or bitwise_xor block broadcast_arrays broadcast_to cbrt ceil choose clip "
    "column_stack compress concat concatenate conj conjugate convolve convolve2d copy copysign corrcoef correlate "
    "correlate2d cos cosh count_nonzero cov cross cumprod cumsum delete diag diagflat diagonal diff digitize divide "
    "divmod dot dsplit dstack ediff1d einsum equal erf erfc exp exp2 expand_dims expit expm1 eye fabs fftconvolve "
    "flatnonzero flatten flip fliplr flipud float float16 float32 float64 float_power floor floor_divide floordiv "
    "fmax fmin fmod fsum full ge getitem gradient greater greater_equal gt heaviside histogram hsplit hstack hypot "
    "identity imag in1d inner insert int int16 int32 int64 int8 interp intersect1d inv invert iadd isclose isfinite "
    "isin isinf isnan item kron ldexp le less less_equal lexsort linspace log log10 log1p log2 log_expit log_softmax "
    "logaddexp logaddexp2 logical_and logical_not logical_or logical_xor logsumexp lt matmul matrix matrix_power max "
    "maximum mean median meshgrid min minimum mod moveaxis mul multi_dot multiply nan_to_num nanmax nanmean nanmin "
    "nanstd nansum nanvar ndtr neg negative nonzero norm not_equal ones ones_like outer pad partition percentile "
    "permute_dims pos positive pow power prod ptp quantile rad2deg ravel ravel_multi_index real reciprocal remainder "
    "repeat reshape resize right_shift rint roll rollaxis rot90 round row_stack searchsorted select sigmoid sign sin "
    "sinc sinh softmax solve sort split sqrt square squeeze stack std sub subtract sum swapaxes take take_along_axis "
    "tan tanh tensordot tile tolist trace transpose trapezoid trapz tri tril tril_indices tril_indices_from triu "
    "triu_indices triu_indices_from true_divide truediv trunc uint8 unique unravel_index var vdot vsplit vstack where "
    "xlog1py xlogy zeros zeros_like unpackbits packbits fill put putmask place copyto fill_diagonal put_along_axis eq "
    "ne and_ or_ xor lshift rshift sliding_window_view gammaln loggamma lgamma digamma psi"
)
"""Functions that only compute: they read and write no file, and call nothing that they are given."""

OF_UFUNC = frozenset(["reduce", "accumulate", "outer", "at", "reduceat"])


class NotRecomputed(Exception):
    """A value that cannot be computed again; says why."""


@dataclass
class Retold:
    """A replayed run: the tape, and for values that could not be computed again the reason, by index."""

    tape: list[Node] = field(default_factory=list)
    taken: dict[int, str] = field(default_factory=dict)
    pairs: list[tuple[str, Node, Node]] = field(default_factory=list)


def watched_again(trace: Given, source: Source, places: Places) -> tuple[Watched | None, str]:
    """The verdict on a replayed trace; and why it is not valid, "" if it is.

    Errors: whatever a trace raises that is none.
    """
    told = [retold(run, trace["arrays"], places) for run in trace["runs"]]
    seen = understood([run.tape for run in told], told[0].pairs)
    told = [moved(*parts) for parts in zip(told, seen.tapes, seen.places, strict=False)] if seen.places else told
    role = seen.role
    if role is None:
        return None, "no array is changed in it by something that depends on labels"
    tapes = together([run.tape for run in told], role)
    files = {node.site.file for node in told[0].tape} - {""}
    steps = judged_steps(role, tapes, "", numbers_in(sources_of(source, sorted(files))))
    how, guessed = str(trace["how"]), bool(trace["guessed"])
    found = Watched(source, (Run(Recorder(), {}),), role, steps, "", how, guessed, tapes=tuple(tapes))
    return found, fault_of(found, told, places)


def moved(run: Retold, tape: Sequence[Node], places: Mapping[int, int]) -> Retold:
    """A run on a tape on which its labels are told from its data."""
    return Retold(list(tape), {places[k]: why for k, why in run.taken.items()}, run.pairs)


def fault_of(found: Watched, told: Sequence[Retold], places: Places) -> str:
    """The first operation behind the verdict that was not replayed, or is not in the file; "" if there is none."""
    for step in found.steps:
        role, loss = step.roles, step.readings[0].loss.node
        bits = role.into_updates | (0 if loss is None else role.graph.above[loss.index] | (1 << loss.index))
        for run in told[: len(found.tapes)]:
            for k in bits_of(bits):
                node = run.tape[k]
                on_parameters = role.graph.above[k] & role.parameters
                if on_parameters and (node.leaf or k in run.taken):
                    return f"{site_in_words(found.source, node.site)}: {run.taken.get(k, 'a value from nowhere')}"
                if (on_parameters or role.of_labels[k]) and (why := places.fault(node)):
                    return f"{site_in_words(found.source, node.site)}: {why}"
        if said := left_out(role, loss, places):
            return said
    return ""


def site_in_words(source: Source, site: Site) -> str:
    """A line in words."""
    return source.where(site.line) if site.file.endswith(source.name) else f"{site.file.rsplit('/')[-1]}:{site.line}"


def retold(run: Given, arrays: Sequence[Any], places: Places) -> Retold:
    """One run, value after value."""
    sites = [Site(places.own(str(file)), int(line), int(column), str(f)) for file, line, column, f in run["sites"]]
    ordinals = {int(index): k for k, index in enumerate(run["leaves"])}
    made = Retold()
    for index, (op, site, leaf, names, kind, dims, call, args, kwargs, value) in enumerate(run["values"]):
        reader = Reader(made.tape, arrays)
        arguments = tuple(reader.read(a) for a in args)
        named = {str(k): reader.read(v) for k, v in kwargs.items()}
        inputs = tuple(dict.fromkeys((*nodes_of(arguments), *nodes_of(named))))
        deps = functools.reduce(lambda bits, m: bits | m.deps, inputs, 1 << ordinals[index] if index in ordinals else 0)
        node = Node(index, str(op), None, arguments, named, None, sites[site], str(leaf), deps, inputs)
        node.names, node.dims, node.used = [str(name) for name in names], tuple(map(int, dims)), kind != "none"
        try:
            node.call = function(call)
            if value is None and node.op not in BY_PLACE and node.op not in operations(call):
                raise NotRecomputed("its function is another operation")
            raw = reader.read(value) if value is not None else computed(node, places)
            node.value = laid(raw, kind, node.dims)
            if value is not None and not begins(node):
                made.taken[index] = "its value is told, and not computed"
        except Exception as error:  # of a trace that anybody may have written: only what rests on it matters
            made.taken[index] = f"{op} cannot be computed again ({type(error).__name__}: {error})"
        made.tape.append(node)
    made.pairs = [(str(name), made.tape[old], made.tape[new]) for name, old, new in run["pairs"]]
    return made


def begins(node: Node) -> bool:
    """Is this a leaf, or a number of a list that is one?"""
    return node.op == "leaf" or (node.op == "entry" and all(m.op == "leaf" for m in node.inputs))


@dataclass(frozen=True)
class Reader:
    """Reads arguments: values by their index, and what is written out."""

    tape: Sequence[Node]
    arrays: Sequence[Any]

    def read(self, told: Any) -> Any:
        """One argument.

        Errors: KeyError, IndexError or TypeError for what is none.
        """
        kind, *rest = told
        if kind == "n":
            if not 0 <= rest[0] < len(self.tape):
                raise IndexError(f"value {rest[0]} of {len(self.tape)}")
            return self.tape[rest[0]]
        parts = {"l": list, "t": tuple}
        if kind in parts:
            return parts[kind](self.read(part) for part in rest[0])
        if kind in ("a", "g"):
            A = self.arrays[rest[0]].reshape(rest[1])
            return A.copy() if kind == "a" else A.reshape(())[()]
        if kind == "s":
            return slice(*(self.read(part) for part in rest[0]))
        if kind == "r":
            return range(*map(int, rest[0]))
        if kind == "d":
            return plain_dtype(rest[0])
        return {"none": None, "...": Ellipsis, "x": rest[0] if rest else None}[kind]


def plain_dtype(text: Any) -> np.dtype[Any]:
    """A dtype of numbers, never of objects."""
    dtype = np.dtype(str(text))
    if dtype.kind not in "fiubc":
        raise NotRecomputed(f"a dtype of {text}")
    return dtype


def function(told: Any) -> Callable[..., Any] | None:
    """The function of a name, among those that only compute.

    Errors: NotRecomputed for any other.
    """
    if told is None:
        return None
    kind, *rest = told
    if kind == "gathered":
        return gathered
    if kind == "part":
        inner, k = function(rest[1]), int(rest[0])
        return lambda *args, **kwargs: inner(*args, **kwargs)[k]  # type: ignore[misc]
    if kind == "method":
        if rest[0] not in PURE:
            raise NotRecomputed(f"{rest[0]} is none of the functions that are known to compute only")
        return functools.partial(method, rest[0])
    if kind == "of":
        inner = function(rest[0])
        if not isinstance(inner, np.ufunc) or rest[1] not in OF_UFUNC:
            raise NotRecomputed(f"{rest[1]} is no way to apply a function")
        return getattr(inner, rest[1])
    module, name = rest
    module = "scipy.special" if str(module).startswith("scipy.special") else module
    module = "scipy.signal" if str(module).startswith("scipy.signal") else module
    if module not in MODULES or name not in PURE:
        raise NotRecomputed(f"{module}.{name} is none of the functions that are known to compute only")
    return looked_up(module, name)


@functools.cache
def looked_up(module: str, name: str) -> Callable[..., Any]:
    """A function of a module."""
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def operations(told: Any) -> set[str]:
    """The operations that a function may be recorded as."""
    if told is None:
        return set()
    kind, *rest = told
    if kind == "gathered":
        return {"gathered"}
    if kind == "part":
        return {f"{op}[{int(rest[0])}]" for op in operations(rest[1])}
    if kind == "of":
        return {f"{op}.{rest[1]}" for op in operations(rest[0])}
    name = rest[-1]
    by_operator = BY_OPERATOR.get(name, set()) if rest[0] == "operator" else set()
    return by_operator or {NAMES.get(name, name)}


BY_OPERATOR: dict[str, set[str]] = {}
"""What the functions of Python's module of operators are recorded as."""
for _op, _function in OPERATOR.items():
    BY_OPERATOR.setdefault(_function.__name__, set()).add(_op)


def method(name: str, first: Any, *args: Any, **kwargs: Any) -> Any:
    """A method of an array or a number, and of nothing else."""
    if not isinstance(first, np.ndarray | np.generic | float | int):
        raise NotRecomputed(f"{name} of {type(first).__name__}")
    return getattr(first, name)(*args, **kwargs)


def computed(node: Node, places: Places) -> Any:
    """The value of an operation.

    Errors: NotRecomputed, or what the operation raises.
    """
    args, kwargs = tuple(map(valued, node.args)), {k: valued(v) for k, v in node.kwargs.items()}
    if node.op in BY_PLACE:
        return BY_PLACE[node.op](node, args, places)
    if node.call is None:
        raise NotRecomputed("it has no function")
    if kwargs.get("where") is not None and isinstance(node.call, np.ufunc):
        raise NotRecomputed("it leaves entries as they were")
    if writes(node):
        args = (np.array(args[0]), *args[1:])
        node.call(*args, **kwargs)
        return args[0]
    if isinstance(node.call, np.ufunc):
        args = args[: node.call.nin]
    return node.call(*args, **kwargs)


def writes(node: Node) -> bool:
    """Does the operation write into its first argument, and give nothing?"""
    call = node.call
    if isinstance(call, functools.partial) and call.func is method:
        return call.args[0] in WRITERS
    name = getattr(call, "__name__", "")
    return name in WRITING and not (name == "place" and not node.args)


def valued(thing: Any) -> Any:
    """An argument with values in the place of nodes.

    Errors: NotRecomputed where one has none.
    """
    if isinstance(thing, Node):
        if thing.value is None:
            raise NotRecomputed(f"it is made of {thing.op}, which is not there")
        return thing.value
    if type(thing) in (list, tuple):
        return type(thing)([valued(part) for part in thing])
    if isinstance(thing, slice):
        return slice(*(None if p is None else int(valued(p)) for p in (thing.start, thing.stop, thing.step)))
    return thing


def view(node: Node, args: Any, places: Places) -> Any:
    """Some entries of an array, by where they lie."""
    base, lying, shape, strides = args
    return np.asarray(base).ravel()[positions(numbers(lying), tuple(shape), tuple(strides))]


def put(node: Node, args: Any, places: Places) -> Any:
    """An array in which some entries are others."""
    base, part, lying, shape, strides = args
    before = node.args[0]
    if before.op == "put" and not before.used:  # nothing read it as a whole, and its memory is its own
        whole, before.value = before.value, None
    else:
        whole = np.array(base).ravel()
    whole[positions(numbers(lying), tuple(shape), tuple(strides))] = part
    return whole


def numbers(lying: Any) -> Any:
    """Where a view lies, as tuples."""
    distance, shape, strides = lying
    return int(distance), tuple(shape), tuple(strides)


def put_at(node: Node, args: Any, places: Places) -> Any:
    """a[index] = value"""
    base, index, value = args
    made = np.array(base)
    made[index] = value
    return made


def compared(node: Node, args: Any, places: Places) -> Any:
    """A comparison of two numbers, as 0 or 1: which one, the file says."""
    for op in places.comparisons(node.site):
        return int(bool(OPERATOR[op](*args)))
    raise NotRecomputed("the file compares nothing there")


def chosen(node: Node, args: Any, places: Places) -> Any:
    """What a condition chose of two numbers, or where one was put in a list of zeros, as the file says."""
    for yes, no in places.choices(node.site):
        written = yes if args[1] else no
        return args[0] if written is None and isinstance(node.args[0], Node) else written
    for number in places.numbers_put(node.site):
        if args[0] in (number, *OFF):
            return args[0]
    raise NotRecomputed("it was chosen of a list")


BY_PLACE: dict[str, Callable[..., Any]] = {
    "view": view,
    "put": put,
    "assign": lambda node, args, places: np.broadcast_to(fitting(args[0], args[1]), tuple(args[1])),
    "put_at": put_at,
    "item": lambda node, args, places: args[0][args[1]],
    "entry": lambda node, args, places: args[0][args[1]],
    "compared": compared,
    "chosen": chosen,
}
"""What operations do that have no call."""


def fitting(value: Any, shape: Sequence[int]) -> Any:
    """A value without the leading axes of length 1 that an assignment passes over."""
    A = np.asarray(value)
    while A.ndim > len(shape) and A.shape[0] == 1:
        A = A[0]
    return A


def laid(value: Any, kind: str, dims: tuple[int, ...]) -> Any:
    """A value in the form and precision that it had in the program.

    Errors: NotRecomputed where it has another size.
    """
    if kind == "none":  # written over before anything read it as a whole
        return value
    form, _, text = str(kind).partition(" ")
    A = np.asarray(value)
    if A.size != np.prod(dims, dtype=int):
        raise NotRecomputed(f"shape {A.shape} came, {dims} was recorded")
    if form in ("array", "matrix", "generic"):
        A = A.reshape(dims).astype(plain_dtype(text))
        return A[()] if form == "generic" else A if form == "array" else A.view(np.matrix)
    return {"float": float, "int": int, "complex": complex}[form](A.reshape(()).item())
