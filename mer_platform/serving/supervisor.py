"""A honcho manager that leaves no process behind: on Ctrl-C, a closed terminal, a crash, or when it is killed itself.

It does not depend on Django or on what the processes do.
"""

import contextlib
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from honcho import manager
from honcho.manager import Manager
from honcho.printer import Printer
from honcho.process import Popen, Process

STOP_SECONDS = 8.0  # the web process takes up to three for requests that run, and longer on a busy machine
manager.KILL_WAIT = STOP_SECONDS  # after the first process has ended
ASKED_TO_STOP = (130, 143)  # honcho's Manager.returncode after SIGINT and SIGTERM


class Terminal:
    """Standard output that ignores a closed terminal, which must not keep the supervisor from ending its processes."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()

    def isatty(self) -> bool:
        return sys.stdout.isatty()


class GroupPopen(Popen):
    """A process whose whole group ends with it, and with the supervisor."""

    def __init__(self, command: str, **options: Any) -> None:
        super().__init__(command, **options)
        self._supervisor = os.getppid()
        threading.Thread(target=self._end_group_with_leader, daemon=True).start()
        threading.Thread(target=self._end_group_with_supervisor, daemon=True).start()

    def _end_group_with_leader(self) -> None:
        # A worker that is killed leaves pool processes, which would continue and hold the pipe open.
        self.wait()
        signal_group(self.pid, signal.SIGKILL)

    def _end_group_with_supervisor(self) -> None:
        while os.getppid() == self._supervisor:
            time.sleep(1)
        signal_group(self.pid, signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        signal_group(self.pid, signal.SIGKILL)


class GroupProcess(Process):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._child_ctor = GroupPopen


class Supervisor(Manager):
    """Runs processes until one of them ends or a signal arrives, then ends them all.

    ``on_started`` is called once, in a thread, when the processes have been started. After ``loop()``, ``ended_by_itself``
    names the process that stopped without being asked to, or is None.
    """

    def __init__(self, on_started: Callable[[], None]) -> None:
        super().__init__(Printer(Terminal()))
        self._process_ctor = GroupProcess
        self._on_started = on_started
        self.ended_by_itself: str | None = None

    def loop(self) -> None:
        signal.signal(signal.SIGHUP, _stop_like_sigterm)
        super().loop()

    def _start(self) -> None:
        super()._start()
        # Not earlier: a process forked while another thread runs may inherit a lock that is never released.
        threading.Thread(target=self._on_started, daemon=True).start()

    def terminate(self) -> None:
        """End all processes, by force after ``STOP_SECONDS``."""
        if not self._all_started():
            # honcho can only stop a process whose start it has noted: try again in a moment.
            _later(0.1, self.terminate)
            return
        if not self._terminating:
            if self.returncode not in ASKED_TO_STOP:
                self.ended_by_itself = next(n for n, p in self._processes.items() if "returncode" in p)
            _later(STOP_SECONDS, self.kill)
        super().terminate()


def signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def interrupted_make(parent: int) -> Callable[[], bool]:
    """Return a function that returns whether the ``make`` that started this process wants to end.

    GNU make passes SIGTERM on to its children, but on SIGINT and SIGHUP it waits for them, because a terminal sends these
    signals to all processes; ``kill`` does not. In /proc it shows that make has removed its handlers. On systems without
    /proc, or without make, the function returns False.
    """
    if _read(f"/proc/{parent}/comm").strip() not in ("make", "gmake"):
        return lambda: False
    handled = _handled_signals(parent)
    return lambda: os.getppid() != parent or _handled_signals(parent) != handled


def _handled_signals(pid: int) -> int:
    """Return which of SIGINT, SIGQUIT and SIGHUP a process has a handler for, as the bits of /proc/…/status."""
    found = re.search(r"^SigCgt:\s*([0-9a-f]+)$", _read(f"/proc/{pid}/status"), re.MULTILINE)
    mask = sum(1 << (number - 1) for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP))
    return int(found[1], 16) & mask if found else 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _later(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


def _stop_like_sigterm(number: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
