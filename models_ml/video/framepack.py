"""Frame packs, which the browser shows: encoded frames one after another, and an index of where each one starts.

Frames that came as JPEG or PNG are copied byte for byte. Others are encoded as JPEG without chroma subsampling. All frames
of a pack have the image type of the first one.
"""

from collections.abc import Sequence
from typing import BinaryIO

import cv2

from models_ml.errors import InputError
from models_ml.video import jpegfile
from models_ml.video.clock import Clock
from models_ml.video.frames import Frame, Image, LazyFrame
from models_ml.video.imagefile import MIME, decode_image, read_header
from models_ml.video.packindex import PackIndex

# Quality 96 keeps motion of half a pixel within 0.03 pixels (test_framepack.py); 4:2:0 would blur the colours of neighbours.
_JPEG = [
    cv2.IMWRITE_JPEG_QUALITY,
    96,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 3]


class PackWriter:
    """Writes frames one after another to a binary file; ``close`` returns the index.

    Examples
    --------
    >>> import io
    >>> from fractions import Fraction
    >>> import numpy as np
    >>> writer = PackWriter(io.BytesIO())
    >>> writer.add(Frame(0, 46, 0, np.zeros((90, 120), np.uint8)))
    >>> index = writer.close(Clock(Fraction(200), 1))
    >>> index.count, index.width, index.height, index.source, index.mime
    (1, 120, 90, (46,), 'image/jpeg')
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._mime = ""
        self._width = self._height = 0
        self._offsets, self._pts, self._source = [0], list[int](), list[int]()

    def add(self, frame: Frame | LazyFrame) -> None:
        """Append a frame: its own bytes if they have the pack's image type, otherwise encoded."""
        mime = _mime(frame)
        if not self._pts:
            self._mime = mime or MIME["jpeg"]
            self._width, self._height = frame.size
        keep = frame.encoded is not None and mime == self._mime
        data = frame.encoded if keep and frame.encoded is not None else encode_image(frame.image, self._mime)
        self._file.write(data)
        self._offsets.append(self._offsets[-1] + len(data))
        self._pts.append(frame.pts)
        self._source.append(frame.source_number)

    @property
    def stamps(self) -> Sequence[int]:
        """The pts of all frames added; raises InputError if there are none."""
        if not self._pts:
            raise InputError("The clip has no frames.")
        return self._pts

    def close(self, clock: Clock) -> PackIndex:
        """Return the index of all frames added, at the times of their clock. The file stays open."""
        return PackIndex(
            self._width,
            self._height,
            clock.rate,
            clock.tick,
            self._mime,
            tuple(self._offsets),
            tuple(clock.ticks),
            tuple(self._source),
        )


def encode_image(image: Image, mime: str) -> bytes:
    """Encode uint8 (H, W) grey or (H, W, 3) RGB as "image/jpeg" (visually lossless) or "image/png" (lossless)."""
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    extension, options = (".png", _PNG) if mime == MIME["png"] else (".jpg", _JPEG)
    done, data = cv2.imencode(extension, pixels, options)
    if not done:
        raise RuntimeError(f"OpenCV could not encode an image of shape {image.shape} as {mime}")
    return bytes(data.data)


def read_pack_frame(file: BinaryIO, index: PackIndex, i: int) -> Image:
    """Return the pixels of frame ``i`` of a pack: uint8 (H, W) or (H, W, 3) RGB.

    Raises
    ------
    IndexError
        If the pack does not have the frame.
    InputError
        If the frame cannot be decoded.
    """
    if not 0 <= i < index.count:
        raise IndexError(f"frame {i} of a pack of {index.count} frames")
    file.seek(index.offsets[i])
    data = file.read(index.offsets[i + 1] - index.offsets[i])
    header = read_header(data)
    try:
        if header is None:
            raise InputError("is not an image")
        if header.format == "jpeg":  # checked when it was added
            return jpegfile.decode(data, grey=header.is_grey, check=False)
        return decode_image(data, grey=header.is_grey)
    except InputError as error:
        raise InputError(
            f"Frame {i} of the frame pack cannot be decoded: the pack is damaged. Upload the clip again."
        ) from error


def _mime(frame: Frame | LazyFrame) -> str | None:
    if frame.encoded is None:
        return None
    return MIME["png" if frame.encoded.startswith(b"\x89PNG") else "jpeg"]
