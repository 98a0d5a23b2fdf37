"""The picture of motion that a network sees: flow from onset to apex, and its strain."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.config import FEATURE_CODE_VERSION, FeatureConfig
from models_ml.errors import InputError
from models_ml.face.align import Alignment, box_crop, similarity, whole_frame
from models_ml.face.detect import Box, get_detector, to_grey
from models_ml.motion.flow import Flow, flow_of_many, optical_strain
from models_ml.motion.head import REMOVALS
from models_ml.motion.intensity import NORMALISATIONS
from models_ml.video.frames import Image


class LandmarkDetector(Protocol):
    """What alignment needs of a face detector."""

    def detect(self, image: Image) -> Box | None: ...

    def landmarks(self, image: Image, box: Box) -> NDArray[np.float32]: ...


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """The same square of the onset and of the apex frame: float32 (crop_size, crop_size) in 0..255."""

    onset: NDArray[np.float32]
    apex: NDArray[np.float32]


def onset_apex_features(
    onset: Image,
    apex: Image,
    config: FeatureConfig,
    *,
    onset_name: str = "the onset frame",
    detector: LandmarkDetector | None = None,
) -> NDArray[np.float32]:
    """Motion from the onset to the apex frame, as the three channels u, v and optical strain.

    ``aligned_pair`` and ``features_of_pairs`` for one pair, on the CPU; arguments and errors are theirs.

    Returns
    -------
    float32 (3, size, size).
    """
    pair = aligned_pair(onset, apex, config, onset_name=onset_name, detector=detector)
    return features_of_pairs([pair], config)[0]


def aligned_pair(
    onset: Image,
    apex: Image,
    config: FeatureConfig,
    *,
    onset_name: str = "the onset frame",
    detector: LandmarkDetector | None = None,
) -> AlignedPair:
    """Both frames cropped to the face, and brought to one intensity.

    The face is found in the onset frame only, and both frames are cropped with the one transform that comes
    from it (``config.align``), so that alignment cannot look like motion: with "similarity" eye corners and nose
    come to fixed places, with "crop" the face's box is cut out unturned, with "none" the whole frame is taken,
    stretched to a square.

    Parameters
    ----------
    onset, apex
        Uint8 (H, W) grey or (H, W, 3) RGB, of one size.
    config
        ``align``, ``crop_size`` and ``normalise`` are used.
    onset_name
        For the error message: "frame 120 (source 121)".
    detector
        For tests; the process's own by default.

    Raises
    ------
    InputError
        If the frames differ in size, or no face is found in the onset frame where one is needed.
    """
    if onset.shape[:2] != apex.shape[:2]:
        raise InputError(
            f"Onset and apex frame differ in size: {onset.shape[1]}×{onset.shape[0]} and "
            f"{apex.shape[1]}×{apex.shape[0]} pixels."
        )
    first, second = to_grey(onset), to_grey(apex)
    return crop_pair(face_alignment(first, config, onset_name, detector), first, second, config)


def crop_pair(alignment: Alignment, onset: Image, apex: Image, config: FeatureConfig) -> AlignedPair:
    """Both frames, grey, cropped by one transform and brought to one intensity."""
    return AlignedPair(*NORMALISATIONS[config.normalise](alignment.crop(onset), alignment.crop(apex)))


def features_of_pairs(
    pairs: Sequence[AlignedPair], config: FeatureConfig, device: str = "cpu"
) -> NDArray[np.float32]:
    """Flow of aligned pairs less the head's motion, and its strain, averaged down to ``size`` × ``size``.

    Parameters
    ----------
    pairs
        All of ``config.crop_size``.
    device
        Where TV-L1 is solved, see ``flow_of_many``.

    Returns
    -------
    float32 (N, 3, size, size). u (to the right) and v (down) are in pixels of the crop; strain has no unit. A pair
    gives the same bits alone and among others, whatever the number of threads, on the same kind of device.
    """
    if not pairs:
        return np.empty((0, 3, config.size, config.size), np.float32)
    onsets, apexes = np.stack([pair.onset for pair in pairs]), np.stack([pair.apex for pair in pairs])
    return np.stack([_picture(flow, config) for flow in flow_of_many(config.flow, onsets, apexes, device)])


def feature_key(clip_sha256: str, onset: int, apex: int, config: FeatureConfig, device: str = "cpu") -> str:
    """Key under which these features may be cached: SHA-256 (hex) of everything that they depend on.

    Devices of different kinds differ in the last bits of TV-L1, so the kind is part of its key.

    >>> feature_key("ab" * 32, 10, 20, FeatureConfig()) == feature_key("ab" * 32, 10, 21, FeatureConfig())
    False
    """
    parts = {
        "version": FEATURE_CODE_VERSION,
        "clip": clip_sha256,
        "onset": onset,
        "apex": apex,
        "config": config.model_dump(mode="json"),
        "device": device if config.flow == "tvl1" else "cpu",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def flow_device() -> str:
    """The kind of device that this process solves TV-L1 on: "cuda" where there is one."""
    import torch  # a second of loading, for processes that compute features only

    return "cuda" if torch.cuda.is_available() else "cpu"


def _picture(flow: Flow, config: FeatureConfig) -> NDArray[np.float32]:
    flow = REMOVALS[config.head_motion](flow)
    channels = (*flow, optical_strain(flow))
    method = cv2.INTER_AREA if config.size <= config.crop_size else cv2.INTER_LINEAR
    size = (config.size, config.size)
    return np.stack([cv2.resize(c, size, interpolation=method) for c in channels]).astype(np.float32)


def face_alignment(
    onset: Image, config: FeatureConfig, onset_name: str, detector: LandmarkDetector | None = None
) -> Alignment:
    """The transform from frames to the crop that ``aligned_pair`` uses; arguments and errors are its own, ``onset`` grey."""
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
