"""Intensity normalisation removes differences of light, and adds no motion."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.config import FeatureConfig
from models_ml.motion.features import onset_apex_features
from models_ml.motion.intensity import NORMALISATIONS, Normalisation


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    grey = cv2.cvtColor(astronaut()[40:200, 140:300], cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA).astype(np.float32)


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_two_equal_crops_stay_equal(face: np.ndarray, name: Normalisation) -> None:
    onset, apex = NORMALISATIONS[name](face, face.copy())
    assert np.abs(onset - apex).max() < 1e-3
    assert (onset.dtype, apex.dtype) == (np.float32, np.float32)
    assert 0 <= onset.min() <= onset.max() <= 255


@pytest.mark.parametrize("name", ["match", "histogram"])
def test_a_change_of_light_is_removed(face: np.ndarray, name: Normalisation) -> None:
    lit = face * 0.8 + 20
    onset, apex = NORMALISATIONS[name](face, lit)
    assert np.abs(onset - apex).mean() < 1
    assert np.abs(face - lit).mean() > 5


def test_clahe_is_close_to_opencvs(face: np.ndarray) -> None:
    onset, _ = NORMALISATIONS["clahe"](face, face)
    theirs = cv2.createCLAHE(2.0, (4, 4)).apply(face.astype(np.uint8)).astype(np.float32)
    assert np.corrcoef(onset.ravel(), theirs.ravel())[0, 1] > 0.99
    assert onset.std() > face.std()


def test_clahe_treats_a_point_alike_in_both_frames(face: np.ndarray) -> None:
    changed = face.copy()
    changed[96:128, 32:64] += (
        40  # one tile only: by curves of its own the rest of that tile would change as well
    )
    onset, apex = NORMALISATIONS["clahe"](face, changed)
    assert np.array_equal(onset[:96], apex[:96])
    assert np.array_equal(onset[:, 64:], apex[:, 64:])


@pytest.mark.parametrize("name", ["match", "histogram"])
def test_dimming_light_is_not_motion(face: np.ndarray, name: Normalisation) -> None:
    first = face.astype(np.uint8)
    dimmed = np.clip(face * 0.75, 0, 255).astype(np.uint8)
    plain = onset_apex_features(first, dimmed, FeatureConfig(align="none"))
    matched = onset_apex_features(first, dimmed, FeatureConfig(align="none", normalise=name))
    assert np.abs(matched[:2]).mean() < 0.25 * np.abs(plain[:2]).mean()


def test_flat_crops_stay_finite() -> None:
    flat = np.full((64, 64), 127, np.float32)
    for normalise in NORMALISATIONS.values():
        assert np.isfinite(normalise(flat, flat + 9)).all()
