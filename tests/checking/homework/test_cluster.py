"""Is a wrong address of a cluster refused in a sentence, and is there a pool without one?"""

import sys

import pytest

from nnref.checking.homework.cluster import pool_at


@pytest.mark.parametrize("address", ["tcp://a:1", "dask:", "dask://", "a:8786"])
def test_an_address_that_is_none_is_refused(address):
    with (
        pytest.raises(ValueError, match=r"should be dask://HOST:PORT, the scheduler of a cluster; .* came"),
        pool_at(address),
    ):
        pass


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"pip install 'nnref\[dask\]'"), pool_at("dask://localhost:1"):
        pass


def test_without_an_address_work_is_done_here():
    with pool_at(None) as pool:
        assert list(pool.map(len, ["ab", "c"])) == [2, 1]
