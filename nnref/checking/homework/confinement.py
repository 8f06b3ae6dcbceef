"""What a file may not do to the machine it is marked on: namespaces, limits, and an end for all that it starts.

Linux alone has all of it. Three processes stand between the marker and a file: the first makes the namespaces, the
second is the first process in them, with which the kernel ends every other, and the third runs the file.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

MEMORY = 2 << 30
"""Bytes of memory that a file may take, not counting address space that libraries reserve and do not use."""

FILE_SIZE = 256 << 20
"""Bytes that a file may write into one file."""

PROCESSES = 512
"""Processes and threads at once, counted where the file has a user namespace of its own."""

TOO_LONG, ASLEEP = 124, 125
"""Exit status where the CPU time was used up, and where a file slept."""

AWAKE = 0.01
"""Share of a processor below which a process counts as asleep; even among a hundred busy ones it gets that much."""

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
CLONE_NEWNET, CLONE_NEWIPC = 0x40000000, 0x8000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, RDONLY = 442, -100, 0x8000, 1
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def confined(writable: Path, seconds: float, sandbox: bool, file: Callable[[], None], *lifeline: int) -> int:
    """Run a file in processes of its own that can write in one folder alone; the exit status of the one it ran in.

    The status is TOO_LONG or ASLEEP if it had to be ended. Everything that it started has ended when this returns. A
    lifeline is a descriptor that becomes readable when the marker closes its side; the file is then ended too.
    Errors: OSError with sandbox, where the system has no namespaces for us.
    """
    if not hasattr(os, "fork"):
        if sandbox:
            raise OSError("--sandbox needs user namespaces, which are Linux's")
        file()
        return 0
    apart = sys.platform == "linux" and separated(writable, sandbox)
    first = os.fork()
    if not first:
        dies_with_parent(signal.SIGKILL if apart else signal.SIGTERM)
        os._exit(supervised(seconds, apart, file, lifeline))
    return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])


def separated(writable: Path, sandbox: bool) -> bool:
    """Give this process' children their own users, processes and view of the disk; whether that was possible.

    The disk can be read as before, and written in one folder alone. A sandbox has neither the network nor the shared
    memory of the others either. A socket that is a file, such as a display's, can still be spoken to.
    """
    libc, uid, gid = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    try:
        refuse_if_failed(
            libc.unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | (CLONE_NEWNET | CLONE_NEWIPC if sandbox else 0))
        )
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        refuse_if_failed(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
        place = os.fsencode(writable)
        refuse_if_failed(libc.mount(place, place, None, MS_BIND, None))
        change_mount(libc, b"/", AT_RECURSIVE, struct.pack("4Q", RDONLY, 0, 0, 0))
        change_mount(libc, place, 0, struct.pack("4Q", 0, RDONLY, 0, 0))
    except OSError as error:
        if sandbox:
            raise OSError(
                f"--sandbox needs user namespaces, which are not to be had here ({error.strerror})"
            ) from error
        return False
    return True


def refuse_if_failed(answer: int) -> None:
    """Raise what the system says if a call failed."""
    if answer:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def change_mount(libc: ctypes.CDLL, path: bytes, flags: int, attributes: bytes) -> None:
    """Change what may be done in a mounted folder."""
    refuse_if_failed(libc.syscall(MOUNT_SETATTR, AT_FDCWD, path, flags, attributes, len(attributes)))


def dies_with_parent(number: int) -> None:
    """Have the kernel send this process a signal when its parent ends, SIGKILL included."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def supervised(seconds: float, apart: bool, file: Callable[[], None], lifeline: Sequence[int]) -> int:
    """Run the file in a child, end it when its time is up, and then all that it left; its exit status."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what the file's processes leave comes to us
    signal.signal(signal.SIGTERM, ended_by_signal)
    child = os.fork()
    if not child:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        dies_with_parent(signal.SIGKILL)
        limited(seconds, apart)
        file()
        os._exit(0)
    status = watched(child, seconds, lifeline)
    if not apart:  # else the kernel ends all processes of the namespace with this one
        end_children()
    return status


def ended_by_signal(number: int, frame: object) -> None:
    """The marker is gone: end all that the file started, and this process."""
    end_children()
    os._exit(128 + number)


def limited(seconds: float, apart: bool) -> None:
    """Bound memory, the size of files, processor time, and processes, for this process and all that it starts."""
    import resource

    spent = int(sum(os.times()[:2]) + seconds) + 1
    limits = {resource.RLIMIT_DATA: MEMORY, resource.RLIMIT_FSIZE: FILE_SIZE, resource.RLIMIT_CORE: 0}
    limits |= {resource.RLIMIT_CPU: spent} | ({resource.RLIMIT_NPROC: PROCESSES} if apart else {})
    for which, bound in limits.items():
        hard = resource.getrlimit(which)[1]
        most = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(which, (most, most))


def watched(child: int, seconds: float, lifeline: Sequence[int]) -> int:
    """Wait for a child, and end it once it has used `seconds` of processor time, or has been asleep for as long."""
    clock = (~child << 3) | 2  # the processor time of a process, by Linux's number for its clock
    begun = processor_time(clock)
    since, at = time.monotonic(), 0.0
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return TOO_LONG if code == -signal.SIGXCPU else code if code >= 0 else 128 - code
        spent, now = processor_time(clock) - begun, time.monotonic()
        asleep = now - since >= seconds
        if spent - at > AWAKE * seconds:
            since, at, asleep = now, spent, False
        let_go = bool(select.select(lifeline, (), (), 0.01)[0])
        if spent >= seconds or asleep or let_go:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return TOO_LONG if spent >= seconds else ASLEEP


def processor_time(clock: int) -> float:
    """The processor time of another process in seconds; wall-clock time where the system does not tell."""
    try:
        return time.clock_gettime(clock)
    except (OSError, AttributeError):
        return time.monotonic()


def end_children() -> None:
    """End all processes that are left, in rounds: when a parent ends, its children become this process's own."""
    while True:
        listed = Path(f"/proc/self/task/{os.getpid()}/children")
        for pid in listed.read_text().split() if listed.exists() else ():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            os.waitpid(-1, 0 if listed.exists() else os.WNOHANG)
        except ChildProcessError:
            return
