"""Decode JPEG files, at full or reduced size, and notice damage while doing so.

libjpeg decodes a damaged file to its end, fills what it cannot read with grey, and only warns. OpenCV drops the warnings,
simplejpeg reports them. Both use libjpeg-turbo and give the same pixels.
"""

import re
import struct
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg

from models_ml.errors import InputError
from models_ml.video.frames import Image

FIRST_TURNED = 5  # from this EXIF orientation on, width and height are exchanged
START, _END = b"\xff\xd8\xff", b"\xff\xd9"
# Markers that start a frame header (ITU-T T.81, table B.1): C0–CF without DHT, JPG and DAC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_USUAL = {0xC0, 0xC1, 0xC2}  # baseline, extended and progressive
_COARSEST = 8  # the greatest reduction, for a check without an image
_FLAGS = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
# All other warnings and errors mean that data are missing or wrong.
_HARMLESS = re.compile("Warning: unknown JFIF revision|Unknown Adobe")
_EXTRA = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9")
_PADDING = 64  # most zeros before the end marker that count as an encoder's padding


class Layout(NamedTuple):
    """Offsets of the frame header and of the first scan in the bytes of a JPEG."""

    frame: int
    scan: int


def layout_of(data: bytes) -> Layout:
    """Return where the parts of a JPEG are; raise IndexError if ``data`` ends before either."""
    position, frame = 2, -1
    while True:
        while data[position] == 0xFF and data[position + 1] == 0xFF:  # fill bytes
            position += 1
        if data[position] != 0xFF:
            raise IndexError("not a marker")
        marker = data[position + 1]
        if marker in _FRAMES:
            frame = position
            if position + 10 > len(data):
                raise IndexError("frame header is not complete")
        if marker == 0xDA:
            if frame < 0:
                raise IndexError("scan without a frame header")
            return Layout(frame, position)
        position += 2
        if marker != 0x01 and not 0xD0 <= marker <= 0xD8:
            position += int.from_bytes(data[position : position + 2], "big")


def exif_orientation(data: bytes) -> int:
    """Return the EXIF orientation, 1 to 8, of a JPEG from its first bytes; 1 if it states none."""
    position = 2
    while data[position : position + 1] == b"\xff" and data[position + 1 : position + 2] != b"\xda":
        size = int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] == 0xE1 and data[position + 4 : position + 10] == b"Exif\0\0":
            return _tiff_orientation(data[position + 10 : position + 2 + size])
        position += 2 + size
    return 1


def decode(data: bytes, *, grey: bool, by: int = 1, check: bool = True) -> Image:
    """Return the pixels of a JPEG: uint8 (H, W) if ``grey``, otherwise (H, W, 3) RGB, turned as EXIF says.

    Parameters
    ----------
    data
        The whole file.
    grey
        Whether to return luma only.
    by
        1, 2, 4 or 8: by how much the size is reduced, rounded up. Only for grey.
    check
        Whether to refuse damaged data. Only the usual kinds of JPEG can be checked (baseline, extended and progressive with
        8 bits); others count as sound.

    Raises
    ------
    InputError
        With half a sentence ("is cut off"), before which the caller puts the file's name.
    """
    try:
        layout = layout_of(data)
    except IndexError as error:
        raise InputError("is not a JPEG image, or is cut off") from error
    # An end marker cannot occur within a scan, but does in a thumbnail before it.
    if check and data.rfind(_END) < layout.scan:
        raise InputError("is cut off: its end is missing")
    image = None
    if data[layout.frame + 1] in _USUAL and data[layout.frame + 4] == 8:
        channels = data[layout.frame + 9]
        if channels in (1, 3) and exif_orientation(data) == 1:
            image = _as_stored(data, layout, "GRAY" if grey else "RGB", by, check)
        elif check:
            _as_stored(data, layout, "CMYK" if channels == 4 else "GRAY", _COARSEST, check)
    if image is None:
        image = _with_opencv(data, _FLAGS[by] if grey else cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise InputError("cannot be decoded: it is damaged")
    return image


def _as_stored(data: bytes, layout: Layout, colours: str, by: int, check: bool) -> Image | None:
    """Return the image without turning it; None if simplejpeg cannot decode it. Raises InputError for damaged data."""
    height, width = struct.unpack_from(">HH", data, layout.frame + 5)
    fast_transform = fast_chroma = False  # as OpenCV decodes
    wanted = (colours, fast_transform, fast_chroma, -(-height // by), -(-width // by), by)
    warning = ""
    try:
        image = simplejpeg.decode_jpeg(data, *wanted, strict=check)
    except ValueError as error:
        warning = str(error)
        try:
            image = simplejpeg.decode_jpeg(data, *wanted, strict=False)
        except ValueError:
            return None
    if warning and not _HARMLESS.match(warning) and not _is_padding(data, layout, warning):
        raise InputError("cannot be decoded: it is damaged")
    return np.asarray(image[..., 0] if colours == "GRAY" else image, np.uint8)


def _is_padding(data: bytes, layout: Layout, warning: str) -> bool:
    """Return whether the warning is only about a few zeros between the last scan and the end marker."""
    found = _EXTRA.match(warning)
    if found is None or int(found[1]) > _PADDING:
        return False
    end = data.find(_END, layout.scan)
    return not any(data[end - int(found[1]) : end])


def _with_opencv(data: bytes, flag: int) -> Image | None:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, np.uint8)


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
