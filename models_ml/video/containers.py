"""Recognise the type of a file by its first bytes, and check with its own lengths and checksums that it is complete.

The decoder cannot be trusted with either: FFmpeg opens playlists and text files as videos, reads a Matroska file that
was cut off without an error, and skips the damaged parts of one. Nothing here decodes.
"""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

FileType = Literal["mov", "matroska", "avi", "zip", "image"]

# AVI writers disagree on whether the length of a chunk includes its header of eight bytes.
AVI_SLACK = 8
_MOV_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"}
# Ids of the Matroska elements that are checked (RFC 9559, section 5.1), and the children that each may have, with the
# reclaimed elements of appendix A that old writers used. The masters not listed here hold no frames.
_SEGMENT, _INFO, _TRACKS, _CLUSTER, _BLOCK_GROUP = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0xA0
_CHILDREN = {
    # SeekHead, Info, Tracks, Cluster, Cues, Attachments, Chapters, Tags
    _SEGMENT: {0x114D9B74, _INFO, _TRACKS, _CLUSTER, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367},
    # Timestamp, SilentTracks, Position, PrevSize, SimpleBlock, BlockGroup, EncryptedBlock
    _CLUSTER: {0xE7, 0x5854, 0xA7, 0xAB, 0xA3, _BLOCK_GROUP, 0xAF},
    # Block, BlockVirtual, BlockAdditions, BlockDuration, ReferencePriority, ReferenceBlock, ReferenceVirtual,
    # CodecState, DiscardPadding, Slices, ReferenceFrame
    _BLOCK_GROUP: {0xA1, 0xA2, 0x75A1, 0x9B, 0xFA, 0xFB, 0xFD, 0xA4, 0x75A2, 0x8E, 0xC8},
}
_TRACK_ENTRY, _TRACK_NUMBER, _BLOCKS = 0xAE, 0xD7, (0xA1, 0xA3)  # Block, SimpleBlock
_CRC32, _VOID = 0xBF, 0xEC  # allowed in each of them (RFC 8794, section 11.3)
_CHECKED = {
    _INFO,
    _TRACKS,
    _CLUSTER,
}  # damage elsewhere, for example in an index or in tags, changes no frame
_CHUNK = 1 << 20
_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8", b"II*\x00", b"MM\x00*")


class Damage(NamedTuple):
    """Where a file contradicts itself: everything before ``offset`` is good."""

    offset: int
    reason: str


class _Element(NamedTuple):
    """Header of an EBML element; ``end`` is None if its size is "unknown", as in live recordings."""

    id: int
    data: int
    end: int | None


def sniff(path: Path) -> FileType | None:
    """Return the type of a file by its content, regardless of its name; None if it is unknown.

    "mov" stands for the family of mp4, m4v and mov, "matroska" for mkv and webm.
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
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return "image" if is_webp or head.startswith(_IMAGES) else None


def missing_bytes(path: Path, kind: FileType) -> int:
    """Return how many bytes are missing according to the file's own length fields; 0 if the file is complete.

    A file without lengths, such as a live recording, counts as complete.
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


def find_damage(path: Path, kind: FileType) -> Damage | None:
    """Return the first place where a Matroska file contradicts itself; None if the file is complete, or only cut off.

    Many files have nothing but their structure to check. FFmpeg also writes a CRC-32 into each cluster, but does not
    check it. The other containers have no such checksums; the index of an mp4 leads past the damage to the next frame,
    so that no frame is lost unnoticed.
    """
    if kind != "matroska":
        return None
    size = path.stat().st_size
    with path.open("rb") as file:
        header = _element(file, 0)
        segment = _element(file, header.end) if header and header.end else None
        if segment is None or segment.id != _SEGMENT:  # the decoder decides what it is
            return None
        found = _walk(file, segment, size, segment.end, set())
        return found if isinstance(found, Damage) else None


def has_movie_box(path: Path) -> bool:
    """Return whether an mp4 or mov file has its index, the ``moov`` box, without which no frame can be found."""
    size = path.stat().st_size
    with path.open("rb") as file:
        return any(name == b"moov" for name, _ in _boxes(file, size))


def _boxes(file: BinaryIO, size: int) -> list[tuple[bytes, int]]:
    """Return the top-level boxes of an ISO base media file (ISO 14496-12, 4.2) as (type, end)."""
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
        if length == 0:  # the box reaches to the end of the file
            length = size - start
        if length < 8:  # not a box: the decoder decides what it is
            break
        start += length
        found.append((header[4:8], start))
    return found


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    boxes = _boxes(file, size)
    return boxes[-1][1] if boxes else size


def _end_of_segment(file: BinaryIO, size: int) -> int:
    """Return the end of a Matroska file's Segment (RFC 9559), which follows the EBML header and holds everything."""
    position = 0
    for _ in range(2):
        element = _element(file, position)
        if element is None:
            return max(size, position) + 1
        if element.id == 0 or element.end is None:  # not an element, or a live recording
            return size
        position = element.end
    return position


def _end_of_riff(file: BinaryIO, size: int) -> int:
    """Return the end of an AVI file's last RIFF list; files over 1 GB have several (OpenDML)."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF":
            break
        if length == 0:  # a recording that was never closed has no length
            return size
        position += 8 + length + length % 2
    return position


def _element(file: BinaryIO, start: int) -> _Element | None:
    """Return the element at ``start`` (RFC 8794, sections 4 and 5); None if the file ends within its header.

    The number of leading zeros is the width of id and size. The id is 0 if there cannot be one: it has at most 4 bytes.
    """
    file.seek(start)
    header = file.read(12)
    width = 9 - header[0].bit_length() if header else 1
    data = width + (9 - header[width].bit_length() if width < len(header) else 1)
    if width > 4 or data - width > 8:
        return _Element(0, start, None)
    if len(header) < data:
        return None
    unknown = (1 << 7 * (data - width)) - 1
    length = int.from_bytes(header[width:data], "big") & unknown
    end = None if length == unknown else start + data + length
    return _Element(int.from_bytes(header[:width], "big"), start + data, end)


def _walk(file: BinaryIO, parent: _Element, size: int, limit: int | None, tracks: set[int]) -> int | Damage:
    """Return where ``parent`` ends, or the first damage in it.

    ``limit`` is the end of its own parent, if known. The numbers of the file's tracks are added to ``tracks``.
    """
    position, end = parent.data, parent.end or limit
    while position < min(size, end or size):
        child = _element(file, position)
        if child is None:
            break
        known = child.id in _CHILDREN[parent.id] or child.id in (_CRC32, _VOID)
        if not known and parent.end is None and child.id in _CHILDREN[_SEGMENT]:
            return position  # an element of unknown size ends at the first one that cannot be its child (RFC 8794, 6.2)
        # Only Segment and Cluster may be of unknown size (RFC 9559, section 5.1).
        fits = child.id == _CLUSTER if child.end is None else end is None or child.end <= end
        if not known or not fits:
            return Damage(position, "the structure of the file is broken")
        if child.id in _CHECKED and not _checksum_holds(file, child, size):
            return Damage(position, "the checksum of this part of the file is wrong")
        if child.id == _TRACKS:
            tracks |= _track_numbers(file, child, size)
        # FFmpeg drops a block of a track that does not exist.
        is_block = child.id in _BLOCKS and child.data < size
        if is_block and tracks and _block_track(file, child) not in tracks:
            return Damage(position, "it does not belong to a track of the file")
        if child.id in _CHILDREN:
            found = _walk(file, child, size, end, tracks)
            if isinstance(found, Damage):
                return found
            position = found
        else:
            position = child.end or size
    return end or size


def _track_numbers(file: BinaryIO, tracks: _Element, size: int) -> set[int]:
    """Return the TrackNumber of each TrackEntry (RFC 9559, section 5.1.4.1.1)."""
    numbers = set()
    position = tracks.data
    while position < min(size, tracks.end or size):
        element = _element(file, position)
        if element is None or element.end is None:
            break
        if element.id == _TRACK_NUMBER:
            file.seek(element.data)
            numbers.add(int.from_bytes(file.read(min(8, element.end - element.data)), "big"))
        position = element.data if element.id == _TRACK_ENTRY else element.end
    return numbers


def _block_track(file: BinaryIO, block: _Element) -> int:
    """Return the track number of a block, which has a variable width as sizes do (RFC 9559, section 10.1)."""
    file.seek(block.data)
    header = file.read(8)
    width = 9 - header[0].bit_length() if header else 1
    return int.from_bytes(header[:width], "big") & ((1 << 7 * width) - 1)


def _checksum_holds(file: BinaryIO, element: _Element, size: int) -> bool:
    """Return whether the CRC-32 at the start of an element matches its content (RFC 8794, section 11.3.1).

    True also for an element without a CRC-32, and for one that was cut off.
    """
    first = _element(file, element.data)
    if first is None or first.id != _CRC32 or first.end != first.data + 4:
        return True
    if element.end is None or element.end > size:
        return True
    file.seek(first.data)
    stored, value = int.from_bytes(file.read(4), "little"), 0
    for position in range(first.end, element.end, _CHUNK):
        value = zlib.crc32(file.read(min(_CHUNK, element.end - position)), value)
    return value == stored
