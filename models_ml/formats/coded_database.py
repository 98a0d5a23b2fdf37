"""The reader that most official databases share: folders of frame images, and one sheet that codes them.

A ``CodedDatabase`` describes one database; its module contains what is particular to it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from models_ml.errors import InputError
from models_ml.formats.base import Finding, FoundClip, Kind, Marked, Sheet, Tree
from models_ml.formats.cells import SheetRow
from models_ml.formats.coded_rows import (
    check,
    coded_rows,
    in_source_frames,
    report_spellings,
    without_duplicates,
)
from models_ml.formats.errata import Erratum, corrected
from models_ml.formats.folders import Folder, image_folders, sound_frames
from models_ml.formats.headers import Column
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.sheets import find_table


@dataclass(frozen=True)
class ClipIdentity:
    """What the path of a folder of frames says: the folders above the subject, the subject, the clip.

    ``spelled`` is the subject as the folder spells it; ``emotion`` is the emotion that a folder names, if any.
    """

    root: tuple[str, ...]
    subject: str
    clip: str
    spelled: str = ""
    emotion: str = ""


@dataclass(frozen=True)
class CodedDatabase:
    """One database: its name, the columns of its sheet, and how paths and cells become names."""

    key: str
    name: str
    fps: float
    emotions: tuple[str, ...]
    columns: tuple[Column, ...]
    expects: str  # a path such as "sub01/EP02_01f/img46.jpg"
    identify: Callable[[tuple[str, ...]], ClipIdentity | None]
    subject: Callable[[str], str]
    clip: Callable[[str, str], str] = lambda subject, filename: filename
    kind: Callable[[SheetRow, ImportReport], Kind] = lambda row, report: "micro"
    none: frozenset[str] = frozenset()  # what the sheet writes for "no frame", apart from "/"
    codes_emotions: bool = True  # if not, a row without an emotion is complete
    codes_apexes: bool = True  # if not, a row without an apex is complete
    several: bool = False  # expressions per clip; a clip without any is then imported too
    errata: tuple[Erratum, ...] = ()

    def read(self, tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
        """Read the database from a tree; this is the reader of its layout.

        Raises InputError if the tree has no folder of the layout, has one clip below two roots, or has no sheet.
        """
        report = ImportReport()
        table = find_table(tree, sheet, self.columns, f"the coding sheet of {self.name}", report)
        folders = identify_folders(tree, image_folders(tree, report), self, report)
        rows = coded_rows(table, self.subject, self.clip, report, self.kind, self.none)
        rows = folders.in_source_frames(rows, report)
        return assemble(tree, rows, folders, accepted, self, report)


@dataclass
class ClipFolders:
    """Folders by (subject, clip in lower case)."""

    by_clip: dict[tuple[str, str], tuple[ClipIdentity, Folder]] = field(default_factory=dict)

    def numbers(self, subject: str, clip: str) -> tuple[int, ...]:
        """Return the source frame numbers of a clip; empty if it has no folder."""
        found = self.by_clip.get((subject, clip.lower()))
        return found[1].numbers if found else ()

    def in_source_frames(self, rows: Sequence[Marked], report: ImportReport) -> list[Marked]:
        """Return the rows with source frames, without those whose frames do not exist, which are reported."""
        found = (in_source_frames(row, self.numbers(row.subject, row.clip), report) for row in rows)
        return [row for row in found if row is not None]

    def subjects_with(self, clip: str) -> list[str]:
        """Return the subjects that have a clip of this name."""
        return [identity.subject for (_, name), (identity, _) in self.by_clip.items() if name == clip.lower()]


def identify_folders(
    tree: Tree, found: Sequence[Folder], database: CodedDatabase, report: ImportReport
) -> ClipFolders:
    """Return the folders by the clip they hold; raises InputError as ``CodedDatabase.read`` does."""
    folders = ClipFolders()
    twice: set[tuple[str, str]] = set()
    for folder in found:
        identity = database.identify(folder.parts)
        if identity is None:
            continue
        key = (identity.subject, identity.clip.lower())
        if key in folders.by_clip:
            other = folders.by_clip[key][0]
            if other.root != identity.root:
                roots = sorted({"/".join(other.root[1:]) or ".", "/".join(identity.root[1:]) or "."})
                raise InputError(
                    f"“{tree.name}” contains the clip {identity.clip} of {identity.subject} twice: below "
                    f"{' and below '.join(roots)}. Import one of the two folders: raw or cropped frames, not both."
                )
            twice.add(key)
            report.error(
                "folder-twice",
                f"Two folders contain this clip, because {other.spelled} and {identity.spelled} are one subject: "
                "the clip is not imported.",
                file=folder.path,
                subject=identity.subject,
                clip=identity.clip,
            )
            continue
        folders.by_clip[key] = (identity, folder)
    if not folders.by_clip:
        seen = listed([folder.path or "." for folder in found], 3) or "no folder of images"
        raise InputError(
            f"“{tree.name}” contains no clips of {database.name}. Expected frames such as {database.expects}; found {seen}."
        )
    report_spellings(((p.subject, p.spelled, "folder") for p, _ in folders.by_clip.values()), report)
    for key in twice:
        del folders.by_clip[key]
    return folders


def assemble(
    tree: Tree,
    rows: list[Marked],
    folders: ClipFolders,
    accepted: frozenset[str],
    database: CodedDatabase,
    report: ImportReport,
) -> Finding:
    """Return the clips with their expressions, from coded rows and identified folders."""
    rows, corrections = corrected(database.key, rows, database.errata, accepted, folders.numbers)
    rows = _of_one_subject(tree, rows, folders, database, report)
    by_clip: defaultdict[tuple[str, str], list[Marked]] = defaultdict(list)
    for row in rows:
        by_clip[row.subject, row.clip.lower()].append(row)
    clips = []
    for key, coded in by_clip.items():
        if key in folders.by_clip:
            clips.append(_clip(tree, folders.by_clip[key], coded, database, report))
        else:
            for row in coded:
                _report_missing(row, folders, report)
    for key, (identity, folder) in folders.by_clip.items():
        if key not in by_clip:
            if database.several:
                clips.append(_clip(tree, (identity, folder), [], database, report))
            report.info(
                "folder-without-row",
                "The sheet has no row for this folder: it is "
                + ("imported as a clip without expressions." if database.several else "not imported."),
                file=folder.path,
                subject=identity.subject,
                clip=identity.clip,
            )
    clips.sort(key=lambda clip: (clip.subject, clip.name))
    return Finding(
        clips=[clip for clip in clips if clip.files],
        problems=report.problems,
        corrections=corrections,
        emotions={database.name: list(database.emotions)},
        fps={database.name: database.fps},
    )


def _clip(
    tree: Tree,
    found: tuple[ClipIdentity, Folder],
    coded: list[Marked],
    database: CodedDatabase,
    report: ImportReport,
) -> FoundClip:
    identity, folder = found
    files, numbers = sound_frames(tree, folder, report, subject=identity.subject, clip=identity.clip)
    if not files:
        report.error(
            "clip-without-frames",
            "No file in the folder is an image: the clip is not imported.",
            file=folder.path,
            subject=identity.subject,
            clip=identity.clip,
        )
    emotions = database.emotions if database.codes_emotions else ()
    expressions = []
    for row in without_duplicates(coded, report, several=database.several):
        if identity.emotion and row.emotion and identity.emotion.rstrip("s") != row.emotion.rstrip("s"):
            report.error(
                "emotion-contradicts",
                f"The sheet says “{row.emotion}”, but the folder says “{identity.emotion}”: the row is not imported.",
                **{**row.where(), "column": "emotion"},
            )
            continue
        apexes = database.codes_apexes
        expression = check(row, numbers, emotions, report, apex_expected=apexes) if files else None
        if expression is not None:
            expressions.append(expression)
    expressions.sort(key=lambda expression: expression.onset or 0)
    return FoundClip(
        database.name, identity.subject, identity.clip, database.fps, files, numbers, tuple(expressions)
    )


def _of_one_subject(
    tree: Tree, rows: list[Marked], folders: ClipFolders, database: CodedDatabase, report: ImportReport
) -> list[Marked]:
    """Return the rows of the only subject if the tree *is* one subject's folder: the other rows are not errors then."""
    only = database.subject(tree.name)
    if not only or {identity.subject for identity, _ in folders.by_clip.values()} != {only}:
        return rows
    others = [row for row in rows if row.subject != only]
    if others:
        report.info(
            "rows-of-other-subjects",
            f"“{tree.name}” is the folder of one subject. Rows of other subjects that were left out: {len(others)}.",
            file=others[0].file,
        )
    return [row for row in rows if row.subject == only]


def _report_missing(row: Marked, folders: ClipFolders, report: ImportReport) -> None:
    elsewhere = folders.subjects_with(row.clip)
    hint = f" A folder of this name belongs to {listed(elsewhere)}." if elsewhere else ""
    report.error(
        "folder-missing",
        f"Folder {row.clip} of {row.subject} not found: the row is not imported.{hint}",
        **row.where(),
    )
