"""Read the frames of a video file exactly as the decoder returns them, in presentation order.

Never seeks, and never computes a frame index from a time: frame i is the i-th image that the decoder returns, with edit
lists applied. Independent of zip files and images.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from models_ml.errors import InputError
from models_ml.video.clock import Clock
from models_ml.video.containers import FileType, find_damage, has_movie_box, missing_bytes
from models_ml.video.frames import Frame, FrameSource, Image, Limits, check_memory, exact_fps

# Otherwise FFmpeg writes its own messages to the process's stderr; what matters is raised as an exception.
av.logging.set_level(av.logging.PANIC)

# Without the last two flags, swscale is off by up to two grey levels and repeats chroma instead of interpolating it.
_SCALING = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_UNSPECIFIED_MATRIX = 2  # AVCOL_SPC_UNSPECIFIED
_LIMITED_RANGE = 1  # AVCOL_RANGE_MPEG: grey from 16 (black) to 235 (white)
_HD_HEIGHT = 720


class VideoSource(FrameSource):
    """A video file opened for one pass; see ``open_source``, which recognises the container.

    ``fps`` is the container's average rate, unless the caller gives another: high-speed recordings are often stored as
    30 fps. The pts and the time base are the file's own in both cases; the clock is scaled to the given rate.
    """

    kind = "video"

    def __init__(self, path: Path, container: FileType, *, fps: float | None, limits: Limits) -> None:
        self._path, self._kind, self._limits = path, container, limits
        self._missing = missing_bytes(path, container)
        self._damage = find_damage(path, container)
        self._decoded = self._packets = self._discarded = 0
        self._container, self._stream = self._open()
        try:
            declared = self._stream.frames
            width, height = self._stream.codec_context.width, self._stream.codec_context.height
            limits.check_size(width, height, "The video")
            limits.check_count(declared, width, height)
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is None:
                raise self._without_frames()
        except BaseException:
            self._container.close()
            raise
        self._first: VideoFrame | None = first
        self._size = (first.width, first.height)
        self._to_rgb = VideoReformatter()
        self.codec = self._stream.codec_context.codec.canonical_name
        self.is_grey = first.format.name.startswith("gray")
        self._has_alpha = any(component.is_alpha for component in first.format.components)
        is_turned, _, _ = _orientation(first)
        self.width, self.height = self._size[::-1] if is_turned else self._size
        self._file_fps = Fraction(self._stream.average_rate or self._stream.guessed_rate or 25)
        self._is_rate_given = fps is not None
        self.fps = exact_fps(fps) if fps is not None else self._file_fps
        self.time_base = Fraction(self._stream.time_base or 1 / self._file_fps)

    def __iter__(self) -> Iterator[Frame]:
        last: int | None = None
        for index, frame in enumerate(self.decoder_frames()):
            last = self._pts(frame, last)
            yield Frame(index, index + 1, last, self._image(frame))

    def decoder_frames(self) -> Iterator[VideoFrame]:
        """Yield the decoder's own images (YUV planes, not turned upright), for comparison with other decoders."""
        if self._first is None:
            raise RuntimeError("a source of frames can be read only once; open it again")
        frames, self._first = chain([self._first], self._frames), None
        for count, frame in enumerate(frames, start=1):
            if (frame.width, frame.height) != self._size:
                raise InputError(
                    f"Frame {count} of the video is {frame.width}×{frame.height} pixels, but the frames before "
                    f"it are {self._size[0]}×{self._size[1]}. All frames of a clip must have the same size."
                )
            self._limits.check_count(count, *self._size)
            yield frame

    def clock(self, stamps: Sequence[int]) -> Clock:
        clock = Clock.of_stamps(stamps, self.time_base, self._file_fps)
        return clock.rerated(self.fps) if self._is_rate_given else clock

    def notes(self) -> list[str]:
        """Return sentences about frames that an edit list hides, and about transparency."""
        notes = []
        # FFmpeg marks the hidden packets that it needs to decode others, and leaves out the rest of them.
        left_out = self._stream.frames - self._packets if self._kind == "mov" else 0
        if hidden := self._discarded + max(0, left_out):
            frames = "1 frame" if hidden == 1 else f"{hidden:,} frames"
            notes.append(f"An edit list in the file hides {frames}: they are not part of the clip.")
        if self._has_alpha:
            notes.append("The video has transparency, which is ignored.")
        return notes

    def close(self) -> None:
        self._container.close()

    def _open(self) -> tuple[InputContainer, VideoStream]:
        # The format is given, not guessed: FFmpeg would follow a playlist to other files and hosts.
        try:
            container = av.open(str(self._path.resolve()), format=self._kind, metadata_errors="replace")
        except av.FFmpegError as error:
            _raise_memory_error(error)
            if self._missing or (self._kind == "mov" and not has_movie_box(self._path)):
                raise InputError(
                    "The video is cut off: its index of frames is missing, so 0 frames could be read. "
                    "Upload the complete file, or export it again."
                ) from error
            raise InputError(f"The video cannot be opened: {_reason(error)}. Export it again.") from error
        # For FFmpeg, the cover image of an audio file is a video stream.
        cover = av.stream.Disposition.attached_pic
        streams = [stream for stream in container.streams.video if not stream.disposition & cover]
        problem = None
        if not streams:
            problem = "The file contains only sound or other data, and no video. Upload the video itself."
        elif streams[0].codec_context is None:
            problem = "Cannot decode the format of the video. Export it as H.264 or FFV1."
        if problem:
            container.close()
            raise self._damaged(self._damage.reason) if self._damage else InputError(problem)
        stream = streams[0]
        stream.thread_type = "NONE"  # clips are small, and the workers already use all cores
        # Without it, FFmpeg fills damaged parts from neighbouring frames without an error.
        stream.codec_context.options = {"err_detect": "explode"}
        return container, stream

    def _decode(self) -> Iterator[VideoFrame]:
        """Yield images up to the end of the data; raise InputError if this is not the end of the video."""
        cut, damage = self._missing > 0, self._damage
        try:
            for packet in self._container.demux(self._stream):
                if damage and packet.pos is not None and packet.pos >= damage.offset:
                    yield from self._count(self._stream.codec_context.decode(None))
                    raise self._damaged(damage.reason)
                self._packets += packet.size > 0
                self._discarded += packet.is_discard
                if packet.size and packet.is_corrupt:  # the file ends within it
                    cut = True
                    yield from self._count(self._stream.codec_context.decode(None))
                    break
                errors_before, _ = av.logging.get_last_error()
                frames = packet.decode()
                if _checksum_failed(errors_before):
                    raise self._damaged("its checksum is wrong")
                yield from self._count(frames)
        except av.FFmpegError as error:
            _raise_memory_error(error, self._stream)
            if cut:
                raise self._cut_off() from error
            raise self._damaged(_reason(error)) from error
        if damage:  # at the end, or such that no packet followed
            raise self._damaged(damage.reason)
        if cut:
            raise self._cut_off()

    def _count(self, frames: list[VideoFrame]) -> Iterator[VideoFrame]:
        for frame in frames:
            if frame.is_corrupt:
                raise self._cut_off() if self._missing else self._damaged("it is incomplete")
            self._decoded += 1
            yield frame

    def _cut_off(self) -> InputError:
        missing = f" (at least {self._missing:,} bytes are missing)" if self._missing else ""
        declared = self._stream.frames
        of = f" of {declared}" if declared > self._decoded else ""
        return InputError(
            f"The video is cut off before its end{missing}: only {self._decoded}{of} frames could be read. "
            "Upload the complete file, or export it again."
        )

    def _damaged(self, reason: str) -> InputError:
        return InputError(
            f"The video is damaged: after {self._decoded} good frames, the next one cannot be decoded ({reason}). "
            "Export it again from the recording."
        )

    def _without_frames(self) -> InputError:
        return InputError("The video has no frames: nothing could be decoded. Export it again.")

    def _pts(self, frame: VideoFrame, last: int | None) -> int:
        # AVI stores no presentation times; the times that FFmpeg guesses run backwards where frames are reordered.
        stamp = frame.dts if self._kind == "avi" else frame.pts
        if stamp is None:
            step = max(1, round(1 / (self._file_fps * self.time_base)))
            stamp = 0 if last is None else last + step
        return int(stamp)

    def _image(self, frame: VideoFrame) -> Image:
        image = self._grey(frame) if self.is_grey else self._rgb(frame)
        is_turned, flip_x, flip_y = _orientation(frame)
        if not (is_turned or flip_x or flip_y):
            return image
        image = image.swapaxes(0, 1) if is_turned else image
        return np.ascontiguousarray(image[:: -1 if flip_y else 1, :: -1 if flip_x else 1])

    def _rgb(self, frame: VideoFrame) -> Image:
        matrix = None
        if frame.colorspace == _UNSPECIFIED_MATRIX:  # guessed as players guess it
            matrix = Colorspace.ITU709 if frame.height >= _HD_HEIGHT else Colorspace.ITU601
        rgb = self._to_rgb.reformat(
            frame, format="rgb24", src_colorspace=matrix, interpolation=_SCALING, threads=1
        )
        return np.asarray(rgb.to_ndarray(), dtype=np.uint8)

    def _grey(self, frame: VideoFrame) -> Image:
        bits = frame.format.components[0].bits
        if 8 < bits <= 16:  # swscale would dither
            image = (np.asarray(frame.to_ndarray(), dtype=np.uint16) >> (bits - 8)).astype(np.uint8)
        else:
            grey = self._to_rgb.reformat(frame, format="gray", threads=1)
            image = np.asarray(grey.to_ndarray(), dtype=np.uint8)
        return _FULL_RANGE[image] if frame.color_range == _LIMITED_RANGE else image


_FULL_RANGE = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)


def _orientation(frame: VideoFrame) -> tuple[bool, bool, bool]:
    """Return how to show a frame as its display matrix says: swap x and y first, then flip x, flip y.

    The matrix (ISO/IEC 14496-12, 6.2.2) leads from stored to shown coordinates, (x, y) → (ax + cy, bx + dy). ``rotation`` of
    a frame cannot be used: it says nothing of mirrors.
    """
    side_data: Iterable[Any] = frame.side_data  # PyAV declares it as a mapping of names
    data = next((found for found in side_data if found.type == SideDataType.DISPLAYMATRIX), None)
    if data is None:
        return False, False, False
    a, b, _, c, d = struct.unpack("=5i", bytes(data)[:20])
    return (True, c < 0, b < 0) if abs(b) > abs(a) else (False, a < 0, d < 0)


def _raise_memory_error(error: av.FFmpegError, stream: VideoStream | None = None) -> None:
    """Raise MemoryError if a lack of memory can be the reason of the error."""
    if isinstance(error, MemoryError):
        raise error
    if stream is not None:
        check_memory(stream.codec_context.width, stream.codec_context.height)


def _checksum_failed(errors_before: int) -> bool:
    # FFV1 reports a wrong checksum only in the log, and repeats the slice of the previous frame.
    errors, last = av.logging.get_last_error()
    return errors > errors_before and last is not None and last[1] == "ffv1"


def _reason(error: av.FFmpegError) -> str:
    """Return FFmpeg's description of the error, in one line."""
    log = getattr(error, "log", None)
    text = log[2] if log else error.strerror
    return str(text or "unknown reason").strip()
