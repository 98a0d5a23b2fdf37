"""Read frames from image files in a zip or a folder.

A zip is never unpacked to disk: each member is read into memory by itself, within the limits. Names, sizes, encryption and
links are checked before anything is read.
"""

import re
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from natsort import natsorted

from models_ml.errors import InputError
from models_ml.video import jpegfile
from models_ml.video.framenames import MAX_FRAME_NUMBER, frame_number, missing_numbers, order_frames
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
    has_alpha,
    is_deep,
    read_header,
    reduction,
)

_EXTENSIONS = {".jpg", ".jpeg", ".jpe", ".png", ".bmp"}
_LITTER = {"thumbs.db", "desktop.ini"}  # and every name with a leading dot
_SPANS = 6  # gaps shown in a note
_NAMED = 20  # damaged frames named in a message
_MAX_NAME = 1000  # characters of a path in a zip; Python refuses to read a number of more than 4,300 digits
_PREFIX = 4096  # bytes: enough for an image's header unless it carries a profile or a thumbnail
_ENCRYPTED = 0x1
# zipfile unpacks other methods in pieces of unlimited size.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class ImageSource(FrameSource):
    """Image files of one folder in natural order of their names (img2 before img10); see ``open_source``.

    The source number of a frame is the last number in its name: img46.jpg is 46, 006_05562.jpg is 5562 (see
    ``order_frames``). Its pts is its index, and the time base is 1/fps.
    """

    kind = "images"

    def __init__(self, path: Path, *, fps: float | None, limits: Limits) -> None:
        if fps is None:
            raise InputError("Frame images have no frame rate: give the frames per second of the recording.")
        self.fps = exact_fps(fps)
        self.time_base = 1 / self.fps
        self._limits = limits
        self._files: _Files = _Folder(path, limits) if path.is_dir() else _Zip(path, limits)
        try:
            self._order = order_frames(_one_folder(self._files.names, self._files.what))
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
        self._bits = self._used_bits()
        # From the pixels, not the header: a JPEG can be turned by its EXIF orientation.
        self._first: Frame | None = self._frame(0)
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
        first, self._first = self._first, None
        for index, item in enumerate(self._numbered):
            data = self._files.read(item.name)
            small = self._decoded(index, data, partial(jpegfile.decode, data, grey=True, by=by))
            whole = partial(decode_image, data, grey=self.is_grey)
            if first is not None:  # it was decoded when the source was opened
                whole, first = partial(getattr, first, "image"), None
            if small.shape != size:  # turned by its EXIF orientation
                height, width = whole().shape[:2]
                raise self._mixed(item.name, width, height, self.width, self.height)
            yield LazyFrame(index, item.number, index, small, whole, data, partial(self._reduced, data))

    def notes(self) -> list[str]:
        """Return sentences about numbers that are missing or not used, mixed orientation and transparency."""
        notes = []
        spans = missing_numbers([item.number for item in self._numbered])
        if spans:
            missing = sum(last - first + 1 for first, last in spans)
            shown = ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in spans[:_SPANS])
            more = f" and {len(spans) - _SPANS} more gaps" if len(spans) > _SPANS else ""
            notes.append(
                f"The numbers of the frame images have gaps: {missing:,} of {missing + len(self._numbered):,} source "
                f"frames are missing ({shown}{more}). Times are counted without them."
            )
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
        return Frame(index, number, index, image, original)

    def _used_bits(self) -> int:
        """Return 10, 12, 14 or 16: how many bits the largest value of all frames with 16 bits needs."""
        largest = 0
        for index in sorted(self._deep):
            try:
                largest = max(
                    largest,
                    int(decode_deep(self._files.read(self._numbered[index].name), grey=self.is_grey).max()),
                )
            except InputError:
                continue  # refused with the names of all damaged frames when it is read
            if largest >= 1 << 14:
                break
        return next((bits for bits in (10, 12, 14) if self._deep and largest < 1 << bits), 16)

    def _scaled(self, data: bytes) -> Image:
        return (decode_deep(data, grey=self.is_grey) >> (self._bits - 8)).astype(np.uint8)

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
            header = read_header(start)
            header = header or read_header(self._files.read(item.name))
            if header is None:
                raise InputError(
                    f"The file “{item.name}” is not a JPEG, PNG or BMP image, or its start is damaged. "
                    "Replace it and upload the frames again."
                )
            self._limits.check_size(header.width, header.height, f"The image “{item.name}”")
            first = headers[0] if headers else header
            if (header.width, header.height) != (first.width, first.height):
                raise self._mixed(item.name, header.width, header.height, first.width, first.height)
            if is_deep(start):
                self._deep.add(len(headers))
            headers.append(header)
            self._orientations[jpegfile.exif_orientation(start) if header.format == "jpeg" else 1] += 1
            self._transparent += has_alpha(start)
            self._limits.check_count(len(headers), header.width, header.height)
        return headers

    def _mixed(self, name: str, width: int, height: int, first_width: int, first_height: int) -> InputError:
        return InputError(
            f"The image “{name}” is {width}×{height} pixels, but the first one, “{self._numbered[0].name}”, "
            f"is {first_width}×{first_height}. All frames of a clip must have the same size."
        )


class _Files(ABC):
    """Files that are read one at a time, by name."""

    what: str
    names: list[str]

    @abstractmethod
    def read(self, name: str, size: int = -1) -> bytes: ...

    @abstractmethod
    def close(self) -> None: ...


class _Folder(_Files):
    """A folder on this machine, chosen by a person with access to it; links in it are followed."""

    what = "folder"

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits
        self.names = [item.relative_to(path).as_posix() for item in path.rglob("*") if item.is_file()]

    def read(self, name: str, size: int = -1) -> bytes:
        file = self._path / name
        if file.stat().st_size > self._limits.max_image_bytes:
            raise _too_many_bytes(name, self._limits)
        with file.open("rb") as opened:
            return opened.read(size)

    def close(self) -> None: ...


class _Zip(_Files):
    """An uploaded zip: nothing in its headers is trusted."""

    what = "zip"

    def __init__(self, path: Path, limits: Limits) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError) as error:
            raise InputError(
                "The zip file is damaged or cut off: its table of contents cannot be read. "
                "Upload the complete file, or create it again."
            ) from error
        try:
            self._members = _members(self._zip)
            self._check(limits)
        except BaseException:
            self._zip.close()
            raise
        self.names = list(self._members)

    def read(self, name: str, size: int = -1) -> bytes:
        member = self._members[name]
        try:
            with self._zip.open(member) as file:
                # zipfile never returns more than the declared size, and checks the CRC at its end. Without a size, it
                # would unpack everything that the data hold before it cuts them to the declared size.
                most = member.file_size + 1
                return file.read(most if size < 0 else min(size, most))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
            reason = str(error) or "it is damaged"
            if reason.startswith("Bad CRC-32"):
                reason = f"its checksum is wrong, or it holds more than the {member.file_size:,} bytes that the zip declares"
            raise InputError(
                f"“{name}” cannot be unpacked from the zip: {reason}. Create the zip again."
            ) from error

    def close(self) -> None:
        self._zip.close()

    def _check(self, limits: Limits) -> None:
        total = 0
        for name, member in self._members.items():
            parts = PurePosixPath(name).parts
            if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name):
                raise InputError(
                    f"The zip contains a file with an unsafe path, “{name}”. Zip the folder of the frames itself."
                )
            if len(name) > _MAX_NAME:
                raise InputError(
                    f"The zip contains a file with a path of more than {_MAX_NAME:,} characters. Rename it."
                )
            if stat.S_ISLNK(member.external_attr >> 16):
                raise InputError(f"“{name}” in the zip is a link, not an image. Zip the images themselves.")
            if member.flag_bits & _ENCRYPTED:
                raise InputError("The zip is protected by a password. Create it without one.")
            if member.compress_type not in _METHODS:
                raise InputError(
                    f"“{name}” in the zip is compressed by a method other than Deflate. Create the zip again with "
                    "Deflate, the usual method, or without compression."
                )
            if member.file_size > limits.max_image_bytes:
                raise _too_many_bytes(name, limits)
            total += member.file_size
        if total > limits.max_zip_bytes:
            raise InputError(
                f"The zip would unpack to {total / 2**30:.1f} GB; the limit is {limits.max_zip_bytes / 2**30:.1f} GB. "
                "Split it into shorter clips."
            )


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files in a zip by their names; raise InputError if two files have the same name."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.replace("\\", "/")
        if member.is_dir():
            continue
        if name in members:
            first, second = (f"“{found.orig_filename}”" for found in (members[name], member))
            sizes = f"{members[name].file_size:,} and {member.file_size:,} bytes"
            raise InputError(
                f"Two files in the zip have the same name: {first} and {second} ({sizes}). "
                "Remove or rename one of them, and create the zip again."
            )
        members[name] = member
    return members


def _too_many_bytes(name: str, limits: Limits) -> InputError:
    most = limits.max_image_bytes / 2**20
    return InputError(
        f"The image “{name}” is larger than {most:.0f} MB, which is the limit. Compress it or crop it to the face."
    )


def _one_folder(names: list[str], what: str) -> list[str]:
    """Return the images; raise InputError for other files, and for images in several folders."""
    images = []
    for name in names:
        parts = PurePosixPath(name).parts
        if any(part == "__MACOSX" or part.startswith(".") for part in parts) or parts[-1].lower() in _LITTER:
            continue
        if PurePosixPath(name).suffix.lower() not in _EXTENSIONS:
            raise InputError(
                f"“{name}” is not a frame image. The {what} must contain only the JPEG, PNG or BMP frames of one clip."
            )
        images.append(name)
    if not images:
        raise InputError(
            f"The {what} contains no images. It must contain the JPEG, PNG or BMP frames of one clip."
        )
    folders = natsorted({str(PurePosixPath(name).parent) for name in images})
    if len(folders) > 1:
        shown = ", ".join(f"“{'(top)' if folder == '.' else folder}”" for folder in folders[:5])
        more = f" and {len(folders) - 5} more" if len(folders) > 5 else ""
        raise InputError(
            f"The {what} contains images in {len(folders)} folders: {shown}{more}. "
            "Upload each folder as a separate clip."
        )
    return images
