"""Write frame numbers into pixels, as a block code that survives JPEG and H.264, to prove which frame was shown or used."""

import numpy as np

from models_ml.errors import InputError
from models_ml.video.frames import Image

BLOCK = 8  # side in pixels; the blocks start at the upper left corner and match the block grid of codecs
COLUMNS = 10
_DATA_BITS, _CHECK_BITS = 16, 4
_ROWS = 2 * (_DATA_BITS + _CHECK_BITS) // COLUMNS  # the bits, and below them the inverted bits
_LEAST_CONTRAST = 60.0  # between a block and its inverse, which are written 224 grey levels apart


def _check(number: int) -> int:
    return (7 * number + 5 * (number >> 4) + 3 * (number >> 8) + (number >> 12) + 9) % 16


def burn_number(image: Image, n: int) -> Image:
    """Return a copy of ``image`` with the number ``n`` in its upper left corner.

    Parameters
    ----------
    image
        uint8 (H, W) or (H, W, 3), at least 80×32 pixels.
    n
        0 to 65535.

    Raises
    ------
    InputError
        If the image is too small, or the number does not fit.

    Examples
    --------
    >>> read_number(burn_number(np.zeros((64, 96), np.uint8), 5562))
    5562
    """
    if not 0 <= n < 1 << _DATA_BITS:
        raise InputError(
            f"Cannot write the frame number {n} into an image: it must be between 0 and {(1 << _DATA_BITS) - 1}."
        )
    _require_room(image)
    code = n << _CHECK_BITS | _check(n)
    bits = np.array([code >> i & 1 for i in reversed(range(_DATA_BITS + _CHECK_BITS))], np.uint8)
    bits = bits.reshape(-1, COLUMNS)
    blocks = np.concatenate([bits, 1 - bits]) * np.uint8(224) + np.uint8(16)
    marked = image.copy()
    pixels = np.kron(blocks, np.ones((BLOCK, BLOCK), np.uint8))
    marked[: _ROWS * BLOCK, : COLUMNS * BLOCK] = pixels if image.ndim == 2 else pixels[..., None]
    return marked


def read_number(image: Image) -> int:
    """Return the number that ``burn_number`` wrote.

    Raises
    ------
    InputError
        If there is none, or it cannot be read.
    """
    _require_room(image)
    corner = image[: _ROWS * BLOCK, : COLUMNS * BLOCK].astype(np.float32)
    grey = corner if corner.ndim == 2 else corner.mean(axis=2)
    middles = grey.reshape(_ROWS, BLOCK, COLUMNS, BLOCK)[:, 2:-2, :, 2:-2].mean(axis=(1, 3))
    contrast = middles[: _ROWS // 2] - middles[_ROWS // 2 :]
    code = int("".join("1" if c > 0 else "0" for c in contrast.ravel()), 2)
    number = code >> _CHECK_BITS
    if np.abs(contrast).min() < _LEAST_CONTRAST or code & 15 != _check(number):
        raise InputError("No readable frame number in the upper left corner of the image.")
    return number


def _require_room(image: Image) -> None:
    if image.shape[0] < _ROWS * BLOCK or image.shape[1] < COLUMNS * BLOCK:
        raise InputError(
            f"A frame number needs an image of at least {COLUMNS * BLOCK}×{_ROWS * BLOCK} pixels; "
            f"this one has {image.shape[1]}×{image.shape[0]}."
        )
