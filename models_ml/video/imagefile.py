"""Read the header and the pixels of one JPEG, PNG or BMP file.

The header is parsed here because OpenCV knows the size only after decoding.
"""

import struct
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.video import jpegfile
from models_ml.video.frames import Image

MIME = {"jpeg": "image/jpeg", "png": "image/png", "bmp": "image/bmp"}


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
        if data.startswith(jpegfile.START):
            frame = jpegfile.layout_of(data).frame
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
        With half a sentence ("is cut off"), before which the caller puts the file's name: if the file is incomplete, damaged
        or another type of image.
    """
    if data.startswith(jpegfile.START):
        return jpegfile.decode(data, grey=grey)
    header = read_header(data)
    if header is None:
        raise InputError("is not a JPEG, PNG or BMP image, or is cut off")
    if not _is_complete(data, header):
        raise InputError("is cut off: its end is missing")
    return np.asarray(_decoded(data, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB), np.uint8)


def has_alpha(data: bytes) -> bool:
    """Return whether an image file, from its first bytes, is a PNG with transparency."""
    return data.startswith(b"\x89PNG") and data[25:26] in (b"\x04", b"\x06")


def is_deep(data: bytes) -> bool:
    """Return whether an image file, from its first bytes, is a PNG with 16 bits per value."""
    return data.startswith(b"\x89PNG") and data[24:25] == b"\x10"


def decode_deep(data: bytes, *, grey: bool) -> NDArray[np.uint16]:
    """Return the values of a PNG with 16 bits as stored: uint16 (H, W) or (H, W, 3) RGB. Raises as ``decode_image``."""
    channels = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB
    return np.asarray(_decoded(data, channels | cv2.IMREAD_ANYDEPTH), np.uint16)


def reduction(width: int, height: int, longer_side: int) -> int:
    """Return the factor 1, 2, 4 or 8 by which decoding can reduce a JPEG so that ``longer_side`` pixels remain.

    Examples
    --------
    >>> reduction(640, 480, 96), reduction(90, 120, 96)
    (4, 1)
    """
    return next(by for by in (8, 4, 2, 1) if by == 1 or max(width, height) >= by * longer_side)


def _decoded(data: bytes, flag: int) -> NDArray[Any]:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        image = None
    if image is None:
        raise InputError("cannot be decoded: it is damaged")
    return image


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
    (start,), (bits,) = struct.unpack("<I", data[10:14]), struct.unpack("<H", data[28:30])
    (compression,) = struct.unpack("<I", data[30:34])
    rows = (header.width * bits + 31) // 32 * 4 * header.height
    return compression != 0 or len(data) >= start + rows
