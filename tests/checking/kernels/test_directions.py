"""Beyond the sample: a mistake in a few entries of many shows along a random direction, and is placed by halves."""

import numpy as np
import pytest

import nnref
from tests.kernels import said


@pytest.fixture
def wave(torch):
    """The function x sin x, whose gradient is put right or wrong in a region: wave(region, factor)."""

    def made(region, factor):
        class Wave(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x.sin() * x

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                d = g * (x.sin() + x * x.cos())
                d[region] *= factor
                return d

        return Wave

    return made


def checked(torch, f, dtype="float32", shape=(60, 100)):
    """The report on few entries."""
    x = torch.as_tensor(np.random.default_rng(0).standard_normal(shape)).to(getattr(torch, dtype))
    return nnref.check_vjp(f, (x,), entries=24)


def test_a_right_gradient_says_what_would_have_been_missed(torch, wave):
    report = checked(torch, wave(np.s_[:0], 1.0))
    assert report.ok
    assert "along 10 of 10 directions of random signs: an entry that is off by more than" in said(report)
    assert "missed with chance 0.00098" in said(report)


def test_a_tail_that_the_sample_misses_is_found_and_named(torch, wave):
    report = checked(torch, wave(np.s_[:, 97:], 0.0))
    assert said(report).startswith("columns 97..99: all zero")
    assert report.worst.yours == 0
    assert report.worst.index[1] >= 97


@pytest.mark.parametrize(
    ("region", "says"),
    [
        (np.s_[32:40, 64:80], "rows 32..39, columns 64..79: 2 times the truth there"),
        (np.s_[59], "row 59: 2 times the truth there"),
    ],
)
def test_a_region_that_the_sample_touches_is_named_whole(torch, wave, region, says):
    assert says in said(checked(torch, wave(region, 2.0)))


def test_what_bfloat16_hides_shows_with_float32_copies(torch, wave):
    text = said(checked(torch, wave(np.s_[:, 97:], 2.0), "bfloat16"))
    assert "bfloat16 hides it: with float32 copies of the same numbers" in text
    assert "columns 97..99: 2 times the truth there" in text
    assert "right with float32 copies too" in checked(torch, wave(np.s_[:0], 1.0), "bfloat16").method


def test_a_kernel_of_one_dtype_alone_is_said_to_show_no_more(torch):
    def f(x):
        assert x.dtype in (torch.bfloat16, torch.float64)
        return x.sin() * x

    report = checked(torch, f, "bfloat16")
    assert report.ok
    assert "the function does not take float32" in report.method


def test_along_kinks_a_direction_says_that_it_knows_nothing(torch):
    report = checked(torch, lambda x: (100 * x).sin().abs(), shape=(30, 20))
    assert not report.wrong
    assert "along 10 of 10" not in said(report)
