"""The derivative of each operation: ∂L/∂(each argument) from ∂L/∂(result)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnref.checking.watching.recording.tape import words

Array = np.ndarray[Any, Any]
Rule = Callable[..., tuple[Any, ...]]


def special(name: str, *args: Any) -> Any:
    """A function of scipy.special, imported when a watched program uses its counterpart."""
    from scipy import special as functions

    return getattr(functions, name)(*args)


ELEMENTWISE: dict[str, Rule] = {
    "add": lambda g, y, a, b: (g, g),
    "subtract": lambda g, y, a, b: (g, -g),
    "multiply": lambda g, y, a, b: (g * b, g * a),
    "divide": lambda g, y, a, b: (g / b, -g * a / (b * b)),
    "power": lambda g, y, a, b: (g * b * np.power(a, b - 1.0), g * y * np.log(np.where(a > 0, a, 1.0))),
    "exp": lambda g, y, a: (g * y,),
    "exp2": lambda g, y, a: (g * y * np.log(2.0),),
    "expm1": lambda g, y, a: (g * (y + 1),),
    "log": lambda g, y, a: (g / a,),
    "log2": lambda g, y, a: (g / (a * np.log(2.0)),),
    "log10": lambda g, y, a: (g / (a * np.log(10.0)),),
    "log1p": lambda g, y, a: (g / (1 + a),),
    "sqrt": lambda g, y, a: (g / (2 * y),),
    "cbrt": lambda g, y, a: (g / (3 * y * y),),
    "square": lambda g, y, a: (g * 2 * a,),
    "reciprocal": lambda g, y, a: (-g * y * y,),
    "negative": lambda g, y, a: (-g,),
    "positive": lambda g, y, a: (g,),
    "abs": lambda g, y, a: (g * np.sign(a),),
    "tanh": lambda g, y, a: (g * (1 - y * y),),
    "sinh": lambda g, y, a: (g * np.cosh(a),),
    "cosh": lambda g, y, a: (g * np.sinh(a),),
    "sin": lambda g, y, a: (g * np.cos(a),),
    "cos": lambda g, y, a: (-g * np.sin(a),),
    "tan": lambda g, y, a: (g * (1 + y * y),),
    "atan": lambda g, y, a: (g / (1 + a * a),),
    "expit": lambda g, y, a: (g * y * (1 - y),),
    "gammaln": lambda g, y, a: (g * special("digamma", a),),
    "loggamma": lambda g, y, a: (g * special("digamma", a),),
    "lgamma": lambda g, y, a: (g * special("digamma", a),),
    "digamma": lambda g, y, a: (g * special("zeta", 2.0, a),),
    "psi": lambda g, y, a: (g * special("zeta", 2.0, a),),
    "erf": lambda g, y, a: (g * 2 / np.sqrt(np.pi) * np.exp(-a * a),),
    "erfc": lambda g, y, a: (-g * 2 / np.sqrt(np.pi) * np.exp(-a * a),),
    "logaddexp": lambda g, y, a, b: (g * np.exp(a - y), g * np.exp(b - y)),
    "array": lambda g, y, a, *more: (g,),
    "nan_to_num": lambda g, y, a, *more: (g,),
    "real": lambda g, y, a: (g,),
}
"""Operations on entries, by numpy's name; arguments are broadcast."""

FLAT = words(
    "greater less greater_equal less_equal equal not_equal sign floor ceil rint round isnan isfinite isinf trunc "
    "logical_and logical_or logical_not logical_xor floor_divide bitwise_and bitwise_or bitwise_xor invert argmax "
    "argmin argsort any all unique nonzero count_nonzero searchsorted bincount isin in1d where[0] int heaviside "
    "array_equal digitize flatnonzero argwhere left_shift right_shift"
)
"""Operations whose slope is 0 wherever it exists."""

MOVES = words(
    "concatenate hstack vstack stack column_stack append insert tile repeat roll flip fliplr flipud rot90 delete take "
    "diag diagonal rollaxis take_along_axis dstack broadcast_to pad split array_split tril triu compress choose block "
    "sliding_window_view resize ravel reshape transpose swapaxes moveaxis squeeze expand_dims atleast_2d atleast_1d"
)
"""Operations that only move entries: they are applied to the entries' indices to find where each went."""


def tied(a: Array, b: Any, tie: float) -> Array:
    """The slope of max(a, b) with respect to a: 1, 0, or `tie` where both are equal."""
    return np.where(a > b, 1.0, np.where(a == b, tie, 0.0))


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes of a reduction, as indices from 0."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(int(a) % ndim for a in (axis if isinstance(axis, tuple | list) else (axis,)))


def spread(g: Any, x: Array, axis: Any, keepdims: bool) -> Array:
    """The slope of a sum, broadcast over the summed array."""
    g = np.asarray(g)
    if not keepdims and x.ndim:
        for a in sorted(axes_of(axis, x.ndim)):
            g = np.expand_dims(g, a)
    return np.broadcast_to(g, x.shape)


def summed_to(g: Any, shape: tuple[int, ...]) -> Array:
    """A slope of the broadcast shape, summed to the shape of what was broadcast."""
    g = np.asarray(g)
    if g.shape == shape:
        return g
    while g.ndim > len(shape):
        g = g.sum(0)
    for k, n in enumerate(shape):
        if n == 1 and g.shape[k] != 1:
            g = g.sum(k, keepdims=True)
    return np.broadcast_to(g, shape)


def product(g: Any, a: Array, b: Array) -> tuple[Array, Array]:
    """The slopes of a @ b."""
    if a.ndim == 1 and b.ndim == 1:
        return g * b, g * a
    if a.ndim == 1:
        return np.einsum("kij,kj->i", b.reshape(-1, *b.shape[-2:]), np.reshape(g, (-1, b.shape[-1]))), a[:, None] * g[
            ..., None, :
        ]
    if b.ndim == 1:
        return g[..., None] * b, np.ravel(g) @ a.reshape(-1, a.shape[-1])
    return np.matmul(g, np.swapaxes(b, -1, -2)), np.matmul(np.swapaxes(a, -1, -2), g)


def dot(g: Any, a: Array, b: Array) -> tuple[Array, Array]:
    """The slopes of np.dot, which is a product of numbers too, and of stacks in its own way."""
    if a.ndim == 0 or b.ndim == 0:
        return g * b, g * a
    if a.ndim <= 2 and b.ndim <= 2:
        return product(g, a, b)
    if b.ndim == 1:
        return np.asarray(g)[..., None] * b, np.tensordot(g, a, g.ndim)
    k = b.ndim - 2
    ga = np.tensordot(g, b, (list(range(a.ndim - 1, g.ndim)), [*range(k), b.ndim - 1]))
    gb = np.tensordot(g, a, (list(range(a.ndim - 1)), list(range(a.ndim - 1))))
    return ga, np.moveaxis(gb, -1, k)


def tensordot(g: Any, a: Array, b: Array, axes: Any) -> tuple[Array, Array]:
    """The slopes of np.tensordot(a, b, axes), a number of axes or a pair of lists of them."""
    if np.ndim(axes) == 0:
        n = int(axes)
        first, second = list(range(a.ndim - n, a.ndim)), list(range(n))
    else:
        first, second = ([int(k) % A.ndim for k in np.atleast_1d(of)] for A, of in zip((a, b), axes, strict=True))
    left, right = ([k for k in range(A.ndim) if k not in of] for A, of in ((a, first), (b, second)))
    ga = np.tensordot(g, b, (list(range(len(left), len(left) + len(right))), right))
    gb = np.tensordot(a, g, (left, list(range(len(left)))))
    # The summed axes come last, in the order of the other argument's; they are moved back.
    of_a = [*left, *(first[second.index(k)] for k in sorted(second))]
    of_b = [*(second[first.index(k)] for k in sorted(first)), *right]
    return np.transpose(ga, np.argsort(of_a)), np.transpose(gb, np.argsort(of_b))


def einsum(g: Any, letters: str, operands: Sequence[Array]) -> list[Array]:
    """The slopes of np.einsum(letters, *operands), whose operands have no letter twice.

    Errors: NotImplementedError for any other.
    """
    given, arrow, out = letters.replace(" ", "").partition("->")
    subscripts = given.split(",")
    if not arrow:
        out = "".join(sorted(c for c in set(given) - {","} if given.count(c) == 1))
    if "." in letters or any(len(set(part)) < len(part) for part in subscripts):
        raise NotImplementedError(letters)
    found = []
    for k, mine in enumerate(subscripts):
        others = [part for j, part in enumerate(subscripts) if j != k]
        met = "".join(c for c in mine if c in out or any(c in part for part in others))
        rest = [A for j, A in enumerate(operands) if j != k]
        part = np.einsum(f"{','.join([out, *others])}->{met}", g, *rest)
        wide = part.reshape([n if c in met else 1 for c, n in zip(mine, operands[k].shape, strict=True)])
        found.append(np.broadcast_to(wide, operands[k].shape))
    return found


def reduced(
    op: str, g: Any, y: Any, x: Array, axis: Any, keepdims: bool, ddof: float = 0, equals: str = "share"
) -> Array:
    """The slope of a sum, mean, maximum, variance, … over axes.

    equals says what each of several equal largest entries is given: its share, the first the whole, or each the whole.

    Errors: NotImplementedError for any other.
    """
    count = x.size / max(1, np.size(y))
    if op in ("sum", "add.reduce", "nansum"):
        return spread(g, x, axis, keepdims)
    if op in ("mean", "average"):
        return spread(g, x, axis, keepdims) / count
    over = axes_of(axis, x.ndim)
    if op in ("max", "min", "maximum.reduce", "minimum.reduce"):
        best = x == spread(y, x, axis, keepdims)
        best = firsts(best, over) if equals == "first" else best
        count = 1 if equals == "each" else np.maximum(1, best.sum(over, keepdims=True))
        return spread(g, x, axis, keepdims) * best / count
    if op in ("var", "std"):
        centred = x - x.mean(over, keepdims=True)
        inner = np.asarray(g) / (2 * np.asarray(y)) if op == "std" else g
        return spread(inner, x, axis, keepdims) * 2 * centred / (count - ddof)
    if op == "norm":  # the Euclidean one; its slope at 0, where it has none, is 0
        return spread(g, x, axis, keepdims) * x / np.where(x.any(over, keepdims=True), spread(y, x, axis, keepdims), 1)
    if op in ("logsumexp",):
        return spread(g, x, axis, keepdims) * np.exp(x - spread(y, x, axis, keepdims))
    raise NotImplementedError(op)


def firsts(marked: Array, over: tuple[int, ...]) -> Array:
    """Of the marked entries along some axes, the first."""
    rest = tuple(k for k in range(marked.ndim) if k not in over)
    rows = np.transpose(marked, (*rest, *over)).reshape(*(marked.shape[k] for k in rest), -1)
    alone = rows & (np.cumsum(rows, -1) == 1)
    shape = tuple(marked.shape[k] for k in (*rest, *over))
    return np.transpose(alone.reshape(shape), np.argsort((*rest, *over)))


REDUCTIONS = words("sum add.reduce nansum mean max min maximum.reduce minimum.reduce var std logsumexp")
"""Operations over axes: their second argument, or `axis`, says over which."""
