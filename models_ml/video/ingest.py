"""Compute everything that the platform needs to know of an uploaded clip, in one pass over its frames."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

import cv2
import numpy as np

from models_ml.face.detect import Box, get_detector
from models_ml.face.orientation import face_turn
from models_ml.face.track import Detector, FaceTrack, sampled_frames, search
from models_ml.motion.curve import MotionCurve
from models_ml.video.clock import Clock
from models_ml.video.decode import open_source
from models_ml.video.fingerprint import Fingerprint
from models_ml.video.framepack import PackWriter, encode_image, read_pack_frame
from models_ml.video.frames import LazyFrame, Limits
from models_ml.video.packindex import PackIndex
from models_ml.video.shrunk import Shrunk

THUMBNAIL_WIDTH = 320
# Pixels on the longer side of the image in which the face is searched first: more than the detector's first look uses. It
# saves decoding the sampled frames at full size (``make bench NAME=import`` measures ingest).
_SEARCHED = 320
_DEFAULT_LIMITS = Limits()
_REPAIRED = "Time stamps in the file repeat or go back, so the times of the frames were computed. Check the frame rate."


@dataclass(frozen=True)
class IngestResult:
    """What ingest found in a clip. A clip without a face is not an error: ``faces`` then has no coverage.

    Attributes
    ----------
    index
        Index of the frame pack, with the motion curves (see ``MotionCurve``).
    clock
        When each frame was recorded. ``notes`` does not repeat its notes, which change with the recording rate.
    thumbnail
        A JPEG, at most 320 pixels wide, of a frame with a face if there is one.
    fingerprint
        Finds copies of the clip (see ``Fingerprint``).
    notes
        Sentences about what is hidden or odd in the file.
    face_turn
        Degrees by which the clip must be turned clockwise so that the face is upright; 0 if it is, or was not found.
    """

    index: PackIndex
    clock: Clock
    kind: Literal["video", "images"]
    codec: str
    frame_count: int
    thumbnail: bytes
    is_grey: bool
    faces: FaceTrack
    fingerprint: str
    notes: tuple[str, ...] = ()
    face_turn: int = 0


def ingest(
    path: Path,
    pack_file: BinaryIO,
    *,
    fps: float | None = None,
    turn: int = 0,
    limits: Limits = _DEFAULT_LIMITS,
    detector: Detector | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> IngestResult:
    """Decode a clip, write its frame pack, and find its thumbnail, faces, motion curve and fingerprint.

    Parameters
    ----------
    path
        A video, a zip of frame images, or a folder of them.
    pack_file
        An empty file for the frame pack, opened for writing *and reading* ("w+b"), because the face is searched in the
        finished pack. After an error, its content is useless.
    fps
        Recording rate in frames per second; required for images. A video's times are scaled to it; by default, it was
        recorded as it plays.
    turn
        As for ``open_source``.
    detector
        Finds the face; by default the process's own.
    on_progress
        Called after each frame with the number of frames so far; an exception from it stops the ingest.

    Raises
    ------
    InputError
        If the clip cannot be used; see ``open_source``.
    """
    detector = detector or get_detector()
    with open_source(path, fps=fps, limits=limits, turn=turn) as source:
        writer = PackWriter(pack_file)
        curve, fingerprint = MotionCurve(source.fps), Fingerprint()
        size, rate = (source.width, source.height), float(source.fps)
        known: dict[int, Box | None] = {}
        # If the number of frames is known, the face is searched during this pass, which saves decoding frames again.
        wanted = set(sampled_frames(source.count, rate) if source.count else ())
        for done, frame in enumerate(source.lazy_frames(), start=1):
            writer.add(frame)
            is_wanted = frame.index in wanted
            box = _measure(frame, size, curve, fingerprint, detector if is_wanted else None)
            if is_wanted:
                known[frame.index] = box
            if on_progress is not None:
                on_progress(done)
        clock, notes = source.clock(writer.stamps), source.notes()
    if clock.is_repaired:
        notes.append(_REPAIRED)
    index = writer.close(clock)
    read = partial(read_pack_frame, pack_file, index)
    faces = search(index.count, read, detector, fps=rate, known=known)
    regions = {name: tuple(values) for name, values in curve.regions(faces).items()}
    return IngestResult(
        index=replace(index, motion=tuple(curve.values(faces)), motion_regions=regions),
        clock=clock,
        kind=source.kind,
        codec=source.codec,
        frame_count=index.count,
        thumbnail=_thumbnail(pack_file, index, faces),
        is_grey=source.is_grey,
        faces=faces,
        fingerprint=fingerprint.value(faces),
        notes=tuple(notes),
        face_turn=face_turn(faces, read, detector),
    )


def _measure(
    frame: LazyFrame,
    size: tuple[int, int],
    curve: MotionCurve,
    fingerprint: Fingerprint,
    detector: Detector | None,
) -> Box | None:
    """Add the frame to curve and fingerprint; return its face if it is searched, which needs a detector."""
    shrunk = Shrunk(frame.small, size)
    curve.add(shrunk)
    fingerprint.add(shrunk)
    return _find_face(detector, frame, shrunk) if detector else None


def _find_face(detector: Detector, frame: LazyFrame, shrunk: Shrunk) -> Box | None:
    """Find the face in a reduced copy of the frame, or in the frame itself if the copy shows none."""
    width, height = shrunk.size
    if shrunk.grey.shape == (height, width):
        return detector.detect(shrunk.grey)
    reduced = frame.at_least(_SEARCHED)
    box = detector.detect(reduced)
    x, y = width / reduced.shape[1], height / reduced.shape[0]
    if (x, y) == (1, 1):
        return box
    return box.scaled(x, y) if box else detector.detect(frame.image)


def _thumbnail(pack_file: BinaryIO, index: PackIndex, faces: FaceTrack) -> bytes:
    """Return the first frame with a face, or the first frame, as a small JPEG."""
    coverage = faces.coverage()
    image = read_pack_frame(pack_file, index, coverage[0][0] if coverage else 0)
    height, width = image.shape[:2]
    if width > THUMBNAIL_WIDTH:
        size = (THUMBNAIL_WIDTH, max(1, round(height * THUMBNAIL_WIDTH / width)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return encode_image(image, "image/jpeg")
