"""Do the formulas give the same numbers in every array library, traced or not, and refuse the same arguments?"""

import inspect
from functools import partial

import numpy as np
import pytest

import nnref
from derivations.prover.proof import claims
from nnref import arrays, bridge, relu, shapes, softmax_cross_entropy
from nnref.parameters import mapped, named
from tests.conftest import require
from tests.support import cases
from tests.support.quick import some

FORMULAS = [
    claim.name
    for claim in claims().values()
    if claim.kind in ("definition", "gradient") and not claim.name.startswith("mlp.") and any(claim.shapes.values())
]


def torch():
    """PyTorch on the CPU; a copy, for it wants to write."""
    torch = require("torch")
    return lambda A: torch.from_numpy(np.array(A)), lambda f: f


def jax(traced):
    """JAX with 64 bits, as the other libraries have."""
    jax = require("jax")
    jax.config.update("jax_enable_x64", True)
    return jax.numpy.asarray, jax.jit if traced else lambda f: f


def strict(device="device1"):
    """The standard alone, on a device that is not the default: an array made elsewhere is refused."""
    xp = require("array_api_strict")
    return lambda A: xp.asarray(A, device=xp.Device(device)), lambda f: f


def on_host(A):
    """The numbers as numpy has them."""
    return np.asarray(A.to_device(type(A.device)("CPU_DEVICE")) if "strict" in type(A).__module__ else A)


LIBRARIES = {
    "numpy": lambda: (np.asarray, lambda f: f),
    "torch": torch,
    "jax": lambda: jax(traced=False),
    "jax traced": lambda: jax(traced=True),
    "array-api-strict": strict,
}


def taken_to(library, formula):
    """How arrays are taken to a library for a formula. The error function, which the standard lacks, is numpy's."""
    through_numpy = library == "array-api-strict" and formula.startswith("gelu") and "tanh" not in formula
    return strict("CPU_DEVICE") if through_numpy else LIBRARIES[library]()


each_library = pytest.mark.parametrize("library", LIBRARIES)


def argument(name, symbol, shape):
    """An array for a symbol, or a positive number where it is a scalar."""
    return cases.drawn(symbol, shape, cases.generator(name, symbol))


def close(there, here, formula=""):
    """The same to a few units in the last place of the largest: libraries round exp, log and sums in their own way."""
    assert there.dtype == here.dtype, formula
    assert there.shape == here.shape, formula
    assert abs(there - here).max() <= 64 * np.finfo(here.dtype).eps * max(1, abs(here).max()), formula


def each_precision():
    """Every library in both precisions; JAX compiles each anew, and is asked in float32 with --long only."""
    for library in LIBRARIES:
        yield library, "float64"
        yield pytest.param(library, "float32", marks=[pytest.mark.long] * library.startswith("jax"))


@pytest.mark.parametrize(("library", "dtype"), list(each_precision()))
@pytest.mark.parametrize("formula", some(FORMULAS, 36))
def test_a_formula_gives_the_same_numbers_in_every_library(formula, dtype, library):
    to, traced = taken_to(library, formula)
    function = bridge.function(formula)
    shapes_of = claims()[formula].shapes
    here = {
        p: argument(formula, p, [cases.extent(d, cases.SIZES) for d in shapes_of[p]])
        for p in inspect.signature(function).parameters
    }
    here = {p: A.astype(dtype) if isinstance(A, np.ndarray) else A for p, A in here.items()}
    numbers = {p: A for p, A in here.items() if not isinstance(A, np.ndarray)}
    f = traced(partial(function, **numbers))
    there = f(**{p: to(A) for p, A in here.items() if p not in numbers})
    assert type(there).__module__.split(".")[0] in (library.split()[0].replace("-", "_"), "jaxlib", "torch")
    close(on_host(there), np.asarray(function(**here)), formula)


@each_library
@pytest.mark.parametrize("activation", some(nnref.layer.ACTIVATIONS, 4))
def test_the_gradients_of_a_network_are_the_same_in_every_library(activation, library, rng):
    to, traced = taken_to(library, activation)
    layers = nnref.mlp([6, 5, 4, 3], activation)
    theta, X = nnref.initialise(layers), rng.standard_normal((6, 8))
    Y = nnref.one_hot(rng.integers(0, 3, 8), 3, "float64")
    L, here = nnref.loss_and_gradients(layers, theta, X, Y)
    f = traced(lambda theta, X, Y: nnref.loss_and_gradients(layers, theta, X, Y))
    L_there, there = f(mapped(to, theta), to(X), to(Y))
    close(on_host(L_there), np.asarray(L))
    assert type(there[0]).__name__ == "Affine"
    for p, g in named(there).items():
        close(on_host(g), named(here)[p], p)


@each_library
def test_the_shapes_and_numbers_that_numpy_refuses_are_refused_everywhere(library):
    to, traced = LIBRARIES[library]()
    Z, whole = to(np.ones((3, 2))), to(np.ones((3, 2), "int32"))
    with pytest.raises(nnref.ShapeError, match=r"relu\.dZ: Z is 3 × 2 and dA is 2 × 3"):
        traced(relu.dZ)(Z, to(np.ones((2, 3))))
    with pytest.raises(nnref.ShapeError, match=r"shape \(3,\) came"):
        traced(relu.forward)(to(np.ones(3)))
    with pytest.raises(TypeError, match=r"Z should be an array of floating-point numbers; .*int32 came"):
        traced(relu.forward)(whole)
    with pytest.raises(nnref.ShapeError, match=r"Y should be one-hot.*3 × 2; 2 × 3 came.*pass Y\.T"):
        traced(softmax_cross_entropy.dZ)(Z, to(np.ones((2, 3))))
    with pytest.raises(nnref.ShapeError, match=r"Y should be one-hot.*nnref\.one_hot"):
        traced(softmax_cross_entropy.dZ)(Z, to(np.ones(2, "int32")))


@pytest.mark.parametrize("library", [library for library in LIBRARIES if "traced" not in library])
def test_labels_that_do_not_sum_to_one_are_refused_wherever_they_can_be_seen(library):
    to, _ = LIBRARIES[library]()
    with pytest.raises(ValueError, match="column 1 of Y sums to 2"):
        softmax_cross_entropy.dZ(to(np.ones((2, 3))), to(np.array([[1.0, 1, 0], [0, 1, 1]])))


def test_what_no_library_knows_is_refused():
    with pytest.raises(TypeError, match="Z should be an array"):
        relu.forward("Z")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_choosing_by_bits_is_choosing(dtype, order, rng):
    """Every kind of number on both sides: bit by bit what np.where gives, nan and −0 too."""
    special = np.array(
        [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, np.finfo(dtype).tiny / 2, np.finfo(dtype).max], dtype
    )
    A, B = (np.array(rng.choice(special, (40, 30)), order=order) for _ in "AB")
    condition = rng.random((40, 30)) > 0.5
    chosen = arrays.where(condition, A, B)
    assert chosen.tobytes() == np.where(condition, A, B).tobytes()
    assert arrays.where(condition, A, 0).tobytes() == np.where(condition, A, 0).tobytes()
    assert arrays.where(condition[:, :1], A, B).tobytes() == np.where(condition[:, :1], A, B).tobytes()
    assert arrays.where(condition, A.astype(complex), B).dtype == complex


def test_the_slope_of_a_rectifier_chooses_and_does_not_multiply():
    """0 · inf would be nan: behind a closed rectifier the gradient is 0 whatever comes from above."""
    Z, dA = np.array([[-1.0, 0.0, 2.0, np.nan]]), np.array([[np.inf, np.nan, np.inf, 3.0]])
    assert np.array_equal(relu.dZ(Z, dA), [[0, 0, np.inf, np.nan]], equal_nan=True)
    assert np.array_equal(relu.forward(Z), [[0, 0, 2, np.nan]], equal_nan=True)


def test_within_trusted_nothing_is_checked_and_after_it_everything():
    import threading

    wrong = np.ones((2, 3)), np.ones((1, 3))
    with shapes.trusted():
        relu.dZ(*wrong)
        elsewhere = []

        def other():
            try:
                relu.dZ(*wrong)
            except nnref.ShapeError as error:
                elsewhere.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert elsewhere  # another thread's arguments are not known to fit
    with pytest.raises(nnref.ShapeError):
        relu.dZ(*wrong)
    with pytest.raises(ZeroDivisionError), shapes.trusted():
        1 / 0  # noqa: B018
    assert not shapes.TRUST.on
