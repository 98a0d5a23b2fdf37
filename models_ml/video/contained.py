"""Ingest in a process of its own, with limits on its memory, processor time and output.

A file can make a decoder allocate, compute or write without end, or crash it. The decoder process is started at the first
clip and kept for the next ones, so that no clip waits for a start (0.5 s). The kernel enforces the limits. What a limit or
a crash ends is the decoder, never the caller.
"""

import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, NoReturn

from models_ml.errors import InputError
from models_ml.outages import outage
from models_ml.video.frames import Limits

_PROGRESS_SECONDS = 0.5  # between two reports of a decoder, and between two looks at the clock
_IDLE_SECONDS = 600  # after which a decoder ends by itself
# A decoder that waits for a disk uses no processor time: it may take this long, and so many times its processor time.
_WALL_SECONDS, _WALL_FACTOR = 60, 10
# Processor time for a clip, in proportion to what it declares or has decoded so far. The slowest sound clips, images with
# 16 bits per value, are decoded at 20 million pixels per second.
_START_SECONDS, _PIXELS_PER_SECOND = 60, 4_000_000

LimitName = Literal["memory", "seconds", "output"]


@dataclass(frozen=True)
class ProcessLimits:
    """What one decoder process may use for one clip.

    Attributes
    ----------
    memory
        In bytes, in addition to what the process itself needs.
    seconds
        Processor time. A clip of few pixels may use less: 60 s, and 1 s for every 4 million pixels.
    output
        Size of the frame pack in bytes.
    """

    memory: int = 2**30
    seconds: float = 300
    output: int = 16 * 2**30


class LimitExceeded(InputError):
    """A clip needs more than a decoder may use; ``limit`` is the field of ``ProcessLimits``."""

    def __init__(self, limit: LimitName, text: str) -> None:
        super().__init__(text)
        self.limit = limit


class DecoderProcess:
    """A process that ingests one clip after another. Close it, or let it end with this process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "models_ml.video.contained", str(theirs.fileno())]
            root = str(Path(__file__).parents[2])
            there = os.environ.get("PYTHONPATH")
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *([there] if there else [])])}
            self._process = subprocess.Popen(  # noqa: S603
                command,
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
            )
        self._connection = Connection(ours.detach())

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def ingest(
        self,
        path: Path,
        pack: Path,
        limits: ProcessLimits,
        on_progress: Callable[[int], None] | None = None,
        **options: Any,
    ) -> Any:
        """Ingest a clip as ``ingest_contained`` does. Raises _Ended if the process ended."""
        try:
            self._connection.send((path, pack, limits, options))
            return self._answer(limits, on_progress or (lambda _frames: None))
        except (EOFError, ConnectionError):
            raise _Ended(self._process.wait()) from None

    def _answer(self, limits: ProcessLimits, on_progress: Callable[[int], None]) -> Any:
        most = _WALL_SECONDS + _WALL_FACTOR * limits.seconds
        until, frames = time.monotonic() + most, 0
        while True:
            if self._connection.poll(_PROGRESS_SECONDS):
                kind, content = self._connection.recv()
                if kind != "frames":
                    return _result(kind, content)
                frames = content
            elif time.monotonic() > until:
                raise LimitExceeded(
                    "seconds",
                    f"Decoding the file did not end within {most:,.0f} s. "
                    "Cut it into shorter clips, or export it again.",
                )
            on_progress(frames)


class _Ended(Exception):
    """The decoder process ended; ``code`` is its exit status, negative for a signal."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


_own: dict[int, DecoderProcess] = {}  # by process: a fork must not use the decoder of its parent
_lock = threading.Lock()


def ingest_contained(
    path: Path,
    pack: Path,
    *,
    limits: ProcessLimits,
    on_progress: Callable[[int], None] | None = None,
    **options: Any,
) -> Any:
    """Ingest a clip in this process's decoder process, which is started if there is none.

    Parameters
    ----------
    path
        As for ``models_ml.video.ingest.ingest``.
    pack
        An existing file, to which the frame pack is written.
    limits
        What the decoder may use.
    on_progress
        Called about twice per second with the number of frames so far; an exception from it stops the ingest.
    options
        Other arguments of ``ingest``, such as ``fps``.

    Returns
    -------
    IngestResult

    Raises
    ------
    LimitExceeded
        If the clip needs more than ``limits``.
    InputError
        If the clip cannot be used, or crashes the decoder.
    """
    with _lock:
        used = _own.get(os.getpid())
        try:
            if used is not None:
                try:
                    return used.ingest(path, pack, limits, on_progress, **options)
                except _Ended as ended:
                    _forget()
                    if ended.code == -signal.SIGXCPU:
                        _raise_ended(ended.code, limits)
                    # Otherwise it may have ended before it read the request, or an earlier clip damaged its memory.
            fresh = _own[os.getpid()] = DecoderProcess()
            return fresh.ingest(path, pack, limits, on_progress, **options)
        except _Ended as ended:
            _forget()
            _raise_ended(ended.code, limits)
        except BaseException as error:
            # The decoder is still running, or has used up its limits.
            if isinstance(error, LimitExceeded) or not isinstance(error, InputError):
                _forget()
            raise


def _forget() -> None:
    if (decoder := _own.pop(os.getpid(), None)) is not None:
        decoder.close()


def _raise_ended(code: int, limits: ProcessLimits) -> NoReturn:
    if code == -signal.SIGXCPU:
        raise LimitExceeded(
            "seconds",
            "Decoding the file takes too long for its number of pixels; the limit for the largest clips is "
            f"{limits.seconds:,.0f} s of processor time. Cut it into shorter clips, crop it to the face, or export it "
            "again.",
        )
    if code == -signal.SIGKILL:
        raise InputError(
            "The system ended the decoder, probably because the machine ran out of memory. "
            "Upload the clip again when less is running, or run fewer workers."
        )
    if code >= 0:
        raise RuntimeError(
            f"the decoder process ended with status {code}; its message is in the worker's log"
        )
    name = signal.Signals(-code).name
    raise InputError(f"The file crashed the decoder ({name}). Export it again, for example as H.264 or FFV1.")


def _result(kind: str, content: Any) -> Any:
    if kind == "result":
        return content
    if kind == "unusable":
        raise InputError(content)
    if kind == "limit":
        raise LimitExceeded(*content)
    if kind == "outage":
        raise OSError(*content)
    raise RuntimeError(f"The decoder process failed:\n{content}")


class _Budget:
    """The process's limits while it ingests one clip: memory, size of a file, and processor time that grows with pixels."""

    def __init__(self, limits: ProcessLimits) -> None:
        self._limits = limits
        spent = resource.getrusage(resource.RUSAGE_SELF)
        self._spent, self._pixels = spent.ru_utime + spent.ru_stime, 0
        _limit(resource.RLIMIT_DATA, _data_bytes() + limits.memory)
        _limit(resource.RLIMIT_FSIZE, limits.output)
        self.grow(0)

    def grow(self, pixels: int) -> None:
        """Allow the processor time for this number of pixels in total."""
        if pixels and pixels < self._pixels + _PIXELS_PER_SECOND:
            return
        self._pixels = pixels
        seconds = min(self._limits.seconds, _START_SECONDS + pixels / _PIXELS_PER_SECOND)
        _limit(resource.RLIMIT_CPU, int(self._spent + seconds) + 1)

    @staticmethod
    def end() -> None:
        for name in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
            _limit(name, resource.RLIM_INFINITY)


@dataclass(frozen=True)
class _GrowingLimits(Limits):
    """The limits of a clip, which also let the budget grow with the pixels that it declares and has."""

    budget: _Budget | None = None

    def check_count(self, frames: int, width: int, height: int) -> None:
        super().check_count(frames, width, height)
        if self.budget is not None:
            self.budget.grow(frames * width * height)


def _serve(connection: Connection) -> None:
    """Ingest clips until the other side is gone, a limit is reached, or there is nothing to do for long."""
    from models_ml.face.detect import get_detector
    from models_ml.video.ingest import ingest

    get_detector()  # its memory is not the clip's
    while connection.poll(_IDLE_SECONDS):
        path, pack, limits, options = connection.recv()
        reported = time.monotonic()

        def report(frames: int) -> None:
            nonlocal reported
            if time.monotonic() - reported >= _PROGRESS_SECONDS:
                reported = time.monotonic()
                connection.send(("frames", frames))

        budget = _Budget(limits)
        options["limits"] = _GrowingLimits(**vars(options.get("limits") or Limits()), budget=budget)
        try:
            with pack.open("r+b") as file:
                result = ingest(path, file, on_progress=report, **options)
                if file.seek(0, os.SEEK_END) > limits.output:  # where the system does not limit files
                    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
            answer: tuple[str, Any] = ("result", result)
        except Exception as error:
            answer = _failure(error, limits)
        budget.end()
        connection.send(answer)
        if answer[0] == "limit":
            return


def _failure(error: Exception, limits: ProcessLimits) -> tuple[str, Any]:
    if isinstance(error, MemoryError):
        return "limit", (
            "memory",
            f"Decoding the file needs more than {limits.memory / 2**20:,.0f} MB of memory, which is the limit. "
            "Crop it to the face, scale it down, or export it again.",
        )
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return "limit", (
            "output",
            f"The frames of the clip need more than {limits.output / 2**20:,.0f} MB, which is the limit. "
            "Cut it into shorter clips, or crop it to the face.",
        )
    if outage(error):
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__
        return "outage", (cause.errno if cause is not None else errno.EIO, str(cause or error))
    if isinstance(error, InputError):
        return "unusable", str(error)
    return "error", "".join(traceback.format_exception(error))


def _limit(name: int, value: int) -> None:
    resource.setrlimit(name, (value, resource.getrlimit(name)[1]))


def _data_bytes() -> int:
    """Return the size of this process's data in bytes, which RLIMIT_DATA limits; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)


def main() -> None:
    """Serve the process that holds the other end of the socket whose descriptor is the argument."""
    # A terminal or a service manager that stops the workers signals this process too; it ends when its worker has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        _serve(Connection(int(sys.argv[1])))
    except (EOFError, ConnectionError):
        return  # the worker has ended


if __name__ == "__main__":
    main()
