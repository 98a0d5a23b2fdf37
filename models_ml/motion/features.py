"""Compute what a network sees of a sample: optical flow from onset to apex, and its strain."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.face.align import Alignment, box_crop, similarity, whole_frame
from models_ml.face.detect import Box, get_detector, to_grey
from models_ml.motion.flow import Flow, flow_of_many, optical_strain
from models_ml.motion.head import REMOVALS
from models_ml.motion.intensity import NORMALISATIONS
from models_ml.video.frames import Image


class LandmarkDetector(Protocol):
    """A face detector, as far as alignment needs it."""

    def detect(self, image: Image) -> Box | None: ...

    def landmarks(self, image: Image, box: Box) -> NDArray[np.float32]: ...


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """The same square of the onset and the apex frame: float32 (crop_size, crop_size) in 0..255."""

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
    """Return the motion from the onset to the apex frame, as the three channels u, v and optical strain.

    Calls ``aligned_pair`` and ``features_of_pairs`` for one pair, on the CPU.

    Parameters
    ----------
    onset, apex, config, onset_name, detector
        As for ``aligned_pair``.

    Returns
    -------
    NDArray
        float32 (3, size, size), as ``features_of_pairs``.

    Raises
    ------
    InputError
        As ``aligned_pair``.
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
    """Crop both frames to the face, and normalise their intensity.

    The face is found in the onset frame only, and both frames are cropped with the transform that results, so that alignment
    cannot look like motion. ``config.align`` chooses the transform: "similarity" brings eye corners and nose to fixed
    positions, "crop" cuts out the face's box without rotation, "none" stretches the whole frame to a square.

    Parameters
    ----------
    onset, apex
        Frames of the same size, uint8 (H, W) grey or (H, W, 3) RGB.
    config
        ``align``, ``crop_size`` and ``normalise`` are used.
    onset_name
        Name of the onset frame in the error message, for example "frame 120 (source frame 121)".
    detector
        Finds the face; by default the process's own.

    Raises
    ------
    InputError
        If the frames differ in size, or the onset frame shows no face and the alignment needs one.
    """
    if onset.shape[:2] != apex.shape[:2]:
        raise InputError(
            f"The onset and the apex frame must have the same size; they have {onset.shape[1]}×{onset.shape[0]} "
            f"and {apex.shape[1]}×{apex.shape[0]} pixels."
        )
    first, second = to_grey(onset), to_grey(apex)
    return crop_pair(face_alignment(first, config, onset_name, detector), first, second, config)


def crop_pair(alignment: Alignment, onset: Image, apex: Image, config: FeatureConfig) -> AlignedPair:
    """Crop two grey frames with one transform, and normalise their intensity."""
    return AlignedPair(*NORMALISATIONS[config.normalise](alignment.crop(onset), alignment.crop(apex)))


def features_of_pairs(
    pairs: Sequence[AlignedPair], config: FeatureConfig, device: str = "cpu"
) -> NDArray[np.float32]:
    """Return the flow of aligned pairs without the head's motion, and its strain, averaged to ``size`` × ``size``.

    A pair gives the same bits alone and among others, with any number of threads, on the same kind of device.

    Parameters
    ----------
    pairs
        Pairs of the size ``config.crop_size``.
    config
        ``flow``, ``head_motion`` and ``size`` are used.
    device
        Device that solves TV-L1; see ``flow_of_many``.

    Returns
    -------
    NDArray
        float32 (N, 3, size, size): u (to the right) and v (down) in pixels of the crop, and strain, which has no unit.
    """
    if not pairs:
        return np.empty((0, 3, config.size, config.size), np.float32)
    onsets, apexes = np.stack([pair.onset for pair in pairs]), np.stack([pair.apex for pair in pairs])
    return np.stack([_features(flow, config) for flow in flow_of_many(config.flow, onsets, apexes, device)])


@cache
def flow_device() -> str:
    """Return the kind of device on which this process solves TV-L1: "cuda" if there is a GPU, otherwise "cpu"."""
    import torch  # takes a second to load: only for processes that compute features

    return "cuda" if torch.cuda.is_available() else "cpu"


def _features(flow: Flow, config: FeatureConfig) -> NDArray[np.float32]:
    flow = REMOVALS[config.head_motion](flow)
    channels = (*flow, optical_strain(flow))
    method = cv2.INTER_AREA if config.size <= config.crop_size else cv2.INTER_LINEAR
    size = (config.size, config.size)
    return np.stack([cv2.resize(c, size, interpolation=method) for c in channels]).astype(np.float32)


def face_alignment(
    onset: Image, config: FeatureConfig, onset_name: str, detector: LandmarkDetector | None = None
) -> Alignment:
    """Return the transform that ``aligned_pair`` uses, from a grey onset frame; errors as there."""
    height, width = onset.shape
    if config.align == "none":
        return whole_frame(width, height, config.crop_size)
    detector = detector or get_detector()
    box = detector.detect(onset)
    if box is None:
        raise InputError(
            f"There is no face in {onset_name}, so the face cannot be aligned. Choose another onset frame, or set "
            "the face alignment to none.",
            "no_face",
        )
    if config.align == "crop":
        return box_crop(box, config.crop_size)
    return similarity(detector.landmarks(onset, box), config.crop_size)
