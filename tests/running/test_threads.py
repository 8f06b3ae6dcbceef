"""Is the number of BLAS threads one as long as anybody needs it, and then what it was?"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np  # noqa: F401  threadpoolctl sees the BLAS that numpy has loaded
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import nnref
from nnref.threads import one_blas_thread
from tests import kills


def threads():
    """The number of threads of every BLAS in this process."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        yield


def test_there_is_one_thread_inside_and_afterwards_as_many_as_before():
    with one_blas_thread():
        assert threads() == {1}
    assert threads() == {2}


def test_of_two_that_overlap_the_last_to_leave_lifts_the_limit():
    """Two trainings at once in one process: the first to end must not change the bits of the other."""
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert threads() == {1}
    second.__exit__(None, None, None)
    assert threads() == {2}


def test_two_runs_in_two_threads_have_the_bits_of_one_alone():
    layers, data = nnref.mlp([6, 7, 3]), kills.blobs()

    def run(_):
        return nnref.train(data, layers, epochs=2, batch_size=8, progress=False).parameters_sha256

    alone = run(0)
    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(run, range(2))) == {alone}


def test_the_limit_is_lifted_by_what_fails():
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        raise ZeroDivisionError
    assert threads() == {2}
