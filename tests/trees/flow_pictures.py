"""Precomputed flow pictures: one whose class is visible, and trees of them in both layouts."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from models_ml.classes import CLASSES
from tests.trees.files import colour_image

SIDE = 28
# (subject, clip as in the file's name, label as a digit): two samples of each database
SAMPLES = (
    ("sub01", "EP02_01f", "1"),
    ("sub02", "EP01_11f", "0"),
    ("s01", "s01_ne_01", "0"),
    ("s02", "s02_sur_03", "2"),
    ("006", "006_1_2", "0"),
    ("007", "007_7_5", "1"),
)


def flow_folds(root: Path, samples: Sequence[tuple[str, str, str]] = SAMPLES) -> Path:
    """Write <held-out subject>/u_train|u_test/<0|1|2>/<subject>_<clip> .png, as published, with a blank in the name."""
    pictures = {sample: colour_image() for sample in samples}
    for held_out in sorted({subject for subject, _, _ in samples}):
        for (subject, clip, label), picture in pictures.items():
            split = "u_test" if subject == held_out else "u_train"
            file = root / held_out / split / label / f"{subject}_{clip} .png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture)
    return root


def flow_by_label(root: Path) -> Path:
    """Write <database>/<subject>/<label>/<clip>.png, including a database of the lab's own."""
    for path in (
        "casme2/sub01/positive/EP02_01f.png",
        "SMIC/s1/negative/s1_ne_01 .png",
        "samm/006/0/006_1_2.png",
        "Lab/Anna/joy/first.png",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(colour_image())
    return root


def picture_bytes(label: str, seed: int) -> bytes:
    """Return an 8-bit PNG (u, v, strain) of noise in which the brighter third gives the class."""
    noise = np.random.default_rng(seed).integers(118, 138, (SIDE, SIDE, 3))
    rows = slice(9 * CLASSES.index(label), 9 * CLASSES.index(label) + 9)
    noise[rows] += 90
    return cv2.imencode(".png", noise.astype(np.uint8)[..., ::-1])[1].tobytes()
