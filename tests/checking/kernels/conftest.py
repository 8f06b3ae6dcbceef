"""PyTorch for the tests of kernels, on one thread: several that wait for each other take ten times as long."""

import pytest

from tests.conftest import require


@pytest.fixture
def torch():
    """PyTorch, on one thread."""
    torch = require("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)
