"""One small tree per database, in its official layout."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.trees.files import frames, table, xlsx

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


def casme2(root: Path, rows: Sequence[Sequence[Any]], *, cropped: bool = False) -> Path:
    """Write a CASME II sheet and return the folder of frames; the caller writes the frames.

    ``rows``: subject, filename, onset, apex, offset, action units, emotion.
    """
    sheet = [CASME2_HEADER] + [
        [s, f, None, on, apex, off, None, au, e] for s, f, on, apex, off, au, e in rows
    ]
    xlsx(root / "CASME2-coding-20190701.xlsx", sheet)
    return root / ("Cropped" if cropped else "CASME2_RAW_selected")


def casme2_tree(root: Path) -> Path:
    """Write three clips of two subjects: one complete (sub01/EP02_01f, frames 46–86, apex 59), one without an apex."""
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
    """Write a SAMM sheet. ``rows``: subject, filename, onset, apex, offset, micro, action units, emotion."""
    sheet = [*SAMM_PREAMBLE, SAMM_HEADER] + [
        [s, f, int(str(f).split("_")[1]), on, apex, off, None, micro, au, e, 1, None]
        for s, f, on, apex, off, micro, au, e in rows
    ]
    xlsx(root / "SAMM_Micro_FACS_Codes_v2.xlsx", sheet)
    return root


def samm_tree(root: Path) -> Path:
    """Write two clips of subject 006 and one of 011."""
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
    """Write three trimmed clips of two subjects for each camera."""
    for camera in cameras:
        frames(root / camera / "s1/micro/negative/s1_ne_01", range(100, 106), "image{:06d}.bmp")
        frames(root / camera / "s1/micro/surprise/s1_sur_01", range(1, 5), "image{:06d}.bmp")
        frames(root / camera / "s11/micro/positive/s11_po_02", range(9, 12), "image{:06d}.bmp")
    return root


def manifest_tree(root: Path) -> Path:
    """Write two clips of one subject: one with two expressions, one without."""
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


def samm_long_tree(root: Path) -> Path:
    """Write two long videos of subject 006, the first with a micro- and a macro-expression, the second without a row."""
    text = [[f"Line {n} above the header"] for n in range(1, 10)]
    header = [
        "Subject",
        "Filename",
        "Inducement Code",
        "Onset",
        "Apex",
        "Offset",
        "Duration",
        "Type",
        "Action Units",
        "Notes",
    ]
    rows = [
        ["006", "006_1_2", 1, 12, 14, 17, 6, "Micro - 1/2", "AU4", None],
        ["006", "006_1_3", 1, 3, 5, 0, 0, "Macro", "AU12", "offset not seen"],
    ]
    xlsx(root / "SAMM_LongVideos_V3_Release.xlsx", [*text, header, *rows])
    frames(root / "SAMM_longvideos/006_1", range(1, 21), "006_1_{:04d}.jpg")
    frames(root / "SAMM_longvideos/006_2", range(1, 5), "006_2_{:04d}.jpg")
    return root


CASME3_HEADER = ["Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"]


def casme3a_tree(root: Path) -> Path:
    """Write a long video with two expressions, and its depth images."""
    rows = [["spNO.1", "a", 2, 4, 6, "4", 1, "Disgust"], ["spNO.1", "a", 8, 9, 10, "12", 2, "happy"]]
    xlsx(root / "annotation/cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", [CASME3_HEADER, *rows])
    frames(root / "data/spNO.1/a/color", range(1, 13), "{}.jpg")
    frames(root / "data/spNO.1/a/depth", range(1, 13), "{}.png")
    return root


def casme_sq_tree(root: Path) -> Path:
    """Write two long videos of participant 1, whose folder is s15, with two expressions in the first."""
    coding = [
        [1, "disgust1_1", 5, 6, 8, "4+7", "negative", "micro-expression", "disgust"],
        [1, "disgust1_2", 10, 12, 0, "12", "positive", "macro-expression", "happiness"],
    ]
    rule1 = [[15, "s15", 1], [16, "s16", 2]]
    rule2 = [["0101", "disgust1"], ["0401", "anger1"]]
    xlsx(root / "CAS(ME)^2code_final.xlsx", coding, naming_rule1=rule1, naming_rule2=rule2)
    frames(root / "rawpic/s15/15_0101disgustingteeth", range(1, 16), "img{}.jpg")
    frames(root / "rawpic/s15/15_0401girlcrashing", range(1, 5), "img{}.jpg")
    return root


MMEW_HEADER = [
    "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion", "remarks",
]  # fmt: skip


def mmew_tree(root: Path) -> Path:
    """Write two micro-expressions, and a macro-expression that readers leave out."""
    rows = [
        [13, "S13-07-001", 1, 3, 5, "4+7", "anger", None],
        [13, "S13-01-002", 2, 3, 4, "12", "happiness", None],
    ]
    xlsx(root / "MMEW_Micro_Exp.xlsx", [MMEW_HEADER, *rows])
    frames(root / "Micro_Expression/anger/S13-07-001", range(1, 13), "{}.jpg")
    frames(root / "Micro_Expression/happiness/S13-01-002", range(1, 6), "{}.jpg")
    frames(root / "Macro_Expression/S13/anger", range(1, 4), "S13-07-{:03d}.jpg")
    return root


def fourdme_tree(root: Path) -> Path:
    """Write two clips of two subjects, one of them with two emotions."""
    header = [
        "sub_ID",
        "fold_name",
        "Onset",
        "Apex",
        "Offset",
        "AUs",
        "Emotion",
        "Positive",
        "Negative",
        "eye blink",
    ]
    rows = [
        [1, "clip_1", 10, 12, 14, "AU12", "Positive", 1, 0, 0],
        [2, "clip_7", 10, 12, 14, "AU4", "Negative+Surprise", 0, 1, 0],
    ]
    xlsx(root / "4DME_Labelling_Micro_release v1.xlsx", [header, *rows])
    frames(root / "gray_micro/01/clip_1", range(10, 15), "{}.jpg")
    frames(root / "gray_micro/02/clip_7", range(10, 15), "{}.jpg")
    return root
