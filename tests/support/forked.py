"""A command of nnref in a process that is forked from this one: what it imports is there already."""

import os
import signal
import sys
import tempfile
import time
import traceback

from nnref import cli


class Forked:
    """A command that runs, its output in files; None for stdout or stderr closes it, and a number is a descriptor."""

    def __init__(self, arguments, stdout="file", stderr="file", before=lambda: None):
        self.files = {number: tempfile.TemporaryFile() for number in (1, 2)}  # noqa: SIM115  open as long as this is
        self.ended = None
        self.pid = os.fork()
        if self.pid:
            return
        try:
            for number, stream in ((1, stdout), (2, stderr)):
                if stream is None:
                    os.close(number)
                else:
                    os.dup2(self.files[number].fileno() if stream == "file" else stream, number)
            sys.stdin = None
            sys.stdout, sys.stderr = (opened(number) for number in (1, 2))
            signal.signal(signal.SIGINT, signal.default_int_handler)
            before()
            status = cli.main(arguments)
        except SystemExit as end:
            status = end.code
        except BaseException:
            traceback.print_exc()
            status = 70
        os._exit(status or 0)

    def send(self, number):
        """Send a signal."""
        os.kill(self.pid, number)

    def end(self, seconds=120):
        """Exit status, stdout and stderr; the process is killed after so many seconds."""
        until = time.monotonic() + seconds
        while self.ended is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.ended = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.002)
        return self.ended, *map(self.text, (1, 2))

    def text(self, number):
        """What was written."""
        self.files[number].seek(0)
        return self.files[number].read().decode(errors="replace")


def opened(number):
    """A text stream of a descriptor, None where that is closed."""
    try:
        os.fstat(number)
    except OSError:
        return None
    return open(number, "w", encoding="utf-8", closefd=False)
