"""Closed forms: their own formula is the proven one, its bounds hold, and every mistake is another number."""

import numpy as np
import pytest

from nnref.checking.kernels.naming import kept, terms
from nnref.checking.operations.closed_forms import forms
from nnref.checking.operations.kernel_arithmetic import KernelPrecision, Plain, Rounded
from nnref.checking.operations.kernel_form import RIGHT, Change

SHAPES = {
    "softmax": {"x": (4, 6)},
    "layer_norm": {"X": (2, 3, 6), "gamma": (6,), "beta": (6,)},
    "rms_norm": {"X": (4, 6), "gamma": (6,)},
    "softmax_cross_entropy": {"z": (5, 6), "y": (5,)},
    "attention": {"Q": (2, 2, 5, 3), "K": (2, 2, 5, 3), "V": (2, 2, 5, 4)},
    "embedding": {"E": (6, 4), "words": (9,)},
    "affine": {"X": (7, 4), "W": (4, 4), "b": (4,)},
    "conv2d": {"X": (3, 2, 7, 8), "W": (4, 2, 3, 3), "b": (4,)},
}

OUTPUTS = {
    "softmax_cross_entropy": (),
    "attention": (2, 2, 5, 4),
    "embedding": (9, 4),
    "affine": (7, 4),
    "conv2d": (3, 4, 4, 4),
}

SETTINGS = {
    "layer_norm": {"eps": 1e-5},
    "rms_norm": {"eps": 1e-5},
    "softmax_cross_entropy": {"reduction": "mean"},
    "attention": {"mask": "causal", "scale": 0.3},
    "affine": {"turned": False},
    "conv2d": {"stride": 2, "padding": 1, "dilation": 1},
}

FORMS = forms()

each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)


def question(form, rng, dtype="float64"):
    """Values, settings and dY for a form, rounded to a dtype and again in float64."""
    shapes = SHAPES.get(form.name, {form.roles[0]: (4, 6)})
    values = {name: rng.standard_normal(shape).astype(dtype).astype("float64") for name, shape in shapes.items()}
    if form.name == "softmax_cross_entropy":
        values["y"] = np.array([0, 3, -100, 5, 2])
    if form.name == "embedding":
        values["words"] = np.array([0, 3, 3, 5, 0, -1, 3, 2, 1])
    if "z" in values:
        values["z"][0, :2] = 0.0, 7.0  # where a mask may be the other, and beyond the cut of ReLU6
    dY = rng.standard_normal(OUTPUTS.get(form.name, next(iter(shapes.values())))).astype(dtype).astype("float64")
    return values, SETTINGS.get(form.name, {}), dY


@each_form
def test_the_settings_are_among_those_that_fit_the_shapes(form, rng):
    values, settings, dY = question(form, rng)
    shapes = {name: A.shape for name, A in values.items()}
    numbers = [0.3, True] if form.name == "attention" else []
    assert settings in list(form.settings(shapes, dY.shape, numbers))


@each_form
def test_its_own_formula_is_the_proven_one(form, rng):
    values, settings, dY = question(form, rng)
    proven = form.truth(values, dY, settings)
    found = form.gradients(Plain(), values, dY, settings, RIGHT)
    assert proven.keys() == found.keys() == values.keys() - set(form.whole)
    for name, A in proven.items():
        np.testing.assert_allclose(found[name].reshape(A.shape), A, rtol=1e-12, atol=1e-13)


def called(x):
    """What a test is called after: a form, or what is wrong in it."""
    return x.name if hasattr(x, "name") else x.key


class Float32(Plain):
    """A kernel that computes in float32 and keeps what it stores in float16."""

    def given(self, A):
        return A.astype("float32")

    def store(self, A):
        return A.astype("float16").astype("float32")


@each_form
def test_a_kernel_that_rounds_so_stays_within_the_bounds(form, rng):
    """And bounds that are a tenth as wide are too narrow for some form: they are not so wide as to mean nothing."""
    values, settings, dY = question(form, rng, "float16")
    with np.errstate(all="ignore"):
        rounded = form.gradients(Float32(), values, dY, settings, RIGHT)
        bounds = form.gradients(Rounded(KernelPrecision.of("float16", "float32")), values, dY, settings, RIGHT)
    for name, C in bounds.items():
        gap = abs(np.asarray(rounded[name], "float64") - C.value)
        assert (gap <= C.likely).all(), name
        assert (C.likely <= C.most * (1 + 1e-9)).all(), name


def test_bounds_a_tenth_as_wide_would_not_do(rng):
    shares = []
    for form in FORMS:
        values, settings, dY = question(form, rng, "float16")
        with np.errstate(all="ignore"):
            rounded = form.gradients(Float32(), values, dY, settings, RIGHT)
            bounds = form.gradients(Rounded(KernelPrecision.of("float16", "float32")), values, dY, settings, RIGHT)
        for name, C in bounds.items():
            with np.errstate(all="ignore"):
                shares.append(np.nanmax(abs(np.asarray(rounded[name], "float64") - C.value) / C.likely))
    assert max(shares) > 0.1


@pytest.mark.parametrize(
    ("form", "mistake"),
    [(form, mistake) for form in FORMS for mistake in form.mistakes],
    ids=called,
)
def test_every_mistake_is_another_number(form, mistake, rng):
    values, settings, dY = question(form, rng)
    if mistake.key == "mean" and form.name == "softmax_cross_entropy":
        settings = {"reduction": "sum"}
    proven = form.truth(values, dY, settings)
    found = form.gradients(Plain(), values, dY, settings, Change(mistake.key))
    changed = {name for name, A in proven.items() if not np.allclose(found[name].reshape(A.shape), A, rtol=1e-9)}
    assert changed
    assert not mistake.of or set(mistake.of) & changed


@pytest.mark.parametrize(
    ("form", "summed"),
    [(form, summed) for form in FORMS for summed in form.sums],
    ids=called,
)
def test_a_term_that_is_left_out_of_a_sum_is_another_number(form, summed, rng):
    values, settings, dY = question(form, rng)
    n = terms(summed, values, dY)
    change = Change("", {summed.key: kept(summed, dY, n, n - 1, n)})
    proven, found = form.truth(values, dY, settings), form.gradients(Plain(), values, dY, settings, change)
    for name in summed.of:
        assert not np.allclose(found[name].reshape(proven[name].shape), proven[name], rtol=1e-9), name
