"""Can a file that takes apart the process it is run in be marked right? What is right is judged where it never was."""

import json
import sys
from pathlib import Path

import pytest

from nnref.checking.homework import child, isolation, judge, reach
from tests.support.homework import BASE
from tests.support.quick import some

WRONG = BASE.replace("db2 = dz2.sum(axis=0)", "db2 = dz2.sum()")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what confines a file is Linux's")

RESULT = '{"status": 0, "lines": ["right."], "report": {"ok": true, "mistakes": [], "entries": []}}'

FIND = """
def found():
    import gc, sys
    frame, names = sys._getframe(), {}
    while frame:
        names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names
def send(raw):
    import os
    names = found()
    while raw: raw = raw[os.write(names['giving'], raw):]
    os._exit(0)
def sign(body):
    import hmac, hashlib
    return hmac.new(found()['key'].encode(), body, hashlib.sha256).hexdigest().encode() + body
"""
"""Walks the frames below, in which the process that runs a file keeps the key, the pipe and the folder."""

FORGERS = {
    "signs_with_the_key_from_the_frames": f"{FIND}\nsend(sign(b'''{RESULT}'''))",
    "signs_with_the_key_from_gc": f"""{FIND}
import gc, re
for thing in gc.get_objects():
    if type(thing).__name__ == 'cell':
        try: thing = thing.cell_contents
        except ValueError: continue
        if isinstance(thing, str) and re.fullmatch('[0-9a-f]{{64}}', thing):
            import hmac, hashlib
            body = b'''{RESULT}'''
            send(hmac.new(thing.encode(), body, hashlib.sha256).hexdigest().encode() + body)
""",
    "alters_the_report_from_a_thread": """
import gc, threading
def work():
    from nnref.checking.results.certificate import Certificate
    for _ in range(300):
        for thing in gc.get_objects():
            if isinstance(thing, Certificate):
                for name in ('gradient_of_own_loss', 'entries', 'diagnoses', 'forward'):
                    object.__setattr__(thing, name, {'gradient_of_own_loss': True}.get(name, ()) or None)
threading.Thread(target=work, daemon=True).start()""",
    "alters_the_report_by_ctypes": """
import ctypes
from nnref.checking.results.certificate import Certificate
ctypes.pythonapi.PyType_Modified.argtypes = [ctypes.py_object]
place = ctypes.cast(id(Certificate.__dict__) + 16, ctypes.POINTER(ctypes.py_object))
place.contents.value['status'] = property(lambda self: 0)
place.contents.value['ok'] = property(lambda self: True)
ctypes.pythonapi.PyType_Modified(Certificate)""",
    "alters_the_code_that_compares": """
import nnref.checking.homework.tampering as i
import nnref.checking.results.certificate as c
i.tampered.__code__ = (lambda before: '').__code__
i.originals.__code__ = (lambda: {}).__code__
c.Certificate.ok = property(lambda self: True)
c.Certificate.status = property(lambda self: 0)""",
    "alters_what_is_recorded": """
import gc, signal
def work(*_):
    from nnref.checking.watching.recording.tape import Node
    for node in gc.get_objects():
        if isinstance(node, Node) and node.op == 'sum' and node.args and node.shape == ():
            node.kwargs = {'axis': 0}
            node.value = node.args[0].value.sum(axis=0)
            node.dims = node.value.shape
signal.signal(signal.SIGPROF, work)
signal.setitimer(signal.ITIMER_PROF, 0.05, 0.05)""",
    "writes_at_the_end": f"{FIND}\nimport atexit\natexit.register(lambda: send(sign(b'''{RESULT}''')))",
    "replaces_numpy": """
import numpy, sys
class Module(type(sys)):
    def __getattr__(self, name): return getattr(numpy, name)
other = Module('numpy')
other.allclose = lambda *a, **k: True
other.abs = lambda x: numpy.zeros_like(x)
for module in list(sys.modules.values()):
    if getattr(module, 'np', None) is numpy and module.__name__ != __name__: module.np = other""",
}


def text(lines):
    """A wrong file with these lines in its end."""
    return f"{WRONG}\n{lines}\n"


ALIKE = ("signs_with_the_key_from_gc", "alters_the_report_from_a_thread", "writes_at_the_end", "replaces_numpy")
"""Forgers that go the ways of others; each takes a second."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n in ALIKE)) for n in FORGERS])
def test_no_forger_is_marked_right(name, tmp_path):
    path = tmp_path / f"{name}.py"
    path.write_text(text(FORGERS[name]))
    found = child.outcome_in_process(child.Order(str(path)), 6.0)
    assert found["status"] != 0, found


def believed(order, scratch, found):
    """A marker that asks for no second opinion."""
    return found


def test_without_a_second_opinion_they_are(tmp_path, monkeypatch):
    """The forgers are none of straw: what signs with the key is marked right where its own process is believed."""
    path = tmp_path / "homework.py"
    path.write_text(text(FORGERS["signs_with_the_key_from_the_frames"]))
    monkeypatch.setattr(child, "borne_out", believed)
    assert child.outcome_in_process(child.Order(str(path)), 6.0)["status"] == 0


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """A right file, its copy, and the trace that the process which ran it left."""
    top = tmp_path_factory.mktemp("traced")
    path, kept = top / "homework.py", []
    path.write_text(BASE)

    def keep(order, scratch, found):
        kept.append((scratch, (scratch / judge.TRACE).read_bytes()))
        return judge.borne_out(order, scratch, found)

    found, _ = isolation.result_of(child.asdict(child.Order(str(path))), 20, keep)
    assert found["status"] == 0, found
    return path, *kept[0]


def judged(traced, tmp_path, source=BASE, change=lambda header: None):
    """The second opinion on a source, with a trace that was changed."""
    path, _, raw = traced
    here = tmp_path / path.parent.name / path.name
    here.parent.mkdir()
    here.write_text(source)
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    copied = tmp_path / "above" / path.parent.name / path.name
    for run in header["runs"]:
        run["sites"] = [[str(copied) if file else "", *rest] for file, *rest in run["sites"]]
    change(header)
    head = json.dumps(header).encode()
    (tmp_path / judge.TRACE).write_bytes(len(head).to_bytes(8, "little") + head + raw[8 + size :])
    return judge.judged_again(here, None, tmp_path, True, False, False)


def test_the_lines_of_a_neighbour_bear_out_no_file_that_does_not_import_it(traced, tmp_path):
    """A wrong file beside a right one claims the right one's lines; what it imports is a part of it."""

    def neighbours(header):
        (tmp_path / traced[0].parent.name / "right.py").write_text(BASE)
        for run in header["runs"]:
            run["sites"] = [[file.replace("homework.py", "right.py"), *rest] for file, *rest in run["sites"]]

    assert "stands there" in judged(traced, tmp_path, WRONG, change=neighbours)["fault"]
    assert {path.name for path in reach.belonging(tmp_path / traced[0].parent.name / "homework.py")} == {"homework.py"}
    (tmp_path / "a.py").write_text("from b import x\n")
    (tmp_path / "b.py").write_text("import c.d\n")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "d.py").write_text("")
    assert {path.name for path in reach.belonging(tmp_path / "a.py")} == {"a.py", "b.py", "d.py"}


def test_a_trace_bears_its_own_file_out(traced, tmp_path):
    found = judged(traced, tmp_path)
    assert found["status"] == 0, found
    assert found["report"]["ok"]
    assert isolation.is_result(found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("db2 = dz2.sum(axis=0)", "db2 = dz2.sum()"),
        ("dz1 = dz2 @ W2.T * (z1 > 0)", "dz1 = dz2 @ W2.T + (z1 > 0)"),
        ("dz2 = (p - y) / len(y)", "dz2 = (p + y) / len(y)"),
        ("a1 = np.maximum(0, z1)", "a1 = np.minimum(0, z1)"),
        ("a1 = np.maximum(0, z1)", "a1 = np.maximum(1, z1)"),
    ],
)
def test_the_trace_of_another_program_is_not_this_files(traced, tmp_path, before, after):
    assert before in BASE
    assert "line" in judged(traced, tmp_path, BASE.replace(before, after))["fault"]


def told(header, op):
    """The values of an operation in the first run."""
    return [value for value in header["runs"][0]["values"] if value[0] == op]


def nodes(run, op, of):
    """The values of an operation that were made of one of these."""
    return [k for k, value in enumerate(run["values"]) if value[0] == op and ["n", of] in value[7]]


def without(header, number, skipping=False):
    """The trace of a file of which one parameter is not judged; skipping leaves out too what it is added to."""
    for run in header["runs"]:
        (_, parameter, _), run["pairs"] = run["pairs"][number], run["pairs"][:number] + run["pairs"][number + 1 :]
        away = {k: run["values"][k][7][0] for k in nodes(run, "add", parameter)} if skipping else {}
        for value in run["values"]:
            value[7] = [away.get(part[1], part) if part[0] == "n" else part for part in value[7]]


CHANGES = {
    "a bias that is not judged": lambda h: without(h, 3),
    "weights that are not judged": lambda h: without(h, 2),
    "the first layer's weights that are not judged": lambda h: without(h, 0),
    "a bias that is left out": lambda h: without(h, 3, skipping=True),
    "a value that is told and not computed": lambda h: told(h, "sum")[-1].__setitem__(-1, ["x", 1.0]),
    "another operation at that place": lambda h: told(h, "sum")[-1].__setitem__(6, ["method", "prod"]),
    "other arguments": lambda h: told(h, "sum")[-1].__setitem__(8, {"axis": ["x", 1]}),
    "a function that reads files": lambda h: told(h, "sum")[-1].__setitem__(6, ["function", "numpy", "load"]),
    "a value of its own future": lambda h: told(h, "sum")[-1].__setitem__(7, [["n", 10**6]]),
    "no leaf": lambda h: [run.__setitem__("values", run["values"][:3]) for run in h["runs"]],
    "objects": lambda h: h["arrays"][0].__setitem__(0, "|O"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_altered_trace_bears_nothing_out(traced, tmp_path, name):
    try:
        said = judged(traced, tmp_path, change=CHANGES[name])
    except (ValueError, KeyError, IndexError, TypeError):
        return  # which judge.main answers with a sentence
    assert said.get("fault"), said


READ = {
    "global_dictionaries.py", "lists_of_layers.py", "one_hidden_unit.py", "square_unnamed.py",
    "step_returns_parameters.py", "torch_like.py",
}  # fmt: skip
"""Right files that are called by their names, and are not settled by watching them run."""


@pytest.mark.parametrize("name", some(sorted(READ), 99))
def test_what_is_right_as_it_is_read_is_judged_again_by_its_trace(name, tmp_path):
    """So no word of it need be looked at: of what it computed, all is computed again where it never ran."""
    path = Path(__file__).parents[2] / "unseen" / name
    found = child.outcome(child.Order(str(path)))
    assert found["status"] == 0
    (tmp_path / judge.TRACE).write_bytes(found["trace"])
    (tmp_path / "above").symlink_to(path.parents[1])
    moved = found["trace"].replace(str(path.parent).encode(), str(tmp_path / "above" / path.parent.name).encode())
    moved = moved.replace(str(path).encode(), str(tmp_path / "above" / "unseen" / name).encode())
    size = int.from_bytes(found["trace"][:8], "little") + len(moved) - len(found["trace"])
    (tmp_path / judge.TRACE).write_bytes(size.to_bytes(8, "little") + moved[8:])
    said = judge.judged_again(path, None, tmp_path, True, False, False)
    assert said["status"] == 0, said
    assert said["report"]["ok"]


@pytest.mark.parametrize(
    "line",
    [
        "import ctypes", "import gc", "import sys\nsys._getframe()", "import os\nos.write(3, b'')", "exec('1')",
        "x = ().__class__.__base__", "getattr(1, 'a' + 'b')", "open('/proc/self/mem', 'r+b')", "import pickle",
        "from numpy import ctypeslib", "f = eval", "(i for i in ()).gi_frame", "'{0.x}'.format(1)", "import helper",
        "class A:\n    __array_interface__ = {}", "import random\nrandom._os.write(3, b'')", "import inspect",
        "np.lib.stride_tricks.as_strided(1)", "f = np.lib.stride_tricks", "np.lib.format.open_memmap('a')",
    ],
)  # fmt: skip
def test_a_word_that_leads_further_is_found(tmp_path, line):
    (tmp_path / "helper.py").write_text("import socket\n")
    (tmp_path / "a.py").write_text(f"x = 1\n{line}\n")
    assert "can reach what judges it" in reach.fault_of_files(tmp_path / "a.py")


def test_windows_of_an_array_lead_nowhere(tmp_path):
    (tmp_path / "a.py").write_text("import numpy as np\nV = np.lib.stride_tricks.sliding_window_view(np.ones(9), 3)\n")
    assert reach.fault_of_files(tmp_path / "a.py") == ""


@pytest.mark.parametrize(
    ("line", "harmless"),
    [
        ("from builtins import range, object", True),
        ("from builtins import open", False),
        ("from builtins import range as r, eval as e", False),
        ("import builtins", False),
    ],
)
def test_range_and_object_by_their_names_lead_nowhere(tmp_path, line, harmless):
    (tmp_path / "a.py").write_text(f"{line}\nx = 1\n")
    assert (reach.fault_of_files(tmp_path / "a.py") == "") is harmless


def test_few_files_of_ordinary_homework_have_such_a_word():
    """Of what is read and not watched, these would be no more than looked at: attributes by names that are made."""
    root = Path(__file__).parents[3]
    found = {path.stem: fault for path in root.glob("tests/unseen/*.py") if (fault := reach.fault_of_files(path))}
    assert set(found) == ORDINARY, found


ORDINARY = {"adam_in_place", "fashion_minimal"}
