"""Read frames from image files in a zip or a folder."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from models_ml.errors import InputError
from models_ml.video import jpegfile
from models_ml.video.clock import Clock
from models_ml.video.filetypes import IMAGES_IN_WORDS, file_names
from models_ml.video.framenames import MAX_FRAME_NUMBER, frame_number, gap_notes, order_frames
from models_ml.video.frames import (
    SMALL,
    Frame,
    FrameSource,
    Image,
    LazyFrame,
    Limits,
    check_memory,
    exact_fps,
)
from models_ml.video.imagefile import (
    ImageHeader,
    decode_deep,
    decode_image,
    read_header,
    reduction,
)
from models_ml.video.imagefolder import contents_of, open_files

_OTHERS = 6  # left-out files named in a note
_NAMED = 20  # damaged frames named in a message
_BITS = (8, 10, 12, 14)  # that cameras store in 16
_HOT = 10_000  # of so many values in images with 16 bits, one may be that of a hot pixel
_PREFIX = 4096  # bytes: enough for an image's header unless it carries a profile or a thumbnail


class ImageSource(FrameSource):
    """Image files of one folder in natural order of their names (img2 before img10); see ``open_source``.

    The source number of a frame is the last number in its name: img46.jpg is 46, 006_05562.jpg is 5562 (see
    ``order_frames``). Its pts counts source frames from the first one, and the time base is 1/fps.
    """

    kind = "images"

    def __init__(self, path: Path, *, fps: float | None, limits: Limits) -> None:
        if fps is None:
            raise InputError("Frame images have no frame rate: give the frames per second of the recording.")
        self.fps = exact_fps(fps)
        self.time_base = 1 / self.fps
        self._limits = limits
        self._files = open_files(path, limits)
        try:
            images, self._others = contents_of(self._files)
            self._order = order_frames(images)
            self._numbered = self._order.frames
            self._orientations: Counter[int] = Counter()
            self._transparent = 0
            self._deep: set[int] = set()
            headers = self._check_headers()
        except BaseException:
            self._files.close()
            raise
        self._read = False
        self._formats = [header.format for header in headers]
        self._stored_size = (headers[0].width, headers[0].height)
        self.is_grey = all(header.is_grey for header in headers)
        self.codec = headers[0].format
        self.count = len(headers)
        self._bits, self._hot = self._used_bits()
        self._first: Frame | None = None
        if self.codec == "jpeg":  # not decoded, because it may never be needed at full size
            orientation = jpegfile.exif_orientation(self._files.read(self._numbered[0].name))
            is_turned = orientation >= jpegfile.FIRST_TURNED
            self.width, self.height = self._stored_size[::-1] if is_turned else self._stored_size
        else:
            self._first = self._frame(0)
            self.height, self.width = self._first.image.shape[:2]

    def __iter__(self) -> Iterator[Frame]:
        if self._read:
            raise RuntimeError("a source of frames can be read only once; open it again")
        self._read = True
        for index, item in enumerate(self._numbered):
            frame = self._first or self._frame(index)
            self._first = None
            height, width = frame.image.shape[:2]
            if (width, height) != (self.width, self.height):
                raise self._mixed(item.name, width, height, self.width, self.height)
            yield frame

    def lazy_frames(self) -> Iterator[LazyFrame]:
        by = reduction(self.width, self.height, SMALL)
        if by == 1 or set(self._formats) != {"jpeg"}:
            yield from super().lazy_frames()
            return
        size = (-(-self.height // by), -(-self.width // by))
        for index, item in enumerate(self._numbered):
            data = self._files.read(item.name)
            small = self._decoded(index, data, partial(jpegfile.decode, data, grey=True, by=by))
            whole = partial(decode_image, data, grey=self.is_grey)
            if small.shape != size:  # turned by its EXIF orientation
                height, width = whole().shape[:2]
                raise self._mixed(item.name, width, height, self.width, self.height)
            reduce = partial(self._reduced, data)
            displayed = (self.width, self.height)
            yield LazyFrame(index, item.number, self._stamp(index), small, whole, data, reduce, displayed)

    def clock(self, stamps: Sequence[int]) -> Clock:
        return Clock.of_numbers(stamps, self.fps)

    def notes(self) -> list[str]:
        """Return sentences about numbers that are missing or not used, mixed orientation and transparency."""
        notes = gap_notes([item.number for item in self._numbered])
        if self._order.is_counted and frame_number(self._numbered[0].name) is not None:
            notes.append(
                f"The numbers in the file names are above {MAX_FRAME_NUMBER:,}, so they are not used as source frames: "
                "the frames are counted from 1."
            )
        if len(self._orientations) > 1:
            groups = (
                f"{count:,} with orientation {value}" for value, count in sorted(self._orientations.items())
            )
            notes.append(
                f"The frame images differ in their EXIF orientation ({', '.join(groups)}). Each one is turned as it states; "
                "check that the face is upright in all of them."
            )
        if self._bits < 16:
            notes.append(
                f"The frame images have 16 bits per value, but their values need only {self._bits}: they were scaled from "
                f"{self._bits} to 8 bits."
            )
        if self._hot:
            values = "1 value is" if self._hot == 1 else f"{self._hot:,} values are"
            notes.append(f"{values} larger than {self._bits} bits, as those of hot pixels: shown white.")
        if self._others:
            names = file_names(self._others)
            shown = ", ".join(f"“{name}”" for name in names[:_OTHERS])
            more = f" and {len(names) - _OTHERS} more" if len(names) > _OTHERS else ""
            files = (
                "1 file that is not a frame image was"
                if len(self._others) == 1
                else (f"{len(self._others):,} files that are not frame images were")
            )
            notes.append(f"{files} left out: {shown}{more}.")
        if self._transparent:
            notes.append("Frame images have transparency, which is ignored.")
        return notes

    def close(self) -> None:
        self._files.close()

    def _reduced(self, data: bytes, side: int) -> Image:
        return jpegfile.decode(data, grey=True, by=reduction(self.width, self.height, side))

    def _frame(self, index: int) -> Frame:
        name, number = self._numbered[index].name, self._numbered[index].number
        data = self._files.read(name)
        original = data if self._formats[index] in ("jpeg", "png") else None
        decode = partial(decode_image, data, grey=self.is_grey)
        if index in self._deep and self._bits < 16:
            decode, original = partial(self._scaled, data), None
        image = self._decoded(index, data, decode)
        return Frame(index, number, self._stamp(index), image, original)

    def _stamp(self, index: int) -> int:
        return self._numbered[index].number - self._numbered[0].number

    def _used_bits(self) -> tuple[int, int]:
        """Return how many bits the values of all frames with 16 bits need (8 to 16), and how many values need more.

        The few larger values, one in 10,000 at most, are hot pixels of the camera.
        """
        larger = dict.fromkeys(_BITS, 0)
        width, height = self._stored_size
        few = len(self._deep) * width * height // _HOT
        for index in sorted(self._deep):
            try:
                values = decode_deep(self._files.read(self._numbered[index].name), grey=self.is_grey)
            except InputError:
                continue  # refused with the names of all damaged frames when it is read
            for bits in _BITS:
                larger[bits] += int(np.count_nonzero(values >> bits))
            if larger[_BITS[-1]] > few:
                break
        return next(((bits, larger[bits]) for bits in _BITS if self._deep and larger[bits] <= few), (16, 0))

    def _scaled(self, data: bytes) -> Image:
        values = decode_deep(data, grey=self.is_grey) >> (self._bits - 8)
        return np.minimum(values, 255).astype(np.uint8)

    def _decoded(self, index: int, data: bytes, decode: Callable[[], Image]) -> Image:
        """Return what ``decode`` makes of the data; raise InputError that names all damaged frames."""
        try:
            return decode()
        except InputError as error:
            check_memory(*self._stored_size)
            name = self._numbered[index].name
            others = [item.name for item in self._numbered[index + 1 :] if self._is_damaged(item.name)]
            if not others:
                raise InputError(
                    f"The image “{name}” {error}. Replace it and upload the frames again."
                ) from error
            shown = ", ".join(f"“{other}”" for other in others[:_NAMED])
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            raise InputError(
                f"The image “{name}” {error}. {len(others)} more cannot be decoded: {shown}{more}. "
                "Replace them and upload the frames again."
            ) from error

    def _is_damaged(self, name: str) -> bool:
        try:
            decode_image(self._files.read(name), grey=True)
        except InputError:
            return True
        return False

    def _check_headers(self) -> list[ImageHeader]:
        """Return the headers of all images; nothing is decoded before all of them are checked."""
        headers: list[ImageHeader] = []
        for item in self._numbered:
            start = self._files.read(item.name, _PREFIX)
            header = self._header(item.name, start)
            self._limits.check_size(header.width, header.height, f"The image “{item.name}”")
            first = headers[0] if headers else header
            if (header.width, header.height) != (first.width, first.height):
                raise self._mixed(item.name, header.width, header.height, first.width, first.height)
            if header.bits == 16:
                self._deep.add(len(headers))
            headers.append(header)
            is_jpeg = header.format == "jpeg"
            self._orientations[jpegfile.exif_orientation(start) if is_jpeg else header.orientation] += 1
            self._transparent += header.has_alpha
            self._limits.check_count(len(headers), header.width, header.height)
        return headers

    def _header(self, name: str, start: bytes) -> ImageHeader:
        header = self._header_in(name, start)
        if header is None:  # it is not within the first bytes
            header = self._header_in(name, self._files.read(name))
        if header is None:
            raise InputError(
                f"The file “{name}” is not a {IMAGES_IN_WORDS} image, or its start is damaged. "
                "Replace it and upload the frames again."
            )
        return header

    def _header_in(self, name: str, data: bytes) -> ImageHeader | None:
        try:
            return read_header(data)
        except InputError as error:
            raise InputError(
                f"The image “{name}” {error}. Replace it and upload the frames again."
            ) from error

    def _mixed(self, name: str, width: int, height: int, first_width: int, first_height: int) -> InputError:
        return InputError(
            f"The image “{name}” is {width}×{height} pixels, but the first one, “{self._numbered[0].name}”, "
            f"is {first_width}×{first_height}. All frames of a clip must have the same size."
        )
