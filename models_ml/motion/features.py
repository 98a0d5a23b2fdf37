"""The picture of motion that a network sees: flow from onset to apex, and its strain."""

import hashlib
import json
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.face.align import Alignment, box_crop, similarity, whole_frame
from models_ml.face.detect import Box, get_detector, to_grey
from models_ml.motion.flow import FLOWS, optical_strain
from models_ml.video.frames import Image

# Raised by whoever changes a feature's value, so that no cached one of another program is taken for it.
FEATURE_CODE_VERSION = 2


class LandmarkDetector(Protocol):
    """What alignment needs of a face detector."""

    def detect(self, image: Image) -> Box | None: ...

    def landmarks(self, image: Image, box: Box) -> NDArray[np.float32]: ...


def onset_apex_features(
    onset: Image,
    apex: Image,
    config: FeatureConfig,
    *,
    onset_name: str = "the onset frame",
    detector: LandmarkDetector | None = None,
) -> NDArray[np.float32]:
    """Motion from the onset to the apex frame, as the three channels u, v and optical strain.

    The face is found in the onset frame only, and both frames are cropped with the one transform that comes
    from it (``config.align``): with "similarity" eye corners and nose come to fixed places, with "crop" the
    face's box is cut out unturned, with "none" the whole frame is taken, stretched to a square.

    Args:
        onset, apex: uint8 (H, W) grey or (H, W, 3) RGB, of one size.
        config: what to compute; the flow is solved on ``crop_size`` × ``crop_size`` pixels, and averaged down
            to ``size`` × ``size``. ``remove_head_motion`` subtracts the median flow of the crop.
        onset_name: for the error message: "frame 120 (source 121)".
        detector: for tests; the process's own by default.

    Returns:
        float32 (3, size, size). u (to the right) and v (down) are in pixels of the crop; strain has no unit.
        The same input gives the same bits, whatever the number of threads.

    Raises:
        InputError: if the frames differ in size, or no face is found in the onset frame where one is needed.
    """
    if onset.shape[:2] != apex.shape[:2]:
        raise InputError(
            f"Onset and apex frame differ in size: {onset.shape[1]}×{onset.shape[0]} and "
            f"{apex.shape[1]}×{apex.shape[0]} pixels."
        )
    first, second = to_grey(onset), to_grey(apex)
    alignment = _alignment(first, config, onset_name, detector)
    flow = FLOWS[config.flow](alignment.crop(first), alignment.crop(second))
    if config.remove_head_motion:
        flow = flow - np.median(flow, axis=(1, 2), keepdims=True)
    channels = (*flow, optical_strain(flow))
    method = cv2.INTER_AREA if config.size <= config.crop_size else cv2.INTER_LINEAR
    size = (config.size, config.size)
    return np.stack([cv2.resize(c, size, interpolation=method) for c in channels]).astype(np.float32)


def feature_key(clip_sha256: str, onset: int, apex: int, config: FeatureConfig) -> str:
    """Key under which these features may be cached: SHA-256 (hex) of everything that they depend on.

    >>> feature_key("ab" * 32, 10, 20, FeatureConfig()) == feature_key("ab" * 32, 10, 21, FeatureConfig())
    False
    """
    parts = {
        "version": FEATURE_CODE_VERSION,
        "clip": clip_sha256,
        "onset": onset,
        "apex": apex,
        "config": config.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _alignment(
    onset: Image, config: FeatureConfig, onset_name: str, detector: LandmarkDetector | None
) -> Alignment:
    height, width = onset.shape
    if config.align == "none":
        return whole_frame(width, height, config.crop_size)
    detector = detector or get_detector()
    box = detector.detect(onset)
    if box is None:
        raise InputError(
            f"There is no face in {onset_name}, so it cannot be aligned. Choose another onset frame, or set "
            "face alignment to none."
        )
    if config.align == "crop":
        return box_crop(box, config.crop_size)
    return similarity(detector.landmarks(onset, box), config.crop_size)
