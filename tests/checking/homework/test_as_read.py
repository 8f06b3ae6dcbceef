"""Is the network that is called again that which was read, and no other of its file?"""

from types import SimpleNamespace

import pytest

from nnref.checking.homework.as_read import likeness, same_network
from tests.support.homework import BASE, read_from


def test_the_same_file_read_twice_has_the_same_network():
    wanted, again = (read_from(BASE).network for _ in range(2))
    other = read_from(BASE.replace("backward", "back_prop")).network
    assert same_network(wanted, [other, again]) is again
    with pytest.raises(LookupError, match="no network of these functions and parameters"):
        same_network(wanted, [other])


def test_a_function_without_a_name_is_like_another_without_one():
    def network(f):
        return SimpleNamespace(functions={"forward": f}, found=SimpleNamespace(paths={"W1": "W"}), tree=[])

    assert likeness(network(SimpleNamespace())) == likeness(network(SimpleNamespace()))
    assert likeness(network("forward")) != likeness(network("predict"))
