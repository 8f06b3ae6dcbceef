"""One build of the site and one browser for all the tests that look at them: a pytest plugin."""

import pytest

from tests.conftest import require
from tests.support import built_site as sites
from tests.support.built_site import ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The site, built strictly, as it is when it is published."""
    require("mkdocs")
    require("material")
    out = tmp_path_factory.mktemp("site")
    status, said = sites.build(ROOT, out, NNREF_SITE=sites.ADDRESS, NNREF_REPOSITORY=sites.REPOSITORY)
    assert status == 0, said
    return out


@pytest.fixture(scope="session")
def pages(built):
    return sites.pages(built)


@pytest.fixture(scope="session")
def chromium():
    """The one browser: playwright starts no second one in a process."""
    with sites.browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def opened(built, chromium):
    """(browser, address of the site)."""
    with sites.served(built) as address:
        yield chromium, address


@pytest.fixture(scope="session")
def claims():
    return sites.proofs()["claims"]
