"""Does everything that is promised of a system without fork, fcntl, resource and POSIX' own signals happen there?

A process is made to lack them, and with it every process that it starts.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nnref
from nnref.checking.homework import confinement
from tests.kills import blobs
from tests.support.homework import BASE

LACKING = """
import os, signal, socket, sys
for name in "fork forkpty setsid killpg getuid getgid register_at_fork nice getppid mkfifo".split():
    if hasattr(os, name): delattr(os, name)
for name in "SIGHUP SIGVTALRM SIGPROF SIGXCPU SIGALRM setitimer ITIMER_VIRTUAL alarm pthread_kill".split():
    if hasattr(signal, name): delattr(signal, name)
for name in "send_fds recv_fds AF_UNIX".split():
    if hasattr(socket, name): delattr(socket, name)
for name in "fcntl resource pwd grp termios".split():
    sys.modules[name] = None
"""
"""What Windows has not, but for what Python's own subprocess needs here."""


@pytest.fixture
def elsewhere(tmp_path):
    """Run Python on such a system: its exit status, stdout and stderr."""
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "sitecustomize.py").write_text(LACKING)

    def run(*arguments):
        search = os.pathsep.join([str(tmp_path / "lacking"), str(Path(nnref.__file__).parents[1])])
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": search},
            cwd=tmp_path,
            timeout=120,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_homework_is_judged_in_a_process_that_is_started(elsewhere, tmp_path):
    """The file ends its process where that could fork: it runs on such a system too."""
    (tmp_path / "right.py").write_text("import os\nif hasattr(os, 'fork'): os._exit(9)\n" + BASE)
    status, out, err = elsewhere("-m", "nnref", "check", tmp_path / "right.py")
    assert (status, err) == (0, "")
    assert out.endswith("exit 0\n")


def test_a_sandbox_is_refused(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "fork")
    with pytest.raises(OSError, match="--sandbox needs user namespaces"):
        confinement.confined(tmp_path, 1.0, True, lambda: None)


def test_a_run_is_saved_and_resumed_to_the_same_bits(elsewhere, tmp_path):
    program = """
import sys, nnref
from tests.kills import blobs
for epochs, resume in ((1, False), (2, True)):
    run = nnref.train(blobs(), nnref.mlp([6, 7, 3]), epochs=epochs, batch_size=8, progress=False, gate=False,
                      checkpoint="run.npz" if sys.argv[1:] else None, resume=resume)
print(run.parameters_sha256)
"""
    status, out, err = elsewhere("-W", "ignore", "-c", program, "saved")
    assert (status, err) == (0, "")
    with pytest.warns(UserWarning, match="not checked"):
        whole = nnref.train(blobs(), nnref.mlp([6, 7, 3]), epochs=2, batch_size=8, progress=False, gate=False)
    assert out.strip() == whole.parameters_sha256
