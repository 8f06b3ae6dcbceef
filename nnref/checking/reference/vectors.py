"""Known-answer vectors: networks with every intermediate result, for an implementation in any language to compare with.

A tiny network in JSON, with decimal strings of 50 digits; the article's network as NPZ and as raw binaries. Every
number is correctly rounded from a ball (nnref.checking.balls): nothing here was computed in floating point.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable
from decimal import Context, Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nnref.checking.operations.record import Ball, Matrix, Undecided
from nnref.checking.reference import balls, golden, layer_vectors
from nnref.checking.reference.balls import Enclosure
from nnref.layer import Affine
from nnref.network import Layers, Parameters, mlp, named
from nnref.shapes import Array

DIGITS = 50
"""Significant decimal digits of the tiny network's answers."""

TINY = (3, 4, 3, 2)
"""The tiny network's widths; its batch has three examples."""

DECIMAL_BITS = 256
"""Precision for the decimals to begin with: 50 digits are 167 bits."""

Network = tuple[Layers, Parameters, Array, Array]

DTYPES = ("float64", "float32")

T = TypeVar("T")


def write(out: str | os.PathLike[str]) -> list[Path]:
    """Write the folder under another name and rename it, so that it is complete or absent. Returns its files.

    Errors: ValueError if there is something already.
    """
    out = Path(out)
    if out.exists():
        raise ValueError(f"{out}: there is something already, and nothing is overwritten. Name a new folder.")
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        beside.mkdir()
        fill(beside)
        beside.rename(out)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return sorted(path for path in out.rglob("*") if path.is_file())


def fill(folder: Path) -> None:
    """Write every file of the vectors, the sums last."""
    cases = [tiny(name) for name in TINY_REGIMES]
    write_lines(folder / "tiny.json", json.dumps({"format": FORMAT, "digits": DIGITS, "cases": cases}, indent=1))
    write_lines(folder / "schema.json", json.dumps(SCHEMA, indent=1))
    write_lines(folder / "README.md", README)
    write_layers(folder)
    for name in FULL_REGIMES:
        write_full(folder / "full" / name, FULL_REGIMES[name][1]())
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = (f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files)
    write_lines(folder / "SHA256SUMS", "".join(sums))


def write_layers(folder: Path) -> None:
    """Write the answers of every layer of the handbook: as decimals, and as float64."""
    cases = [layer_vectors.case(name) for name in layer_vectors.functions_with_answers()]
    made = {"format": layer_vectors.FORMAT, "digits": layer_vectors.DIGITS, "cases": cases}
    write_lines(folder / "layers.json", json.dumps(made, indent=1))
    write_lines(folder / "layers-schema.json", json.dumps(layer_vectors.SCHEMA, indent=1))
    np.savez(folder / "layers.npz", **layer_vectors.arrays(cases))  # type: ignore[arg-type]


def write_lines(path: Path, content: str) -> None:
    """Write text with the same line ends on every system, so that the sums agree."""
    path.write_bytes((content.rstrip("\n") + "\n").encode())


def tiny_network(activation: str, seed: int = 0) -> Network:
    """The tiny network with numbers of the golden stream, multiples of 2⁻²³ between −1 and 1: dense, signed, b ≠ 0."""
    stream = golden.integers()
    for _ in range(100 * seed):
        next(stream)
    layers = mlp(TINY, activation)
    affines = [Affine(golden.matrix(stream, 23, m, n), golden.matrix(stream, 24, m, 1)) for n, m in pairwise(TINY)]
    theta: Parameters = (affines[0], (), affines[1], (), affines[2])
    X = golden.matrix(stream, 22, TINY[0], 3)
    return layers, theta, X, np.eye(2)[:, [0, 1, 1]]


def with_zeros(network: Network) -> Network:
    """A pixel that is always 0, an example that is all 0, and no bias in the first layer: units exactly at the kink."""
    layers, theta, X, Y = network
    X = X.copy()
    X[0], X[:, 0] = 0, 0
    first = theta[0]
    assert isinstance(first, Affine)
    return layers, (Affine(first.W, np.zeros_like(first.b)), *theta[1:]), X, Y


def enlarged(network: Network) -> Network:
    """Logits so large that exp overflows unless the maximum is taken off first, and some p are below 1e-38."""
    layers, theta, X, Y = network
    last = theta[-1]
    assert isinstance(last, Affine)
    return layers, (*theta[:-1], Affine(last.W * 1024, last.b * 1024)), X, Y


def dark(network: Network) -> Network:
    """Four pixels of five black, as in handwritten digits: most of dW1 is exactly 0, and one example is all black."""
    layers, theta, X, Y = network
    X = np.where(np.arange(len(X))[:, None] % 5 == 0, abs(X), 0.0)
    X[:, 0] = 0
    return layers, theta, X, Y


TINY_REGIMES: dict[str, tuple[str, Callable[[], Network]]] = {
    "relu": ("dense and signed, biases not zero", lambda: tiny_network("relu", 1)),
    "sigmoid": ("dense and signed, biases not zero", lambda: tiny_network("sigmoid", 2)),
    "tanh": ("dense and signed, biases not zero", lambda: tiny_network("tanh", 3)),
    "zeros": (
        "a pixel always 0, an example all 0 and units exactly at the kink, where relu'(0) = 0",
        lambda: with_zeros(tiny_network("relu", 1)),
    ),
    "large": ("logits in the hundreds", lambda: enlarged(tiny_network("relu", 1))),
}

FULL_REGIMES: dict[str, tuple[str, Callable[[], Network]]] = {
    "golden": ("the golden network: dense and signed, biases not zero, 32 examples", golden.network),
    "dark": ("four pixels of five black, one example all black, 5 examples", lambda: dark(golden.network(5))),
    "large": ("logits in the thousands, 5 examples", lambda: enlarged(golden.network(5))),
}


def answers(enclosure: Enclosure, Y: Array) -> dict[str, Matrix]:
    """Z1, A1, …, the probabilities P, dZ3, dA2, …, dW1, db1, … and the loss as matrices of balls."""
    import flint

    E, names = enclosure, [f"{'ZA'[l % 2]}{l // 2 + 1}" for l in range(len(enclosure.A) - 1)]
    P = E.dA[-1] * Y.shape[1] + balls.exactly(Y=Y)  # dZ = (P − Y) / N
    forward = dict(zip(names, E.A[1:], strict=True)) | {"P": P}
    back = {f"d{name}": D for name, D in reversed(list(zip(names, E.dA[1:], strict=True)))}
    return forward | back | {f"d{p}": G for p, G in E.gradients.items()} | {"loss": flint.arb_mat([[E.loss]])}


def rounded_answers(network: Network, bits: int, rounding: Callable[[Matrix], T]) -> dict[str, T]:
    """Every answer rounded, at the first precision from bits that decides all of them.

    Errors: Undecided if none up to balls.LIMIT does.
    """
    while True:
        E = balls.enclosures(*network, bits)
        try:
            with balls.precision(E.bits):
                return {name: rounding(M) for name, M in answers(E, network[-1]).items()}
        except Undecided:
            if E.bits >= balls.LIMIT:
                raise
            bits = 2 * E.bits


def given(network: Network) -> dict[str, Array]:
    """The inputs, by name."""
    _, theta, X, Y = network
    return named(theta) | {"X": X, "Y": Y}


def tiny(name: str) -> dict[str, Any]:
    """One case of the tiny network: its exact inputs, and every answer to DIGITS digits."""
    says, make = TINY_REGIMES[name]
    network = make()
    return {
        "name": name,
        "says": says,
        "activation": network[0][1].name,
        "given": {p: exact_decimals(P) for p, P in given(network).items()},
        "answers": rounded_answers(network, DECIMAL_BITS, decimals),
    }


def exact_decimals(P: Array) -> list[list[str]]:
    """The entries of a matrix of binary fractions as decimals, exactly."""
    return [[str(Decimal(x)) for x in row] for row in P.tolist()]


def decimals(M: Matrix) -> list[list[str]]:
    """The entries of a matrix of balls to DIGITS digits."""
    return [[decimal(x) for x in row] for row in M.tolist()]


def decimal(x: Ball) -> str:
    """The number nearest to a ball among those of DIGITS decimal digits, ties to even.

    Errors: Undecided if the two ends of the ball round differently.
    """
    low, high = (rounded_to_digits(end) for end in (x.lower(), x.upper()))
    if low != high:
        raise Undecided(f"{x} does not have {DIGITS} digits yet.")
    return str(low)


def rounded_to_digits(x: Ball) -> Decimal:
    """An exact ball, man · 2ᵉ, rounded once to DIGITS decimal digits."""
    man, e = (int(part) for part in x.man_exp())
    wide = Context(prec=DIGITS)
    return wide.create_decimal(man * 2**e) if e >= 0 else wide.divide(Decimal(man), Decimal(2**-e))


def write_full(folder: Path, network: Network) -> None:
    """Every array of one regime of the article's network, in float64 and float32: an NPZ, and one binary an array."""
    for dtype in DTYPES:
        arrays = {p: P.astype(dtype) for p, P in given(network).items()}
        arrays |= rounded_answers(network, balls.BITS, partial(nearest_floats, dtype=dtype))
        place = folder / dtype
        place.mkdir(parents=True)
        np.savez(place / "arrays.npz", **arrays)  # type: ignore[arg-type]
        for p, P in arrays.items():
            (place / f"{p}.bin").write_bytes(np.ascontiguousarray(P, P.dtype.newbyteorder("<")).tobytes())
    shapes = {p: list(P.shape) for p, P in arrays.items()}
    write_lines(folder / "shapes.json", json.dumps({"activation": network[0][1].name, "shapes": shapes}, indent=1))


def nearest_floats(M: Matrix, dtype: str) -> Array:
    """The floats nearest to a matrix of balls.

    Errors: Undecided if one is not decided.
    """
    near, decided = balls.nearest(M, dtype)
    if not decided.all():
        raise Undecided(f"{int((~decided).sum())} entries lie between two {dtype} at this precision.")
    return near


FORMAT = "nnref known answers 1"

MATRIX = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "string", "pattern": r"^-?[0-9.]+(E[+-][0-9]+)?$"}},
}

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "nnref known answers: a tiny network",
    "type": "object",
    "required": ["format", "digits", "cases"],
    "properties": {
        "format": {"const": FORMAT},
        "digits": {"const": DIGITS},
        "cases": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "says", "activation", "given", "answers"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "says": {"type": "string"},
                    "activation": {"enum": ["relu", "sigmoid", "tanh"]},
                    "given": {"type": "object", "additionalProperties": MATRIX},
                    "answers": {"type": "object", "additionalProperties": MATRIX},
                },
            },
        },
    },
}
"""What tiny.json looks like. Matrices are lists of rows of decimal strings; X and Y have one column per example."""

README = f"""# Known answers for a neural network

Each network is affine, activation, affine, activation, affine, softmax; columns are examples. Z = W A + b 1ᵀ, W is
(n_l, n_(l-1)), b is (n_l, 1), X is (n_0, N), Y is one-hot. The loss is the mean cross-entropy over the batch, in nats;
Z3 are the logits and P their softmax. dQ is the derivative of the loss with respect to Q: dZ3 = (P - Y) / N, and
dW, db are sums over the batch. relu'(0) = 0.

| file | holds |
|---|---|
| tiny.json | a {"-".join(map(str, TINY))} network, 3 examples: given numbers exactly, answers to {DIGITS} digits |
| schema.json | JSON Schema of tiny.json |
| layers.json | every formula of the handbook, such as layer_norm.dX, at small arrays: answers to 50 digits |
| layers.npz | the same in float64: NAME.symbol is what goes in, and NAME the answer |
| layers-schema.json | JSON Schema of layers.json |
| full/*/float64, full/*/float32 | a 784-128-64-10 network: arrays.npz, and one file an array, NAME.bin |
| full/*/shapes.json | the activation, and the shape of every array |
| SHA256SUMS | check with sha256sum -c SHA256SUMS |

The .bin files are little-endian, row by row (C order), and nothing else. Given numbers are exact in float32, so both
precisions are of one network. Every answer is the number of its format nearest to the real one, from ball arithmetic.

Regimes of the tiny network:

{chr(10).join(f"- {name}: {says}" for name, (says, _) in TINY_REGIMES.items())}

Regimes of the full network:

{chr(10).join(f"- {name}: {says}" for name, (says, _) in FULL_REGIMES.items())}

The golden network comes from integers alone: x <- (6364136223846793005 x + 1442695040888963407) mod 2^64 from x = 1;
((x >> 40) - 2^23) / 2^m is a number and ((x >> 32) * 10) >> 32 a label. In order: W1 and b1 (m = 26), W2 (25), b2 (26),
W3 (25), b3 (26), X (23), the labels. SHA-256 over W1, b1, W2, ... as float64: {golden.PARAMETERS_SHA256}; over dW1,
db1, dW2, ...: {golden.GRADIENT_SHA256}.

Yours need not agree to the last digit: |yours - answer| / (u S), with u the unit roundoff and S the running-error scale
(nnref.checking.noise), is at most the longest sum + 2.
"""
