"""The fixtures `gradcheck` and `vjpcheck` for anyone's tests: they fail with the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(name="gradcheck")
def gradcheck_fixture() -> Callable[..., None]:
    """assert_gradients, under the name people look for."""
    from nnref.checking.gradcheck.gradcheck import assert_gradients

    return assert_gradients


@pytest.fixture(name="vjpcheck")
def vjpcheck_fixture() -> Callable[..., None]:
    """assert_vjp, for a layer or kernel: vjpcheck(f, (x, w))."""
    from nnref.checking.kernels.check import assert_vjp

    return assert_vjp
