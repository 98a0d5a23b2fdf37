"""A CASME II tree for tests that import it: a few frames per clip, each large enough to be ingested."""

from pathlib import Path

import numpy as np

from models_ml.video.framepack import encode_image
from tests.trees.databases import casme2


def grey(seed: int, side: int = 64) -> np.ndarray:
    """Return a grey image, (side, side) uint8, that differs for each seed."""
    return np.random.default_rng(seed).integers(0, 200, (side, side), dtype=np.uint8)


def small_casme2_tree(
    root: Path, *, apex: int = 51, brightness: int = 0, mode: int = 0o644, erratum: bool = False
) -> Path:
    """Write three clips of two subjects, the first with frames img46–img57; with ``erratum`` also sub16/EP01_08."""
    rows = [
        [1, "EP02_01f", 46, apex, 57, "12", "happiness"],
        [1, "EP03_02", 100, "/", 107, "4+7", "others"],
        [2, "EP01_11f", 9, 12, 15, "4", "disgust"],
    ]
    spans = {
        ("sub01", "EP02_01f"): (46, 57),
        ("sub01", "EP03_02"): (100, 107),
        ("sub02", "EP01_11f"): (9, 15),
    }
    if erratum:
        rows.append([16, "EP01_08", 73, 90, 110, "4", "repression"])
        spans["sub16", "EP01_08"] = (73, 96)
    folder = casme2(root, rows)
    for (subject, clip), (first, last) in spans.items():
        frames = folder / subject / clip
        frames.mkdir(parents=True)
        for number in range(first, last + 1):
            file = frames / f"img{number}.jpg"
            file.write_bytes(encode_image(grey(first * 1000 + number) + brightness, "image/jpeg"))
            file.chmod(mode)
    return root
