"""Onset–apex features show the known motion of a face, in pixels of the crop, with the same bits each time."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.face.detect import Box, get_detector
from models_ml.motion.feature_keys import feature_key
from models_ml.motion.features import onset_apex_features
from models_ml.motion.flow import FlowMethod
from models_ml.synthetic.clip import apex_field, render
from models_ml.synthetic.demo import demo_clips

HASH = "ab" * 32


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return astronaut()[:256, 96:352]


def warped(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the image whose skin at p has moved by (x, y)(p)."""
    rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    return cv2.remap(
        image,
        (columns - x).astype(np.float32),
        (rows - y).astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )


@pytest.fixture(scope="module")
def smile(face: np.ndarray) -> np.ndarray:
    """Return a face whose mouth corners rose by two pixels, and whose head moved by (1.5, −1)."""
    rows, columns = np.mgrid[0:256, 0:256].astype(np.float32)
    lift = sum(np.exp(-((columns - x) ** 2 + (rows - 142) ** 2) / (2 * 10**2)) for x in (108, 147))
    return warped(face, np.full((256, 256), 1.5), -1 - 2 * lift)


@pytest.mark.parametrize("flow", ["tvl1", "farneback", "dis"])
def test_a_smile_shows_at_the_mouth_corners_without_the_heads_motion(
    face: np.ndarray, smile: np.ndarray, flow: str
) -> None:
    features = onset_apex_features(face, smile, FeatureConfig(flow=flow))
    assert (features.shape, features.dtype) == ((3, 28, 28), np.float32)
    _, v, strain = features
    mouth = v[19:25, 6:22]
    assert v.min() == mouth.min() < -1.0
    assert np.abs(v[6:12, 5:23]).max() < 0.4  # brows and eyes
    assert strain[17:26].max() == strain[:, 3:25].max()
    assert strain.min() >= 0


def test_the_heads_motion_stays_if_configured(face: np.ndarray, smile: np.ndarray) -> None:
    u = onset_apex_features(face, smile, FeatureConfig(head_motion="none"))[0]
    scale = 128 * 0.59 / 64  # of the crop: pixels of it per pixel of the frame, about
    assert abs(np.median(u) - 1.5 * scale) < 0.35


@pytest.mark.parametrize(("flow", "likeness"), [("tvl1", 0.95), ("farneback", 0.65), ("dis", 0.8)])
def test_the_flow_is_the_known_motion_of_a_synthetic_face(flow: FlowMethod, likeness: float) -> None:
    spec = next(spec for spec in demo_clips() if spec.action_units == "15")
    spec = replace(spec, frame_count=9, onset=1, apex=5, offset=7, intensity_px=3.0)
    onset, apex = (frame for k, frame in enumerate(render(spec, clean=True)) if k in (1, 5))
    config = FeatureConfig(flow=flow, align="none", crop_size=128, head_motion="none")
    shrunk = np.array([128 / spec.width, 128 / spec.height])[:, None, None]
    true = (
        np.stack([cv2.resize(part, (28, 28), interpolation=cv2.INTER_AREA) for part in apex_field(spec)])
        * shrunk
    )
    found = onset_apex_features(onset, apex, config)[:2]
    assert np.hypot(*true).max() > 0.5
    assert np.corrcoef(found.ravel(), true.ravel())[0, 1] > likeness
    assert np.hypot(*(found - true)).mean() < 0.1  # end-point error, in pixels of the crop


def test_vectors_turn_with_a_turned_head(face: np.ndarray) -> None:
    moved = warped(face, np.zeros((256, 256)), np.full((256, 256), -2.0))
    turn = cv2.getRotationMatrix2D((127, 115), 20, 1)
    a, b = (cv2.warpAffine(i, turn, (256, 256), borderMode=cv2.BORDER_REPLICATE) for i in (face, moved))
    config = FeatureConfig(head_motion="none")
    u, v = np.median(onset_apex_features(a, b, config)[:2], axis=(1, 2))
    assert abs(u) < 0.35  # along the face still straight up
    assert v < -1.5


def test_pixels_of_the_crop_are_the_unit(face: np.ndarray) -> None:
    moved = warped(face, np.full((256, 256), 2.0), np.zeros((256, 256)))
    config = FeatureConfig(align="none", crop_size=128, head_motion="none")
    assert abs(np.median(onset_apex_features(face, moved, config)[0]) - 1.0) < 0.05
    config = FeatureConfig(align="none", crop_size=256, head_motion="none")
    assert abs(np.median(onset_apex_features(face, moved, config)[0]) - 2.0) < 0.05


@pytest.mark.parametrize("align", ["none", "crop", "similarity"])
@pytest.mark.parametrize(("size", "crop_size"), [(28, 128), (64, 64), (96, 64)])
def test_every_alignment_and_size_works(
    face: np.ndarray, smile: np.ndarray, align: str, size: int, crop_size: int
) -> None:
    config = FeatureConfig(flow="dis", align=align, size=size, crop_size=crop_size)
    features = onset_apex_features(face, smile, config)
    assert features.shape == (3, size, size)
    assert np.isfinite(features).all()


def test_the_face_is_searched_in_the_onset_frame_only(face: np.ndarray, smile: np.ndarray) -> None:
    class Once:
        images: list[np.ndarray] = []

        def detect(self, image: np.ndarray) -> Box | None:
            self.images.append(image)
            return get_detector().detect(image)

        def landmarks(self, image: np.ndarray, box: Box) -> np.ndarray:
            return get_detector().landmarks(image, box)

    detector = Once()
    onset_apex_features(face, smile, FeatureConfig(flow="dis"), detector=detector)
    assert len(detector.images) == 1
    assert np.array_equal(detector.images[0], cv2.cvtColor(face, cv2.COLOR_RGB2GRAY))


def test_the_same_bits_come_out_with_any_number_of_threads(face: np.ndarray, smile: np.ndarray) -> None:
    before = cv2.getNumThreads()
    results = []
    for threads in (1, 4):
        cv2.setNumThreads(threads)
        results.append(onset_apex_features(face, smile, FeatureConfig()))
    cv2.setNumThreads(before)
    assert np.array_equal(*results)


def test_a_frame_without_a_face_is_named() -> None:
    blank = np.full((120, 160), 127, np.uint8)
    with pytest.raises(InputError, match=r"There is no face in frame 120 \(source 121\)"):
        onset_apex_features(blank, blank, FeatureConfig(), onset_name="frame 120 (source 121)")
    assert np.abs(onset_apex_features(blank, blank, FeatureConfig(align="none"))).max() < 1e-6


def test_frames_of_different_sizes_are_refused(face: np.ndarray) -> None:
    with pytest.raises(InputError, match="same size; they have 256×256 and 256×200"):
        onset_apex_features(face, face[:200], FeatureConfig())


def test_the_key_changes_with_all_that_features_depend_on() -> None:
    base = FeatureConfig()
    keys = {
        feature_key(HASH, 10, 20, base),
        feature_key("cd" * 32, 10, 20, base),
        feature_key(HASH, 11, 20, base),
        feature_key(HASH, 10, 21, base),
        *(feature_key(HASH, 10, 20, FeatureConfig(**{k: v})) for k, v in CHANGES.items()),
    }
    assert len(keys) == 4 + len(CHANGES)
    assert feature_key(HASH, 10, 20, base) == feature_key(HASH, 10, 20, FeatureConfig())
    assert len(feature_key(HASH, 10, 20, base)) == 64


CHANGES: dict[str, object] = {
    "flow": "dis",
    "size": 32,
    "align": "crop",
    "crop_size": 96,
    "head_motion": "nose",
    "normalise": "match",
}


def test_devices_have_their_own_keys_if_their_bits_differ() -> None:
    assert feature_key(HASH, 1, 2, FeatureConfig()) != feature_key(HASH, 1, 2, FeatureConfig(), "cuda")
    dis = FeatureConfig(flow="dis")
    assert feature_key(HASH, 1, 2, dis) == feature_key(HASH, 1, 2, dis, "cuda")


def test_the_key_changes_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = feature_key(HASH, 10, 20, FeatureConfig())
    monkeypatch.setattr("models_ml.motion.feature_keys.FEATURE_CODE_VERSION", 999)
    assert feature_key(HASH, 10, 20, FeatureConfig()) != before
