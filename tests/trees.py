"""Miniature database trees as the official databases lay them out, with real xlsx sheets, for tests and benchmarks.

No face is in them. Every image is decodable and no two files are alike: clips are told apart by their bytes.
"""

import csv
import itertools
import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from openpyxl import Workbook

CASME2_HEADER = [
    "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units", "Estimated Emotion",
]  # fmt: skip
SAMM_HEADER = [
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
]  # fmt: skip
SAMM_PREAMBLE = [
    [f"Line {n} of what the sheet says before its header: Subject, Filename"] for n in range(1, 14)
]
_serial = itertools.count(1)


def image(suffix: str = ".jpg", *, width: int = 24, height: int = 16, seed: int | None = None) -> bytes:
    """One small image that no other call gives: its pixels are drawn from a running number, or from ``seed``."""
    number = next(_serial) if seed is None else seed
    pixels = np.random.default_rng(number).integers(60, 200, (height, width), dtype=np.uint8)
    return bytes(cv2.imencode(suffix, pixels)[1].tobytes())


def frames(
    folder: Path, numbers: Iterable[int], name: str = "img{}.jpg", *, width: int = 24, height: int = 16
) -> Path:
    """Frame images by source number; ``name`` has one place for it ("img{}.jpg", "006_{:05d}.jpg")."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        file = folder / name.format(number)
        file.write_bytes(image(file.suffix, width=width, height=height))
    return folder


def xlsx(path: Path, rows: Sequence[Sequence[Any]], **more: Sequence[Sequence[Any]]) -> Path:
    """A real workbook; ``more`` are further worksheets by title ("_" for a blank)."""
    book = Workbook()
    first = book.active
    assert first is not None
    for row in rows:
        first.append(list(row))
    for title, content in more.items():
        sheet = book.create_sheet(title.replace("_", " "))
        for row in content:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def table(
    path: Path, rows: Sequence[Sequence[Any]], delimiter: str = ",", encoding: str = "utf-8-sig"
) -> Path:
    """A csv file as spreadsheet programs write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def casme2(root: Path, rows: Sequence[Sequence[Any]], *, cropped: bool = False) -> Path:
    """CASME II: rows of (subject, filename, onset, apex, offset, action units, emotion); folders are made apart."""
    sheet = [CASME2_HEADER] + [
        [s, f, None, on, apex, off, None, au, e] for s, f, on, apex, off, au, e in rows
    ]
    xlsx(root / "CASME2-coding-20190701.xlsx", sheet)
    return root / ("Cropped" if cropped else "CASME2_RAW_selected")


def casme2_tree(root: Path) -> Path:
    """One clip in order (sub01/EP02_01f, frames 46–86, apex 59) and a second of the same subject without an apex."""
    folder = casme2(
        root,
        [
            [1, "EP02_01f", 46, 59, 86, 12, "happiness"],
            [1, "EP03_02", 10, "/", 14, "4+7", "disgust"],
            [17, "EP01_13", 5, 7, 9, "1+2", "surprise"],
        ],
    )
    frames(folder / "sub01/EP02_01f", range(46, 87))
    frames(folder / "sub01/EP03_02", range(8, 17))
    frames(folder / "sub17/EP01_13", range(1, 12))
    return root


def samm(root: Path, rows: Sequence[Sequence[Any]]) -> Path:
    """SAMM: rows of (subject, filename, onset, apex, offset, micro, action units, emotion)."""
    sheet = [*SAMM_PREAMBLE, SAMM_HEADER] + [
        [s, f, int(str(f).split("_")[1]), on, apex, off, None, micro, au, e, 1, None]
        for s, f, on, apex, off, micro, au, e in rows
    ]
    xlsx(root / "SAMM_Micro_FACS_Codes_v2.xlsx", sheet)
    return root


def samm_tree(root: Path) -> Path:
    """Two clips of subject 006, one of 011."""
    samm(
        root,
        [
            ["006", "006_1_2", 5562, 5564, 5566, "Micro", "AU4", "Anger"],
            ["006", "006_1_3", 12, 13, 15, "Micro - 1/2", "AU12", "Happiness"],
            ["011", "011_1_1", 1, 2, 3, "Micro", "AU14", "Contempt"],
        ],
    )
    frames(root / "006/006_1_2", range(5562, 5567), "006_{:05d}.jpg")
    frames(root / "006/006_1_3", range(12, 16), "006_{:05d}.jpg")
    frames(root / "011/011_1_1", range(1, 4), "011_{:05d}.jpg")
    return root


def smic_tree(root: Path, cameras: Sequence[str] = ("HS",)) -> Path:
    """Three trimmed clips of two subjects for each camera."""
    for camera in cameras:
        frames(root / camera / "s1/micro/negative/s1_ne_01", range(100, 106), "image{:06d}.bmp")
        frames(root / camera / "s1/micro/surprise/s1_sur_01", range(1, 5), "image{:06d}.bmp")
        frames(root / camera / "s11/micro/positive/s11_po_02", range(9, 12), "image{:06d}.bmp")
    return root


def manifest_tree(root: Path) -> Path:
    """Two clips of one subject: one with two expressions, one with none."""
    header = [
        "database", "subject", "clip", "path", "fps", "onset", "apex", "offset", "emotion", "action_units", "kind",
    ]  # fmt: skip
    table(
        root / "manifest.csv",
        [
            header,
            ["Lab", "A", "long", "A/long", 50, 2, 3, 4, "Joy", "6+12", "micro"],
            ["Lab", "A", "long", "A/long", 50, 6, 8, 9, "anger", "4", "macro"],
            ["Lab", "A", "quiet", "A/quiet", 50, "", "", "", "", "", ""],
        ],
    )
    frames(root / "A/long", range(1, 11), "f{}.png")
    frames(root / "A/quiet", range(1, 4), "f{}.png")
    return root


_EMOTIONS = {
    "casme2": {"negative": ("disgust", "repression"), "positive": ("happiness",), "surprise": ("surprise",)},
    "samm": {
        "negative": ("Anger", "Contempt", "Disgust", "Fear", "Sadness"),
        "positive": ("Happiness",),
        "surprise": ("Surprise",),
    },
}


def megc2019_trees(root: Path, rows: Iterable[Mapping[str, str]], *, extras: bool = True) -> dict[str, Path]:
    """Miniature CASME II, SMIC HS and SAMM trees with every sample of the MEGC2019 list, by layout key.

    ``rows`` have the keys database (casme2, smic, samm), subject, clip, label. Each clip has five frames; sheets give
    emotions that MEGC2019 maps to the label. ``extras`` adds what the databases hold besides: CASME II's sub04/EP12_01f
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
    """SMIC's folders have one digit where the published list has two: s1/micro/negative/s1_ne_01."""
    number, _, rest = clip.partition("_")
    folder = f"s{int(subject[1:])}"
    frames(
        root / "HS" / folder / "micro" / label / f"s{int(number[1:])}_{rest}", range(1, 6), "image{:06d}.bmp"
    )


def large_casme2_tree(
    root: Path, *, clips: int = 250, total: int = 16_000, width: int = 640, height: int = 480
) -> Path:
    """A CASME II-like tree of many clips, quickly: few images are encoded, each file is made unlike the others.

    Every file is a JPEG of one of eight pictures of its subject with a comment of its own, so bytes differ everywhere
    while decoding costs what it costs.
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
        pictures = _pictures(subject, width, height)
        for place in range(count):
            data = _commented(pictures[place % len(pictures)], f"{index}/{place}")
            (folder / f"img{first + place}.jpg").write_bytes(data)
        last = first + count - 1
        rows.append([subject, clip, first, first + count // 2, last, "4", "disgust"])
    casme2(root, rows)
    return root


@cache
def _pictures(subject: int, width: int, height: int) -> tuple[bytes, ...]:
    """Eight JPEGs with about the detail of a photograph, shifted against each other like a head that moves."""
    random = np.random.default_rng(subject)
    noise = random.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    smooth = cv2.resize(cv2.GaussianBlur(noise, (0, 0), 3), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = random.normal(0, 3, smooth.shape)
    picture = np.clip(cv2.normalize(smooth, None, 40, 220, cv2.NORM_MINMAX) + grain, 0, 255).astype(np.uint8)
    shifted = (np.roll(picture, step, axis=1) for step in range(8))
    return tuple(cv2.imencode(".jpg", each, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes() for each in shifted)


def _commented(jpeg: bytes, comment: str) -> bytes:
    """The JPEG with a comment segment (COM, ITU-T T.81) after its start marker."""
    text = comment.encode()
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + jpeg[2:]
