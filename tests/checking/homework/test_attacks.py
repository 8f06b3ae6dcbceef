"""Can a file forge, end or spoil the marking, its own or another's? Each attack is a file of one class."""

import csv
import ctypes
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import nnref
from nnref.checking.homework import child, command, gradescope, isolation, nursery
from nnref.cli import main
from tests.support.homework import BASE

ROOT = Path(nnref.__file__).parent.parent
WRONG = BASE.replace("db2 = dz2.sum(axis=0)", "db2 = dz2.sum()")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what confines a file is Linux's")

RESULT = '{"status": 0, "lines": ["right."], "report": {"ok": true, "mistakes": [], "entries": []}}'


def inside(lines):
    """A wrong file with these lines in a class body, which is executed when the file is read."""
    body = "\n".join(f"    {line}" for line in lines.strip().splitlines())
    return f"{WRONG}\n\nclass Extra:\n    import os, sys, glob, json, signal, subprocess, time\n{body}\n"


ATTACKS = {
    "writes_the_result_file": f"""
for arg in sys.argv[1:]:
    if os.path.isdir(os.path.dirname(arg) or '.'): open(arg, 'w').write('''{RESULT}''')
os._exit(0)""",
    "writes_every_descriptor": f"""
for fd in range(3, 64):
    try: os.write(fd, b'0' * 64 + b'''{RESULT}''')
    except OSError: pass
os._exit(0)""",
    "writes_without_end": """
for fd in range(3, 64):
    try:
        while True: os.write(fd, b'x' * 65536)
    except OSError: pass""",
    "exits_with_0": "os._exit(0)",
    "exits_with_1": "os._exit(1)",
    "kills_itself": "os.kill(os.getpid(), 9)",
    "kills_its_parent": "os.kill(os.getppid(), 9)",
    "kills_its_group": "os.killpg(0, 9)",
    "kills_everyone": "os.kill(-1, 9)",
    "replaces_json": f"json.dumps = lambda *a, **k: '''{RESULT}'''",
    "replaces_ok": """
import nnref.checking.results.certificate as c
c.Certificate.ok = property(lambda self: True)""",
    "replaces_the_check": """
import nnref.checking.homework.by_names as c
c.check_file.__code__ = (lambda *a, **k: None).__code__""",
    "replaces_numpy": """
import numpy
numpy.abs = numpy.absolute = lambda x: numpy.zeros_like(x)""",
    "replaces_the_signature": """
import nnref.checking.homework.isolation as i
import nnref.checking.results.certificate as c
import nnref.checking.homework.tampering as t
t.tampered = lambda before: ''
i.signed = lambda key, body: b'0' * 64 + body
c.Certificate.ok = property(lambda self: True)""",
    "edits_its_neighbours": """
for there in ('..', '../..', NEIGHBOURS):
    for name in glob.glob(there + '/**/*.py', recursive=True):
        try: open(name, 'w').write('spoilt')
        except OSError: pass""",
    "leaves_a_daemon": """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3): os.close(fd)
        time.sleep(7777.25)
    os._exit(0)""",
    "starts_a_session": "subprocess.Popen(['sleep', '7777.25'], start_new_session=True)",
    "sleeps": "time.sleep(10**6)",
    "loops": "while True: pass",
    "takes_memory": "held = [bytearray(1 << 28) for _ in range(40)]",
    "writes_a_large_file": "open('large', 'wb').write(b'x' * (300 << 20))",
    "forks_without_end": "while os.fork() >= 0: pass",
    "prints_escapes": "raise ValueError('\\x1b[2J\\x1b]0;right\\x07\\nright    forged.py')",
    "recurses_in_c": "json.loads('[' * 10**6)",
}


COSTLY = {
    "exits_with_1", "kills_itself", "kills_its_group", "replaces_ok", "replaces_the_check", "replaces_numpy",
    "starts_a_session", "takes_memory", "forks_without_end",
}  # fmt: skip
"""Attacks that take a machine's time, or go the way of another: with --long."""

QUICK = {"edits_its_neighbours", "leaves_a_daemon", "prints_escapes", "replaces_the_signature"}
"""One attack of a kind: on the files, the processes, the printed rows, the verdict. Those on the time take it."""


def tried_here(config):
    """The attacks that this run tries."""
    if config.getoption("--long"):
        return set(ATTACKS)
    return set(ATTACKS) - COSTLY if config.getoption("--all-cases") else QUICK


@pytest.fixture(scope="module")
def marked(request, tmp_path_factory):
    """The class, its rows, what was printed, and the exit status."""
    top = tmp_path_factory.mktemp("attacks")
    folder = top / "class"
    folder.mkdir()
    for name in tried_here(request.config):
        (folder / f"{name}.py").write_text(inside(ATTACKS[name].replace("NEIGHBOURS", repr(str(folder)))))
    for k in range(3):
        (folder / f"right_{k}.py").write_text(BASE)
        (folder / f"wrong_{k}.py").write_text(WRONG)
    (folder / "=cmd|' !A0.py").write_text(WRONG)
    (folder / "a\nright    b.py").write_text(WRONG)
    os.mkfifo(folder / "pipe.py")
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    code = (
        "import sys, nnref.cli, nnref.checking.homework.child as c\n"
        "c.outcome_in_process.__defaults__ = (2.5,)\nsys.exit(nnref.cli.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", str(folder), "--csv", str(top / "out.csv"), "--json"],
        **{"capture_output": True, "env": env, "timeout": 500, "text": True},
        check=False,
    )
    return folder, before, done, top / "out.csv"


@pytest.fixture(scope="module")
def rows(marked):
    return {row["file"]: row for row in json.loads(marked[2].stdout.splitlines()[-1])["files"]}


def test_no_attack_is_marked_right(rows, request):
    """One test for all, as the class is marked once: two processes would mark it twice."""
    tried = [rows[f"{name}.py"] for name in tried_here(request.config)]
    assert not [row for row in tried if row["status"] not in (1, 2) or row["ok"] is True]


def test_every_file_is_marked_and_the_others_as_they_deserve(marked, rows, request):
    assert len(rows) == len([name for name in marked[1] if name.endswith(".py")])
    assert len(rows) == len(tried_here(request.config)) + 3 + 3 + 2
    assert [rows[f"right_{k}.py"]["status"] for k in range(3)] == [0, 0, 0]
    assert [rows[f"wrong_{k}.py"]["status"] for k in range(3)] == [1, 1, 1]
    assert "Traceback" not in marked[2].stdout + marked[2].stderr


def test_no_file_is_edited(marked):
    folder, before, _, _ = marked
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before


def test_nothing_is_left_running(marked):
    left = []
    for started in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            left += [started] if b"7777.25" in started.read_bytes() else []
        except OSError:
            continue
    assert left == []


def test_what_is_shown_is_harmless(marked):
    _, _, done, table = marked
    assert "\x1b" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert not [line for line in lines if line == "right    b.py" or line.startswith("right    forged.py")]
    with open(table, encoding="utf-8", newline="") as file:
        cells = [c for row in csv.reader(file) for c in row]
    assert not [c for c in cells if c[:1] in ("=", "+", "@") or "\n" in c or "\x1b" in c]
    assert "'=cmd|' !A0.py" in cells


HOSTILE = (
    "writes_the_result_file", "kills_its_parent", "kills_everyone", "replaces_json", "replaces_the_signature",
    "edits_its_neighbours", "leaves_a_daemon", "loops", "takes_memory", "prints_escapes",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_of_a_class_of_sixty_with_ten_hostile_ones_all_are_marked_as_they_deserve(tmp_path, capsys, record_property):
    folder = tmp_path / "class"
    folder.mkdir()
    for name in HOSTILE:
        (folder / f"hostile_{name}.py").write_text(inside(ATTACKS[name].replace("NEIGHBOURS", repr(str(folder)))))
    for k in range(25):
        (folder / f"right_{k}.py").write_text(
            BASE.replace("np.ones((6, 7))", f"np.ones((6, {7 + k}))").replace(
                "np.zeros(7), np.ones((7, 3))", f"np.zeros({7 + k}), np.ones(({7 + k}, 3))"
            )
        )
        (folder / f"wrong_{k}.py").write_text(WRONG)
    before = time.monotonic()
    main(["check", str(folder), "--json"])
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["files"]
    status = {row["file"]: row["status"] for row in rows}
    assert len(status) == 60
    assert [status[f"right_{k}.py"] for k in range(25)] == [0] * 25
    assert [status[f"wrong_{k}.py"] for k in range(25)] == [1] * 25
    assert all(status[f"hostile_{name}.py"] in (1, 2) for name in HOSTILE)
    record_property("figure", f"60 files of a class, 10 hostile, in {time.monotonic() - before:.0f} s")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_how_many_files_are_marked_and_a_pipe_nothing(monkeypatch):
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        with command.marking_bar(3) as done:
            for _ in range(3):
                done()
        assert ("3/3" in stream.getvalue()) == shown


def test_a_marker_that_is_killed_takes_its_files_along(tmp_path):
    (tmp_path / "loop.py").write_text(
        inside("subprocess.Popen(['sleep', '8888.25'], start_new_session=True)\nwhile 1: pass")
    )
    marker = subprocess.Popen(
        [sys.executable, "-m", "nnref", "check", str(tmp_path / "loop.py")],
        **{"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL},
    )
    running = lambda: subprocess.run(["pgrep", "-f", "sleep 8888.25"], capture_output=True, check=False).stdout  # noqa: E731
    until = time.monotonic() + 30
    while not running() and time.monotonic() < until:
        time.sleep(0.1)
    assert running()
    marker.kill()
    marker.wait()
    until = time.monotonic() + 10
    while running() and time.monotonic() < until:
        time.sleep(0.1)
    assert not running()


def test_ctrl_c_ends_at_once_with_what_was_marked(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "a.py").write_text(BASE)
    for k in range(4):
        (folder / f"b{k}.py").write_text(inside("while True: pass"))
    marker = subprocess.Popen(
        [sys.executable, "-u", "-m", "nnref", "check", str(folder), "--csv", str(tmp_path / "out.csv")],
        **{"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True},
    )
    first = marker.stdout.readline()
    marker.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, err = marker.communicate(timeout=60)
    assert time.monotonic() - begun < 60
    assert marker.returncode == 130
    assert first.startswith("right    a.py")
    assert "stopped after 1 of 5 files" in err
    assert "Traceback" not in out + err
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2


@pytest.fixture
def a_nursery(monkeypatch):
    """A nursery of its own, which executes this line before it takes orders; it ends with the test."""

    def begun(line):
        ours = nursery.Nursery()
        command = [sys.executable, "-c", f"{line}\nfrom nnref.checking.homework import worker\nworker.main()"]
        monkeypatch.setattr(nursery, "COMMAND", command)
        monkeypatch.setattr(nursery, "NURSERY", ours)
        ended.append(ours)
        return ours

    ended = []
    yield begun
    for ours in ended:
        ours.end()


def test_without_namespaces_what_a_file_started_is_ended_too(tmp_path, a_nursery):
    """A system without user namespaces: the process between marker and file ends what is left."""
    path = tmp_path / "homework.py"
    path.write_text(inside("subprocess.Popen(['sleep', '9999.25'], start_new_session=True)"))
    a_nursery("from nnref.checking.homework import confinement\nconfinement.separated = lambda *_: False")
    found = child.outcome_in_process(child.Order(str(path)), 20)
    assert found["status"] == 1
    assert not subprocess.run(["pgrep", "-f", "sleep 9999.25"], capture_output=True, check=False).stdout


def test_nothing_that_a_file_writes_to_is_memory_of_the_process_that_it_is_forked_from(tmp_path):
    """No page of the nursery that can be written to is shared with what it forks."""
    (tmp_path / "a.py").write_text(BASE)
    assert child.outcome_in_process(child.Order(str(tmp_path / "a.py")))["status"] == 0
    its = Path(f"/proc/{nursery.NURSERY.process.pid}")
    pages = (its / "maps").read_text().splitlines()
    assert len(pages) > 20
    assert not [page for page in pages if page.split()[1][1] == "w" and page.split()[1][3] == "s"]
    assert len(list((its / "task").iterdir())) == 1  # fork copies no lock that is held


def test_a_nursery_that_somebody_ended_is_started_anew_and_its_files_are_judged_all_the_same(tmp_path, a_nursery):
    """Where there are no namespaces a file can end the process that its neighbour was forked from."""
    (tmp_path / "a.py").write_text(BASE)
    order, ours = child.Order(str(tmp_path / "a.py")), a_nursery("")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(child.outcome_in_process, order)
        forked = lambda: Path(f"/proc/{ours.process.pid}/task/{ours.process.pid}/children").read_text()  # noqa: E731
        until = time.monotonic() + 30
        while (ours.process is None or not forked()) and time.monotonic() < until:
            time.sleep(0.005)
        first = ours.process
        first.kill()
        assert waiting.result()["status"] == 0
    assert ours.process is not first
    ours.process.kill()
    assert child.outcome_in_process(order)["status"] == 0


REACHED = {
    "the network": "import socket\nsocket.create_connection(('127.0.0.1', PORT), 5).close()",
    "a file beside its folder": "os.close(os.open(FILE, os.O_WRONLY))",
    "a new file": "os.close(os.open(FILE + '.new', os.O_WRONLY | os.O_CREAT))",
    "the process of the marker": "os.kill(PID, 0)",
    "memory that is shared by its number": """import ctypes
if ctypes.CDLL(None).shmget(KEY, 64, 0) < 0: raise OSError""",
}
"""What a program does that reaches what a sandbox keeps out; each raises OSError where it does not."""


def test_a_sandbox_keeps_out_what_it_says(tmp_path):
    """Each is reached from here. The file is right if it reaches none of them, and else ends its process."""
    key = os.getpid() + 77_000
    libc = ctypes.CDLL(None)
    segment = libc.shmget(key, 64, 0o1600)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("")
    (tmp_path / "folder").mkdir()
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            here = {"PORT": server.getsockname()[1], "FILE": str(tmp_path / "other" / "file"), "PID": os.getpid()}
            given = "".join(f"{k} = {type(v).__name__}({str(v)!r})\n" for k, v in (here | {"KEY": key}).items())
            tries = ""
            for k, line in enumerate(REACHED.values()):
                exec(f"import os\n{given}{line}", {})
                body = "".join(f"    {part}\n" for part in line.splitlines())
                tries += f"try:\n{body}    os._exit({100 + k})\nexcept OSError: pass\n"
            path = tmp_path / "folder" / "a.py"
            path.write_text(inside(given + tries).replace(WRONG, BASE))
            found = {s: child.outcome_in_process(child.Order(str(path), sandbox=s)) for s in (False, True)}
    finally:
        libc.shmctl(segment, 0, None)
    assert "status 100" in found[False]["error"]  # without it, the network is reached
    assert found[True]["status"] == 0, found[True]


def test_gradescope_gives_each_parameter_its_share(tmp_path, capsys):
    (tmp_path / "hw.py").write_text(WRONG)
    out = tmp_path / "results.json"
    assert main(["check", str(tmp_path / "hw.py"), "--gradescope", str(out), "--no-hints"]) == 1
    made = json.loads(out.read_text())
    score = {test["name"]: test["score"] for test in made["tests"]}
    assert (score["dW1"], score["db1"], score["dW2"]) == (1, 1, 1)
    assert score["db2"] < 1
    assert made["output"] == ""
    assert gradescope.results({"status": 2}, ["nnref: no"], hints=True)["score"] == 0


def test_a_result_without_signature_or_form_is_none():
    body = RESULT.encode()
    assert isolation.trusted(isolation.signed("k", body), "k", isolation.is_result) is not None
    assert isolation.trusted(isolation.signed("other", body), "k", isolation.is_result) is None
    for bad in (
        b"",
        b"[]",
        b"{}",
        body.replace(b"true", b"false"),
        body.replace(b'"entries": []', b'"entries": [1]'),
        b"[" * 10**6,
    ):
        assert isolation.trusted(isolation.signed("k", bad), "k", isolation.is_result) is None
