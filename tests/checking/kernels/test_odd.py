"""Kernels that are right on contiguous rows of a good size, and nowhere else."""

import pytest

import nnref
from tests.kernels import said


@pytest.fixture
def silu(torch):
    """SiLU whose backward pass is broken in one way: broken(x, g, right) -> gradient."""

    def made(broken):
        class SiLU(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return torch.nn.functional.silu(x)

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                s = torch.sigmoid(x)
                return broken(x, g, g * s * (1 + x * (1 - s)))

        return SiLU

    return made, torch


def tried(silu, broken):
    """The report of a broken SiLU at odd shapes."""
    made, torch = silu
    x = torch.linspace(-2, 2, 4 * 16).reshape(4, 16)
    assert nnref.check_vjp(made(broken), (x,)).ok, "it is right where it is contiguous"
    return nnref.check_vjp(made(broken), (x,), shapes="odd")


def test_a_right_kernel_is_right_at_every_odd_shape(silu):
    report = tried(silu, lambda x, g, right: right)
    assert report.ok
    for says in (
        "x not contiguous",
        "x transposed in memory",
        "x unaligned",
        "dY expanded",
        "1 row",
        "33 columns",
        "an empty batch",
    ):
        assert says in report.method


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda x, g, right: right if x.is_contiguous() else 0 * right, "not with x not contiguous"),
        (lambda x, g, right: right if 0 not in x.stride() else 2 * right, "not with x expanded from one row"),
        (lambda x, g, right: right if x.storage_offset() == 0 else 2 * right, "not with x unaligned"),
        (lambda x, g, right: right if 0 not in g.stride() else 2 * right, "not with dY expanded"),
        (lambda x, g, right: right if len(x) > 1 else 2 * right, "not with 1 row"),
    ],
)
def test_what_breaks_a_kernel_is_said(silu, broken, says):
    report = tried(silu, broken)
    assert report.wrong
    assert says in said(report)


def test_a_tail_that_no_block_divides_is_found_and_named(silu):
    def broken(x, g, right):
        right = right.clone()
        right[..., right.shape[-1] // 8 * 8 or right.shape[-1] :] = 0
        return right

    report = tried(silu, broken)
    assert "not with 31 columns columns 24..30, the remainder after a multiple of 8: all zero" in said(report)
