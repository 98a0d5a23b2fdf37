"""Trees of the size of the real databases: the 442 samples of MEGC2019, and many frames of full size."""

import struct
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.trees.databases import casme2, samm
from tests.trees.files import frames

_EMOTIONS = {
    "casme2": {"negative": ("disgust", "repression"), "positive": ("happiness",), "surprise": ("surprise",)},
    "samm": {
        "negative": ("Anger", "Contempt", "Disgust", "Fear", "Sadness"),
        "positive": ("Happiness",),
        "surprise": ("Surprise",),
    },
}


def megc2019_trees(root: Path, rows: Iterable[Mapping[str, str]], *, extras: bool = True) -> dict[str, Path]:
    """Write CASME II, SMIC HS and SAMM trees with all samples of the MEGC2019 list; return them by layout key.

    ``rows`` have the keys database (casme2, smic, samm), subject, clip, label. Each clip has five frames; sheets give
    emotions that MEGC2019 maps to the label. ``extras`` adds clips that are not in the list: CASME II's sub04/EP12_01f
    (disgust, no apex), sub24/EP02_07 (happiness), one "others" and one fear; one SAMM "Other".
    """
    casme2_rows: list[list[Any]] = []
    samm_rows: list[list[Any]] = []
    raw = root / "casme2" / "CASME2_RAW_selected"
    for index, row in enumerate(rows):
        database, subject, clip, label = row["database"], row["subject"], row["clip"], row["label"]
        if database == "smic":
            _smic_clip(root / "smic", subject, clip, label)
            continue
        words = _EMOTIONS[database][label]
        word = words[index % len(words)]
        first = 40 + index
        if database == "casme2":
            casme2_rows.append([int(subject[3:]), clip, first, first + 2, first + 4, "4", word])
            frames(raw / subject / clip, range(first, first + 5))
        else:
            samm_rows.append([subject, clip, first, first + 2, first + 4, "Micro", "AU4", word])
            frames(root / "samm" / subject / clip, range(first, first + 5), subject + "_{:05d}.jpg")
    if extras:
        for subject, clip, apex, word in (
            (4, "EP12_01f", "/", "disgust"),
            (24, "EP02_07", 3, "happiness"),
            (26, "EP99_01", 3, "others"),
            (26, "EP99_02", 3, "fear"),
        ):
            casme2_rows.append([subject, clip, 1, apex, 5, "4", word])
            frames(raw / f"sub{subject:02d}" / clip, range(1, 6))
        samm_rows.append(["006", "006_9_9", 1, 3, 5, "Micro", "AU4", "Other"])
        frames(root / "samm/006/006_9_9", range(1, 6), "006_{:05d}.jpg")
    casme2(root / "casme2", casme2_rows)
    samm(root / "samm", samm_rows)
    return {key: root / key for key in ("casme2", "smic", "samm")}


def _smic_clip(root: Path, subject: str, clip: str, label: str) -> None:
    """Write a clip of SMIC, whose folders have one digit if the list has two: s1/micro/negative/s1_ne_01."""
    number, _, rest = clip.partition("_")
    folder = f"s{int(subject[1:])}"
    frames(
        root / "HS" / folder / "micro" / label / f"s{int(number[1:])}_{rest}", range(1, 6), "image{:06d}.bmp"
    )


def large_casme2_tree(
    root: Path, *, clips: int = 250, total: int = 16_000, width: int = 640, height: int = 480
) -> Path:
    """Write a tree of many CASME II clips quickly: few images are encoded, but no two files are equal.

    Each file is a JPEG of one of eight images of its subject with a unique comment, so all files differ, and decoding
    costs as much as usual.
    """
    per_clip = [total // clips + (index < total % clips) for index in range(clips)]
    rows: list[list[Any]] = []
    raw = root / "CASME2_RAW_selected"
    for index, count in enumerate(per_clip):
        subject, clip, first = (
            1 + index % 26,
            f"EP{1 + index // 26:02d}_{1 + index % 26:02d}f",
            1 + index % 90,
        )
        folder = raw / f"sub{subject:02d}" / clip
        folder.mkdir(parents=True)
        images = _images(subject, width, height)
        for position in range(count):
            data = _with_comment(images[position % len(images)], f"{index}/{position}")
            (folder / f"img{first + position}.jpg").write_bytes(data)
        last = first + count - 1
        rows.append([subject, clip, first, first + count // 2, last, "4", "disgust"])
    casme2(root, rows)
    return root


@cache
def _images(subject: int, width: int, height: int) -> tuple[bytes, ...]:
    """Return eight JPEGs with about the detail of a photograph, shifted like a moving head."""
    random = np.random.default_rng(subject)
    noise = random.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    smooth = cv2.resize(cv2.GaussianBlur(noise, (0, 0), 3), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = random.normal(0, 3, smooth.shape)
    image = np.clip(cv2.normalize(smooth, None, 40, 220, cv2.NORM_MINMAX) + grain, 0, 255).astype(np.uint8)
    shifted = (np.roll(image, step, axis=1) for step in range(8))
    return tuple(cv2.imencode(".jpg", each, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes() for each in shifted)


def _with_comment(jpeg: bytes, comment: str) -> bytes:
    """Return the JPEG with a comment segment (COM, ITU-T T.81) after its start marker."""
    text = comment.encode()
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + jpeg[2:]
