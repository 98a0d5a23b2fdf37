"""Read the header and the pixels of one JPEG, PNG, BMP, TIFF or WebP file.

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
from models_ml.video.filetypes import IMAGES_IN_WORDS
from models_ml.video.frames import Image

MIME = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "webp": "image/webp",
}
# libtiff writes its own messages to the process's stderr; what matters is raised as an exception.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True)
class ImageHeader:
    """Format and size in pixels of an image as stored, and whether it has only one channel.

    ``bits`` are those of a value, and ``orientation`` is that of EXIF, 1 to 8; a JPEG states it elsewhere.
    """

    format: Literal["jpeg", "png", "bmp", "tiff", "webp"]
    width: int
    height: int
    is_grey: bool
    bits: int = 8
    has_alpha: bool = False
    orientation: int = 1


def read_header(data: bytes) -> ImageHeader | None:
    """Return the header of an image file from its first bytes; None if it is not an image or more bytes are needed.

    Raises
    ------
    InputError
        With half a sentence, for a TIFF or WebP that holds something other than one image of 8 or 16 bits per value.
    """
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height, bits, colour = struct.unpack(">IIBB", data[16:26])
            return ImageHeader(
                "png", width, height, colour in (0, 4), 16 if bits == 16 else 8, colour in (4, 6)
            )
        if data.startswith(jpegfile.START):
            frame = jpegfile.layout_of(data).frame
            height, width, channels = struct.unpack(">HHB", data[frame + 5 : frame + 10])
            return ImageHeader("jpeg", width, height, channels == 1)
        if data.startswith(b"BM"):
            return _bmp_header(data)
        if data.startswith((b"II*\0", b"MM\0*")):
            return _tiff_header(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp_header(data)
    except (struct.error, IndexError, KeyError):
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
        raise InputError(f"is not a {IMAGES_IN_WORDS} image, or is cut off")
    if not _is_complete(data, header):
        raise InputError("is cut off: its end is missing")
    return np.asarray(_decoded(data, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB), np.uint8)


def decode_deep(data: bytes, *, grey: bool) -> NDArray[np.uint16]:
    """Return the values of an image with 16 bits as stored: uint16 (H, W) or (H, W, 3) RGB. Raises as ``decode_image``."""
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


def _tiff_header(data: bytes) -> ImageHeader:
    """Read the first directory of a TIFF file (TIFF 6.0, section 2); raise struct.error if ``data`` ends before its end."""
    order = "<" if data.startswith(b"II") else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    tags: dict[int, int] = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, entry)
        form = {1: "B", 3: "H", 4: "I"}.get(kind)
        if form is not None:
            place = entry + 8
            if (
                number * struct.calcsize(form) > 4
            ):  # the values are elsewhere; those of all channels are equal
                (place,) = struct.unpack_from(order + "I", data, place)
            (tags[tag],) = struct.unpack_from(order + form, data, place)
    if struct.unpack_from(order + "I", data, start + 2 + 12 * count) != (0,):
        raise InputError("has several pages: save each page as a file of its own")
    bits, samples = tags.get(258, 1), tags.get(277, 1)
    if bits not in (8, 16) or tags.get(339, 1) != 1:  # SampleFormat: unsigned integers
        raise InputError(
            f"has {bits} bits per value in a form that cannot be read: save it with 8 or 16 bits"
        )
    is_grey = samples <= 2 and tags.get(262) in (0, 1)  # PhotometricInterpretation: white or black is zero
    if tags.get(262) == 0 and bits == 16:
        raise InputError("stores white as zero: save it with black as zero")
    return ImageHeader(
        "tiff",
        tags[256],
        tags[257],
        is_grey,
        bits,
        samples in (2, 4) and tags.get(262) != 5,
        tags.get(274, 1),
    )


def _webp_header(data: bytes) -> ImageHeader | None:
    """Read the first chunk of a WebP file (RFC 9649); None if it is not one of the three kinds."""
    kind = data[12:16]
    if kind == b"VP8X":
        if data[20] & 0x02:
            raise InputError("is an animation: save each frame as a file of its own")
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return ImageHeader("webp", width, height, False, has_alpha=bool(data[20] & 0x10))
    if kind == b"VP8L":
        (packed,) = struct.unpack_from("<I", data, 21)
        width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
        return ImageHeader("webp", width, height, False, has_alpha=bool(packed >> 28 & 1))
    if kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
        return ImageHeader("webp", width, height, False)
    return None


def _is_complete(data: bytes, header: ImageHeader) -> bool:
    if header.format == "png":
        return b"IEND" in data[-64:] or b"IEND" in data
    if header.format == "webp":
        return len(data) >= 8 + int.from_bytes(data[4:8], "little")
    if header.format == "tiff":
        return True  # its parts lie anywhere in the file, and the decoder misses them
    (start,), (bits,) = struct.unpack("<I", data[10:14]), struct.unpack("<H", data[28:30])
    (compression,) = struct.unpack("<I", data[30:34])
    rows = (header.width * bits + 31) // 32 * 4 * header.height
    return compression != 0 or len(data) >= start + rows
