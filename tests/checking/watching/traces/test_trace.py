"""What was recorded, as bytes that hold no code, and read again."""

import json

import numpy as np
import pytest

from nnref.checking.watching.recording.functions import kth_result
from nnref.checking.watching.traces.trace import Arrays, Untold, function_told, kind_of, packed, unpacked, word
from tests.support.programs import seen
from tests.support.recordings import STEP


def test_an_array_that_is_given_twice_is_held_once():
    arrays = Arrays()
    A = np.arange(6.0).reshape(2, 3)
    assert [arrays.place(x) for x in (A, A.copy(), A.T, A.astype("float32"), A.T)] == [0, 0, 1, 2, 1]
    assert len(arrays.held) == 3


def test_what_was_packed_is_unpacked(tmp_path):
    found = seen(tmp_path, STEP)
    header = unpacked(packed(found, ["a note"]))
    assert (header["how"], header["guessed"], header["notes"]) == (found.how, False, ["a note"])
    assert [len(run["values"]) for run in header["runs"]] == [len(run.tape) for run in found.runs]
    names = [value[3] for value in header["runs"][0]["values"]]
    assert names == [node.names for node in found.runs[0].tape]
    leaf = found.runs[0].tape[0]
    assert any(np.array_equal(A, leaf.value) for A in header["arrays"])


@pytest.mark.parametrize(
    "change", [lambda raw: raw[:50], lambda raw: b"", lambda raw: raw[:-8], lambda raw: raw.replace(b'"<f8"', b'"<M8"')]
)
def test_what_is_no_trace_is_refused(tmp_path, change):
    raw = change(packed(seen(tmp_path, STEP)))
    with pytest.raises((ValueError, KeyError, TypeError)):
        unpacked(raw)


@pytest.mark.parametrize(
    ("thing", "told"),
    [
        (None, ["none"]), (..., ["..."]), (True, ["x", True]), (np.float64(2), ["g", 0, ()]), (2.5, ["x", 2.5]),
        ((1, [2]), ["t", [["x", 1], ["l", [["x", 2]]]]]), (slice(1, None), ["s", [["x", 1], ["none"], ["none"]]]),
        (range(3), ["r", [0, 3, 1]]), (np.ones(2), ["a", 0, (2,)]), (float, ["d", "<f8"]),
    ],
)  # fmt: skip
def test_an_argument_is_told_as_what_it_is(thing, told):
    assert word(thing, Arrays()) == told
    json.dumps(word(thing, Arrays()))


@pytest.mark.parametrize("thing", [object(), print, {"a": 1}, np.array([object()]), lambda: 0])
def test_what_is_no_number_has_no_word(thing):
    with pytest.raises(Untold):
        word(thing, Arrays())


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (np.exp, ["function", "numpy", "exp"]), (np.add.at, ["of", ["function", "numpy", "add"], "at"]),
        (np.sum, ["function", "numpy", "sum"]),
        (kth_result(np.divmod, 1), ["part", 1, ["function", "numpy", "divmod"]]),
    ],
)  # fmt: skip
def test_a_function_is_told_by_its_name(call, told):
    assert function_told(call) == told


@pytest.mark.parametrize("call", [lambda x: x, np.random.default_rng(0).normal, "abc".join, None])
def test_a_function_without_a_name_is_not_told(call):
    with pytest.raises(Untold):
        function_told(call)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(np.ones(2, "f4"), "array <f4"), (np.float64(1), "generic <f8"), (1.0, "float"), (3, "int"), (None, "none")],
)
def test_a_value_is_of_a_kind(value, kind):
    assert kind_of(value) == kind
