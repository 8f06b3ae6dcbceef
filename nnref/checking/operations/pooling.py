"""How people write pooling, the largest or the mean of each window; and the mistakes made going back through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nnref import avg_pool, max_pool
from nnref.arrays import namespace
from nnref.checking.operations.images import images, movements, overwritten, windows
from nnref.checking.operations.known import KnownLayer, LayerReading, Slip, Symbols, Tried
from nnref.windows import added, largest

Settings = Mapping[str, Any]

SIZES = range(1, 6)
"""Rows and columns of a window that are tried."""


def readings(tried: Tried) -> Iterator[LayerReading]:
    """Every pooling of one array."""
    if len(tried.floats) != 1:
        return
    ((x, X),) = tried.floats.items()
    if X.ndim != tried.Y.ndim:
        return
    for axes, layout in images(X.shape):
        for out, output in images(tried.Y.shape):
            if axes != out or (output.shape[0], output.shape[3]) != (layout.shape[0], layout.shape[3]):
                continue
            for kernel in ((I, J) for I in SIZES for J in SIZES if I * J > 1):
                for moved in movements(layout.shape, kernel, output.shape[1:3]):
                    for name in ("max_pool", "avg_pool"):
                        says = f"{name}, windows of {kernel[0]} × {kernel[1]}, {moved}"
                        settings = {"name": name, "kernel": kernel, "moved": moved}
                        yield LayerReading(name, says, {x: "X"}, {"X": layout}, output, settings=settings)


def chosen(at: Symbols, settings: Settings) -> Any:
    """The choice of max pooling."""
    return largest(at["X"], *settings["kernel"], *settings["moved"])


def forward(at: Symbols, settings: Settings) -> Any:
    """The largest, or the mean, of each window."""
    X, moved = at["X"], settings["moved"]
    if settings["name"] == "max_pool":
        return max_pool.forward(X, chosen(at, settings), *moved)
    return avg_pool.forward(X, *settings["kernel"], *moved)


def gradients(at: Symbols, dY: Any, settings: Settings) -> Symbols:
    """The proved gradients; of pixels that are alike the first gets dY."""
    X, moved = at["X"], settings["moved"]
    if settings["name"] == "max_pool":
        return {"X": max_pool.dX(X, chosen(at, settings), dY, *moved)}
    return {"X": avg_pool.dX(X, dY, *settings["kernel"], *moved)}


def seen(at: Symbols, settings: Settings) -> tuple[Any, dict[tuple[int, int], Any]]:
    """The windows, and what each tap sees."""
    view = windows(at["X"].shape, settings["kernel"], settings["moved"])
    padded = view.padded(at["X"])
    return view, {tap: view.seen(padded, tap) for tap in view.taps}


def sharing(
    share: Callable[[Any, Any, dict[tuple[int, int], Any]], Any],
) -> Callable[[Symbols, Any, Settings], Iterator[Symbols]]:
    """Gradients where each tap's part of dY is share(what it sees, the output, what all taps see)."""

    def of(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
        if settings["name"] != "max_pool":
            return
        Y = forward(at, settings)
        view, taps = seen(at, settings)
        parts = {tap: share(pixels, Y, taps) * dY for tap, pixels in taps.items()}
        yield {"X": view.cropped(added(view.sent_back(part, tap) for tap, part in parts.items()))}

    return of


def without_error(A: Any) -> Any:
    """The values without their errors."""
    return A.value if hasattr(A, "value") else A


def ties(pixels: Any, Y: Any, taps: dict[tuple[int, int], Any]) -> Any:
    """1 at every pixel that is as large as the largest."""
    return (without_error(pixels) == without_error(Y)).astype("float64")


def smallest(pixels: Any, Y: Any, taps: dict[tuple[int, int], Any]) -> Any:
    """1 at the smallest pixel."""
    least = None
    for other in taps.values():
        least = (
            without_error(other)
            if least is None
            else namespace(without_error(other)).minimum(least, without_error(other))
        )
    return (without_error(pixels) == least).astype("float64")


def every(pixels: Any, Y: Any, taps: dict[tuple[int, int], Any]) -> Any:
    """1 everywhere."""
    return 0 * without_error(pixels) + 1


def mean(pixels: Any, Y: Any, taps: dict[tuple[int, int], Any]) -> Any:
    """The same share everywhere."""
    return every(pixels, Y, taps) / len(taps)


def first(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """All of dY to one corner of each window."""
    view = windows(at["X"].shape, settings["kernel"], settings["moved"])
    I, J = settings["kernel"]
    for tap in ((0, 0), (I - 1, J - 1)):
        yield {"X": view.cropped(view.sent_back(dY * 1, tap))}


def written_over(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """Windows overlap, and the last, or the first, wins."""
    view = windows(at["X"].shape, settings["kernel"], settings["moved"])
    I, J = settings["kernel"]
    if settings["name"] == "max_pool":
        S = chosen(at, settings)
        picked = {(u, v): S[..., u, v] for u, v in view.taps}
        parts = {tap: choice * dY for tap, choice in picked.items()}
        for last in (True, False):
            yield {"X": view.cropped(overwritten(view, parts, last, picked))}
    else:
        parts = dict.fromkeys(view.taps, dY / (I * J))
    for last in (True, False):
        yield {"X": view.cropped(overwritten(view, parts, last))}


def not_divided(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """Mean pooling without its division."""
    if settings["name"] == "avg_pool":
        I, J = settings["kernel"]
        made = avg_pool.dX(at["X"], dY, I, J, *settings["moved"])
        yield {"X": made * (I * J)}
        yield {"X": made / (I * J)}


def moved_otherwise(at: Symbols, dY: Any, settings: Settings) -> Iterator[Symbols]:
    """The padding forgotten: what goes back is taken from the corner of the padded images."""
    X, moved = at["X"], settings["moved"]
    if moved.padding:
        view = windows(X.shape, settings["kernel"], moved)
        if settings["name"] == "max_pool":
            S = chosen(at, settings)
            parts = {(u, v): S[..., u, v] * dY for u, v in view.taps}
        else:
            parts = dict.fromkeys(view.taps, dY / (settings["kernel"][0] * settings["kernel"][1]))
        whole = added(view.sent_back(part, tap) for tap, part in parts.items())
        yield {"X": whole[:, : X.shape[1], : X.shape[2], :]}


SLIPS = (
    Slip(
        "pool.ties",
        "where pixels of a window are alike, each of them gets all of dY: that is no subgradient, one of them gets it",
        sharing(ties),
    ),
    Slip("pool.smallest", "dY goes to the smallest pixel of each window, not to the largest", sharing(smallest)),
    Slip("pool.everywhere", "dY goes to every pixel of the window, not to the largest alone", sharing(every)),
    Slip(
        "pool.mean", "dY is spread over the window as in mean pooling; the largest pixel gets all of it", sharing(mean)
    ),
    Slip("pool.corner", "dY goes to one corner of each window, wherever the largest pixel is", first),
    Slip(
        "pool.overwritten",
        "windows overlap, and each writes over what the ones before gave: dX[…] = should be dX[…] +=",
        written_over,
    ),
    Slip("pool.not_divided", "the division by the number of pixels in a window is missing, or made twice", not_divided),
    Slip("pool.padding_missing", "the padding is missing in the backward pass", moved_otherwise),
)

KNOWN = KnownLayer("pooling", readings, forward, gradients, SLIPS)
