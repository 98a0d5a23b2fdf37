"""Read flow pictures: u, v and strain of an onset–apex flow that another lab computed, as 8-bit PNG."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.video.frames import Limits
from models_ml.video.imagefile import read_header

_ZERO, _HALF_RANGE = 128, 127  # u and v are stored around mid-grey


def picture_features(data: bytes, size: int) -> NDArray[np.float32]:
    """Return the features of a flow picture, in the form that ``onset_apex_features`` returns for a clip.

    Its scale in pixels is not known, so these features must not be mixed with features of clips.

    Parameters
    ----------
    data
        A PNG file with 8 bits and three channels, in the order u, v, strain.
    size
        Side of the result in pixels; the picture is averaged down or interpolated up.

    Returns
    -------
    NDArray
        float32 (3, size, size): u and v in −1..1, 0 at mid-grey, and strain in 0..1.

    Raises
    ------
    InputError
        If the file is not such a picture.
    """
    if (header := read_header(data)) is not None:  # its pixels are not decoded before their number is known
        Limits().check_size(header.width, header.height, "The flow picture")
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    if bgr is None:
        raise InputError(
            "The flow picture is not an image, or it is damaged. Import the original file again."
        )
    if bgr.dtype != np.uint8 or bgr.ndim != 3 or bgr.shape[2] != 3:
        channels = 1 if bgr.ndim == 2 else bgr.shape[2]
        raise InputError(
            f"The flow picture has {channels} channel{'s' * (channels > 1)} of {bgr.dtype}; it must have three "
            "channels of 8 bits: u, v and strain."
        )
    u, v, strain = np.moveaxis(bgr[..., ::-1].astype(np.float32), 2, 0)
    channels_in = ((u - _ZERO) / _HALF_RANGE, (v - _ZERO) / _HALF_RANGE, strain / 255)
    method = cv2.INTER_AREA if size <= min(bgr.shape[:2]) else cv2.INTER_LINEAR
    return np.stack([cv2.resize(c, (size, size), interpolation=method) for c in channels_in]).astype(
        np.float32
    )
