"""Tell what a file is by its first bytes, and whether its end is missing, by its own length fields.

The decoder alone cannot be trusted with either: FFmpeg would take a playlist or a text file for a video, and
it reads a Matroska file that was cut off without a complaint. Nothing here decodes.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

Kind = Literal["mov", "matroska", "avi", "zip", "image"]

# AVI writers disagree whether the eight bytes of a chunk's own header count.
AVI_SLACK = 8
_MOV_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"}
_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8", b"II*\x00", b"MM\x00*")


def sniff(path: Path) -> Kind | None:
    """The kind of file ``path`` is, by its content alone (its name is not looked at); None if unknown.

    "mov" stands for the whole family of mp4, m4v and mov, "matroska" for mkv and webm.
    """
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] in _MOV_BOXES:
        return "mov"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    return "image" if head.startswith(_IMAGES) else None


def missing_bytes(path: Path, kind: Kind) -> int:
    """How many bytes the file's own length fields announce beyond its end; 0 for a file that is whole.

    A file that announces nothing (a live recording of unknown length) counts as whole.
    """
    walk: Callable[[BinaryIO, int], int] | None = {
        "mov": _end_of_boxes,
        "matroska": _end_of_segment,
        "avi": _end_of_riff,
    }.get(kind)
    if walk is None:
        return 0
    size = path.stat().st_size
    with path.open("rb") as file:
        missing = walk(file, size) - size
    return missing if missing > (AVI_SLACK if kind == "avi" else 0) else 0


def has_movie_box(path: Path) -> bool:
    """Whether an mp4 or mov file holds its index (the ``moov`` box), without which no frame can be found."""
    size = path.stat().st_size
    with path.open("rb") as file:
        return any(name == b"moov" for name, _ in _boxes(file, size))


def _boxes(file: BinaryIO, size: int) -> list[tuple[bytes, int]]:
    """Top-level boxes of an ISO base media file (ISO 14496-12, 4.2) as (type, end)."""
    found, start = [], 0
    while start < size:
        file.seek(start)
        header = file.read(16)
        if len(header) < 8:
            found.append((b"", start + 8))
            break
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length == 0:  # up to the end of the file, wherever that is
            length = size - start
        if length < 8:  # no box: what the decoder makes of it decides
            break
        start += length
        found.append((header[4:8], start))
    return found


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    boxes = _boxes(file, size)
    return boxes[-1][1] if boxes else size


def _end_of_segment(file: BinaryIO, size: int) -> int:
    """End of the Segment of a Matroska file (RFC 9559): EBML header, then one Segment holds everything."""
    position = 0
    for _ in range(2):
        file.seek(position)
        header = file.read(12)
        if len(header) < 12:
            return position + 12
        # Both ids take 4 bytes; the leading zeros of the length field tell its width.
        width = 9 - header[4].bit_length()
        length = int.from_bytes(header[4 : 4 + width], "big") & ((1 << 7 * width) - 1)
        if width > 8 or length == (1 << 7 * width) - 1:  # "unknown": a live recording
            return size
        position += 4 + width + length
    return position


def _end_of_riff(file: BinaryIO, size: int) -> int:
    """End of the last RIFF list of an AVI file; files over 1 GB have several (OpenDML)."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF":
            break
        if length == 0:  # a recording that was never closed: announces nothing
            return size
        position += 8 + length + length % 2
    return position
