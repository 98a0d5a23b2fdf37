"""Read the header and the pixels of one JPEG, PNG or BMP file.

The header is parsed here because OpenCV knows the size only after decoding, and decodes a JPEG that was cut off with its
lower part grey, without an error.
"""

import struct
from dataclasses import dataclass
from typing import Literal

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.video.frames import Image

MIME = {"jpeg": "image/jpeg", "png": "image/png", "bmp": "image/bmp"}
JPEG_START = b"\xff\xd8\xff"
_REDUCED = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
# Markers that start a frame header (ITU-T T.81, table B.1): C0–CF without DHT, JPG and DAC.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_CHECKED_JPEG = {0xC0, 0xC1, 0xC2}
# Otherwise FFmpeg writes its own messages to the process's stderr.
av.logging.set_level(av.logging.PANIC)


@dataclass(frozen=True)
class ImageHeader:
    """Format and size in pixels of an image as stored, and whether it has only one channel."""

    format: Literal["jpeg", "png", "bmp"]
    width: int
    height: int
    is_grey: bool


def read_header(data: bytes) -> ImageHeader | None:
    """Return the header of an image file from its first bytes; None if it is not an image or more bytes are needed."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height, _, colour = struct.unpack(">IIBB", data[16:26])
            return ImageHeader("png", width, height, colour in (0, 4))
        if data.startswith(JPEG_START):
            frame, _ = _walk_jpeg(data)
            height, width, channels = struct.unpack(">HHB", data[frame + 5 : frame + 10])
            return ImageHeader("jpeg", width, height, channels == 1)
        if data.startswith(b"BM"):
            return _bmp_header(data)
    except (struct.error, IndexError):
        return None
    return None


def decode_image(data: bytes, *, grey: bool) -> Image:
    """Return the pixels of an image file: uint8 (H, W) if ``grey``, otherwise (H, W, 3) RGB, turned as EXIF says.

    Raises
    ------
    InputError
        With half a sentence ("is cut off"), before which the caller puts the file's name.
    """
    return _decode(data, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB)


def exif_orientation(data: bytes) -> int:
    """Return the EXIF orientation, 1 to 8, of a JPEG from its first bytes; 1 if it states none."""
    position = 2
    while data[position : position + 1] == b"\xff" and data[position + 1 : position + 2] != b"\xda":
        size = int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] == 0xE1 and data[position + 4 : position + 10] == b"Exif\0\0":
            return _tiff_orientation(data[position + 10 : position + 2 + size])
        position += 2 + size
    return 1


def _tiff_orientation(tiff: bytes) -> int:
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, entry)
            if tag == 0x0112:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def has_alpha(data: bytes) -> bool:
    """Return whether an image file, from its first bytes, is a PNG with transparency."""
    return data.startswith(b"\x89PNG") and data[25:26] in (b"\x04", b"\x06")


def is_deep(data: bytes) -> bool:
    """Return whether an image file, from its first bytes, is a PNG with 16 bits per value."""
    return data.startswith(b"\x89PNG") and data[24:25] == b"\x10"


def decode_deep(data: bytes, *, grey: bool) -> NDArray[np.uint16]:
    """Return the values of a PNG with 16 bits as stored: uint16 (H, W) or (H, W, 3) RGB. Raises as ``decode_image``."""
    channels = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), channels | cv2.IMREAD_ANYDEPTH)
    except cv2.error:
        image = None
    if image is None:
        raise InputError("cannot be decoded: it is damaged")
    return np.asarray(image, dtype=np.uint16)


def is_damaged_jpeg(data: bytes) -> bool:
    """Return whether the data of a JPEG contradict themselves: OpenCV fills what is missing or unreadable with grey.

    FFmpeg decodes the file strictly, at an eighth of its size. It knows the usual kinds of JPEG (baseline, extended and
    progressive with 8 bits); others count as sound.
    """
    try:
        frame, _ = _walk_jpeg(data)
        if data[frame + 1] not in _CHECKED_JPEG or data[frame + 4] != 8:
            return False
    except IndexError:
        return True
    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.thread_type = "NONE"
    decoder.options = {"err_detect": "explode", "lowres": "3"}
    try:
        decoded = decoder.decode(av.Packet(data)) + decoder.decode(None)
    except av.error.InvalidDataError:
        return True
    except av.FFmpegError:  # a kind that FFmpeg cannot decode
        return False
    return any(image.is_corrupt for image in decoded)


def reduction(width: int, height: int, longer_side: int) -> int:
    """Return the factor 1, 2, 4 or 8 by which decoding can reduce a JPEG so that ``longer_side`` pixels remain.

    Examples
    --------
    >>> reduction(640, 480, 96), reduction(90, 120, 96)
    (4, 1)
    """
    return next(by for by in (8, 4, 2, 1) if by == 1 or max(width, height) >= by * longer_side)


def decode_reduced(data: bytes, by: int) -> Image:
    """Return a JPEG in grey at 1/``by`` of its size, rounded up: uint8 (H, W).

    Faster than full decoding, because few coefficients are transformed. EXIF orientation and errors as ``decode_image``.
    """
    return _decode(data, _REDUCED[by])


def _decode(data: bytes, flag: int) -> Image:
    header = read_header(data)
    if header is None:
        raise InputError("is not a JPEG, PNG or BMP image, or is cut off")
    if not _is_complete(data, header):
        raise InputError("is cut off: its end is missing")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        image = None
    if image is None:
        raise InputError("cannot be decoded: it is damaged")
    return np.asarray(image, dtype=np.uint8)


def _walk_jpeg(data: bytes) -> tuple[int, int]:
    """Return the offsets of the frame header and the first scan; raise IndexError if ``data`` ends before either."""
    position, frame = 2, -1
    while True:
        while data[position] == 0xFF and data[position + 1] == 0xFF:  # fill bytes
            position += 1
        if data[position] != 0xFF:
            raise IndexError("not a marker")
        marker = data[position + 1]
        if marker in _JPEG_FRAMES:
            frame = position
            if position + 10 > len(data):
                raise IndexError("frame header is not complete")
        if marker == 0xDA:
            if frame < 0:
                raise IndexError("scan without a frame header")
            return frame, position
        position += 2
        if marker != 0x01 and not 0xD0 <= marker <= 0xD8:
            position += int.from_bytes(data[position : position + 2], "big")


def _bmp_header(data: bytes) -> ImageHeader:
    (size,) = struct.unpack("<I", data[14:18])
    if size == 12:  # OS/2
        width, height, _, bits = struct.unpack("<HHHH", data[18:26])
        return ImageHeader("bmp", width, height, False)
    width, height, _, bits = struct.unpack("<iiHH", data[18:30])
    grey = False
    if bits <= 8:
        (used,) = struct.unpack("<I", data[46:50])
        start = 14 + size
        palette = np.frombuffer(data[start : start + 4 * (used or 1 << bits)], np.uint8).reshape(-1, 4)
        grey = bool((palette[:, :1] == palette[:, :3]).all())
    return ImageHeader("bmp", width, abs(height), grey)


def _is_complete(data: bytes, header: ImageHeader) -> bool:
    if header.format == "png":
        return b"IEND" in data[-64:] or b"IEND" in data
    if header.format == "jpeg":
        # An end marker cannot occur within a scan, but does in a thumbnail before it.
        return data.rfind(b"\xff\xd9") > _walk_jpeg(data)[1]
    (start,), (bits,) = struct.unpack("<I", data[10:14]), struct.unpack("<H", data[28:30])
    (compression,) = struct.unpack("<I", data[30:34])
    rows = (header.width * bits + 31) // 32 * 4 * header.height
    return compression != 0 or len(data) >= start + rows
