"""CPU time of each part of what an import does with the frames of a clip."""

import hashlib
import io
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from models_ml.face.detect import FaceDetector, get_detector
from models_ml.motion.curve import MotionCurve
from models_ml.video import ingest, jpegfile
from models_ml.video.fingerprint import Fingerprint
from models_ml.video.framepack import PackWriter
from models_ml.video.framezip import write_frame_zip
from models_ml.video.imagefolder import Zip

_TIMED: list[tuple[str, Any, str]] = [
    ("reading the zip and the headers in it", Zip, "read"),
    ("decoding: at reduced size, with the check for damage", jpegfile, "decode"),
    ("face search", FaceDetector, "detect"),
    ("motion curve", MotionCurve, "add"),
    ("motion curve", MotionCurve, "values"),
    ("motion curve", MotionCurve, "regions"),
    ("fingerprint", Fingerprint, "add"),
    ("fingerprint", Fingerprint, "value"),
    ("frame pack", PackWriter, "add"),
    ("thumbnail, without decoding", ingest, "_thumbnail"),
]


class Parts:
    """Seconds of CPU time by part, without the parts that it calls."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._inner = [0.0]

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        self._inner.append(0.0)
        began = time.process_time()
        yield
        took = time.process_time() - began
        self.seconds[part] += took - self._inner.pop()
        self._inner[-1] += took

    def wrapped(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            with self.timed(part):
                return function(*args, **options)

        return call


def measured_parts(folders: list[Path], zip_file: Path, fps: float) -> dict[str, float]:
    """Return the CPU time in milliseconds per frame of each part, for the clips in these folders."""
    parts, frames = Parts(), 0
    get_detector()
    with ExitStack() as stack:
        for part, owner, name in _TIMED:
            stack.enter_context(mock.patch.object(owner, name, parts.wrapped(part, vars(owner)[name])))
        for folder in folders:
            paths = sorted(folder.iterdir())
            with parts.timed("reading the frames, writing the zip"), zip_file.open("w+b") as file:
                write_frame_zip(file, ((path.name, path.read_bytes()) for path in paths))
            with parts.timed("SHA-256"):
                hashlib.sha256(zip_file.read_bytes())
            with parts.timed("rest of ingest"):
                ingest.ingest(zip_file, io.BytesIO(), fps=fps)
            frames += len(paths)
    return {part: 1000 * seconds / frames for part, seconds in parts.seconds.items()}
