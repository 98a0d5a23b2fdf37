"""The files of a clip of frame images: in a folder, or in a zip.

A zip is never unpacked to disk: each member is read into memory by itself, within the limits. Names, sizes, encryption and
links are checked before anything is read.
"""

import os
import re
import stat
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from natsort import natsorted

from models_ml.errors import InputError
from models_ml.video.filetypes import IMAGES, IMAGES_IN_WORDS, VIDEOS, is_litter, is_other_image
from models_ml.video.frames import Limits

_MAX_NAME = 1000  # characters of a path in a zip; Python refuses to read a number of more than 4,300 digits
_ENCRYPTED, _UTF8 = 0x1, 0x800
_HEADER = struct.Struct(
    "<4s2xH18xHH"
)  # of a file in a zip: signature, flags, sizes of the name and the extra fields
# zipfile unpacks other methods in pieces of unlimited size.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class Contents(NamedTuple):
    """The names of the frame images, which lie in one folder, and of the files that are left out."""

    images: list[str]
    others: list[str]


def open_files(path: Path, limits: Limits) -> "ImageFiles":
    """Open a folder or a zip of frame images. Raises InputError for a zip that cannot be used."""
    return Folder(path, limits) if path.is_dir() else Zip(path, limits)


class ImageFiles(ABC):
    """Files that are read one at a time, by name."""

    what: str
    names: list[str]

    @abstractmethod
    def read(self, name: str, size: int = -1) -> bytes: ...

    @abstractmethod
    def close(self) -> None: ...


class Folder(ImageFiles):
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


class Zip(ImageFiles):
    """An uploaded zip: nothing in its headers is trusted."""

    what = "zip"

    def __init__(self, path: Path, limits: Limits) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
            self._file = path.open("rb", buffering=0)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise InputError(
                "The zip file is damaged or cut off: its table of contents cannot be read. "
                "Upload the complete file, or create it again."
            ) from error
        try:
            self._members = _members(self._zip)
            self._check(limits)
        except BaseException:
            self.close()
            raise
        self.names = list(self._members)

    def read(self, name: str, size: int = -1) -> bytes:
        member = self._members[name]
        if (content := self._uncompressed(member, size)) is not None:
            return content
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
        self._file.close()

    def _uncompressed(self, member: zipfile.ZipInfo, size: int) -> bytes | None:
        """Return the content, or its first ``size`` bytes, of a file that is stored as it is: twice as fast as zipfile.

        None if it is compressed, or anything is not as it should be: zipfile then says what.
        """
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            return None
        descriptor, start = self._file.fileno(), member.header_offset
        wanted = member.file_size if size < 0 else min(size, member.file_size)
        try:
            signature, flags, name_size, extra_size = _HEADER.unpack(
                os.pread(descriptor, _HEADER.size, start)
            )
            name = os.pread(descriptor, name_size, start + _HEADER.size)
            content = os.pread(descriptor, wanted, start + _HEADER.size + name_size + extra_size)
        except (OSError, OverflowError, struct.error):
            return None
        encoding = "utf-8" if flags & _UTF8 else "cp437"
        is_sound = (
            signature == b"PK\x03\x04"
            and flags & ~_UTF8 == 0
            and name == member.orig_filename.encode(encoding, "replace")
            and len(content) == wanted
            and (wanted < member.file_size or zlib.crc32(content) == member.CRC)
        )
        return content if is_sound else None

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
            if is_litter(name) or not name.lower().endswith(IMAGES):
                continue  # it is never read
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


def contents_of(files: ImageFiles) -> Contents:
    """Return the images and the other files.

    Raises
    ------
    InputError
        If there are no images, images in several folders, or images of a type that cannot be read.
    """
    what = files.what
    images: list[str] = []
    others: list[str] = []
    for name in files.names:
        if not is_litter(name) and is_other_image(name):
            raise InputError(
                f"Cannot read the image “{name}”: the {what} must contain {IMAGES_IN_WORDS} frames. Convert the frames "
                "to PNG."
            )
        is_image = not is_litter(name) and name.lower().endswith(IMAGES)
        (images if is_image else others).append(name)
    if not images:
        video = next((name for name in others if name.lower().endswith(VIDEOS)), "")
        found = f", but a video, “{video}”: upload the video itself" if video else ""
        raise InputError(
            f"The {what} contains no images{found}. It must contain the {IMAGES_IN_WORDS} frames of one clip."
        )
    folders = natsorted({str(PurePosixPath(name).parent) for name in images})
    if len(folders) > 1:
        shown = ", ".join(f"“{'(top)' if folder == '.' else folder}”" for folder in folders[:5])
        more = f" and {len(folders) - 5} more" if len(folders) > 5 else ""
        raise InputError(
            f"The {what} contains images in {len(folders)} folders: {shown}{more}. "
            "Upload each folder as a separate clip."
        )
    return Contents(images, others)
