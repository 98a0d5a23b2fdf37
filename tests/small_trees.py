"""Folders a lab might import, a few frames each: real images and a real sheet."""

from pathlib import Path

import numpy as np
from openpyxl import Workbook

from models_ml.video.framepack import encode_image

HEADER = [
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
]


def grey(seed: int, side: int = 64) -> np.ndarray:
    """A grey image that differs with every seed."""
    return np.random.default_rng(seed).integers(0, 200, (side, side), dtype=np.uint8)


def casme2(
    folder: Path, *, apex: int = 51, brightness: int = 0, mode: int = 0o644, erratum: bool = False
) -> Path:
    """Three clips of two subjects as CASME II lays them, the first at img46–img57; with ``erratum`` sub16/EP01_08 too."""
    rows = [
        [1, "EP02_01f", None, 46, apex, 57, None, "12", "happiness"],
        [1, "EP03_02", None, 100, "/", 107, None, "4+7", "others"],
        [2, "EP01_11f", None, 9, 12, 15, None, "4", "disgust"],
    ]
    spans = {
        ("sub01", "EP02_01f"): (46, 57),
        ("sub01", "EP03_02"): (100, 107),
        ("sub02", "EP01_11f"): (9, 15),
    }
    if erratum:
        rows.append([16, "EP01_08", None, 73, 90, 110, None, "4", "repression"])
        spans["sub16", "EP01_08"] = (73, 96)
    for (subject, clip), (first, last) in spans.items():
        frames = folder / "CASME2_RAW_selected" / subject / clip
        frames.mkdir(parents=True)
        for number in range(first, last + 1):
            file = frames / f"img{number}.jpg"
            file.write_bytes(encode_image(grey(first * 1000 + number) + brightness, "image/jpeg"))
            file.chmod(mode)
    book = Workbook()
    for row in [HEADER, *rows]:
        book.active.append(row)
    book.save(folder / "CASME2-coding-20140508.xlsx")
    return folder
