"""The reader that most official databases share: folders of frames, and one sheet that codes them.

A database is described by a ``Coding``; its module says what is particular to it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from models_ml.errors import InputError
from models_ml.formats.base import Finding, FoundClip, Sheet, Tree
from models_ml.formats.coding import (
    Coded,
    Kind,
    at,
    check,
    coded_rows,
    report_spellings,
    without_duplicates,
)
from models_ml.formats.errata import Erratum, corrected
from models_ml.formats.folders import Folder, image_folders, sound_frames
from models_ml.formats.report import Report, listed
from models_ml.formats.sheets import Column, Row, find_table


@dataclass(frozen=True)
class Place:
    """Where a folder of frames stands in a layout: what is above the subject, the subject, the clip.

    ``spelled`` is the subject's folder as named; ``emotion`` what the folders say of it, if they do.
    """

    root: tuple[str, ...]
    subject: str
    clip: str
    spelled: str = ""
    emotion: str = ""


@dataclass(frozen=True)
class Coding:
    """One database: its names, its sheet's columns, and how paths and cells become names."""

    key: str
    database: str
    fps: float
    emotions: tuple[str, ...]
    columns: tuple[Column, ...]
    expects: str  # a path such as "sub01/EP02_01f/img46.jpg"
    place: Callable[[tuple[str, ...]], Place | None]
    subject: Callable[[str], str]
    clip: Callable[[str, str], str] = lambda subject, filename: filename
    kind: Callable[[Row, Report], Kind] = lambda row, report: "micro"
    none: frozenset[str] = frozenset()  # what the sheet writes where there is no frame, besides "/"
    codes_emotions: bool = True  # else a row without an emotion is as it should be
    several: bool = False  # expressions a clip: then a clip without any is imported too
    errata: tuple[Erratum, ...] = ()


@dataclass
class Placed:
    """Folders by (subject, clip in lower case)."""

    folders: dict[tuple[str, str], tuple[Place, Folder]] = field(default_factory=dict)

    def numbers(self, subject: str, clip: str) -> tuple[int, ...]:
        found = self.folders.get((subject, clip.lower()))
        return found[1].numbers if found else ()

    def elsewhere(self, clip: str) -> list[str]:
        return [place.subject for (_, name), (place, _) in self.folders.items() if name == clip.lower()]


def read_coded(tree: Tree, sheet: Sheet | None, accepted: frozenset[str], coding: Coding) -> Finding:
    """Read a database of this kind.

    Raises InputError where the tree holds no folder of the layout, the same clip under two roots, or no sheet.
    """
    report = Report()
    table = find_table(tree, sheet, coding.columns, f"the coding sheet of {coding.database}")
    placed = place_folders(tree, image_folders(tree, report), coding, report)
    rows = coded_rows(table.rows, coding.subject, coding.clip, report, coding.kind, coding.none)
    return assemble(tree, rows, placed, accepted, coding, report)


def place_folders(tree: Tree, folders: Sequence[Folder], coding: Coding, report: Report) -> Placed:
    """Folders by the clip they hold; see ``read_coded`` for what is raised."""
    placed = Placed()
    twice: set[tuple[str, str]] = set()
    for folder in folders:
        place = coding.place(folder.parts)
        if place is None:
            continue
        key = (place.subject, place.clip.lower())
        if key in placed.folders:
            other = placed.folders[key][0]
            if other.root != place.root:
                roots = sorted({"/".join(other.root[1:]) or ".", "/".join(place.root[1:]) or "."})
                raise InputError(
                    f"“{tree.name}” holds the clip {place.clip} of {place.subject} twice: below {' and below '.join(roots)}"
                    ". Import one of the two folders (raw or cropped frames, not both)."
                )
            twice.add(key)
            report.error(
                "folder-twice",
                f"Two folders hold this clip: {other.spelled} and {place.spelled} are one subject. It is not imported.",
                file=folder.path,
                subject=place.subject,
                clip=place.clip,
            )
            continue
        placed.folders[key] = (place, folder)
    if not placed.folders:
        seen = listed([folder.path or "." for folder in folders], 3) or "no folder of images"
        raise InputError(
            f"“{tree.name}” holds no clips of {coding.database}: expected frames such as {coding.expects}, found {seen}."
        )
    report_spellings(((p.subject, p.spelled, "folder") for p, _ in placed.folders.values()), report)
    for key in twice:
        del placed.folders[key]
    return placed


def assemble(
    tree: Tree, rows: list[Coded], placed: Placed, accepted: frozenset[str], coding: Coding, report: Report
) -> Finding:
    """Clips with their expressions, from coded rows and placed folders."""
    rows, corrections = corrected(coding.key, rows, coding.errata, accepted, placed.numbers)
    rows = _of_one_subject(tree, rows, placed, coding, report)
    by_clip: defaultdict[tuple[str, str], list[Coded]] = defaultdict(list)
    for row in rows:
        by_clip[row.subject, row.clip.lower()].append(row)
    clips = []
    for key, coded in by_clip.items():
        if key in placed.folders:
            clips.append(_clip(tree, placed.folders[key], coded, coding, report))
        else:
            for row in coded:
                _report_missing(row, placed, report)
    for key, (place, folder) in placed.folders.items():
        if key not in by_clip:
            if coding.several:
                clips.append(_clip(tree, (place, folder), [], coding, report))
            report.info(
                "folder-without-row",
                "The sheet says nothing of this folder: "
                + ("imported as a clip without expressions." if coding.several else "it is not imported."),
                file=folder.path,
                subject=place.subject,
                clip=place.clip,
            )
    clips.sort(key=lambda clip: (clip.subject, clip.name))
    return Finding(
        clips=[clip for clip in clips if clip.files],
        problems=report.problems,
        corrections=corrections,
        emotions={coding.database: list(coding.emotions)},
        fps={coding.database: coding.fps},
    )


def _clip(
    tree: Tree, found: tuple[Place, Folder], coded: list[Coded], coding: Coding, report: Report
) -> FoundClip:
    place, folder = found
    files, numbers = sound_frames(tree, folder, report, subject=place.subject, clip=place.clip)
    if not files:
        report.error(
            "clip-without-frames",
            "No file of the folder is an image: the clip is not imported.",
            file=folder.path,
            subject=place.subject,
            clip=place.clip,
        )
    emotions = coding.emotions if coding.codes_emotions else ()
    expressions = []
    for row in without_duplicates(coded, report, several=coding.several):
        if place.emotion and row.emotion and place.emotion.rstrip("s") != row.emotion.rstrip("s"):
            report.error(
                "emotion-contradicts",
                f"The sheet says {row.emotion}, the folder {place.emotion}: the row is not imported.",
                **{**at(row), "column": "emotion"},
            )
            continue
        expression = check(row, numbers, emotions, report) if files else None
        if expression is not None:
            expressions.append(expression)
    expressions.sort(key=lambda expression: expression.onset or 0)
    return FoundClip(
        coding.database, place.subject, place.clip, coding.fps, files, numbers, tuple(expressions)
    )


def _of_one_subject(
    tree: Tree, rows: list[Coded], placed: Placed, coding: Coding, report: Report
) -> list[Coded]:
    """Where the tree *is* one subject's folder, the sheet's rows of all others are no errors."""
    only = coding.subject(tree.name)
    if not only or {place.subject for place, _ in placed.folders.values()} != {only}:
        return rows
    others = [row for row in rows if row.subject != only]
    if others:
        report.info(
            "rows-of-other-subjects",
            f"“{tree.name}” is the folder of one subject; rows of others, left out: {len(others)}.",
            file=others[0].file,
        )
    return [row for row in rows if row.subject == only]


def _report_missing(row: Coded, placed: Placed, report: Report) -> None:
    elsewhere = placed.elsewhere(row.clip)
    hint = f" A folder of this name is in {listed(elsewhere)}." if elsewhere else ""
    report.error(
        "folder-missing",
        f"There is no folder {row.clip} of {row.subject}: the row is not imported.{hint}",
        **at(row),
    )
