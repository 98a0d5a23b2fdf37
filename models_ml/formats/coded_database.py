"""The reader that most official databases share: folders of frames, and one sheet that codes them.

A database is described by a ``CodedDatabase``; its module says what is particular to it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from models_ml.errors import InputError
from models_ml.formats.base import Finding, FoundClip, Sheet, Tree
from models_ml.formats.coded_rows import (
    CodedRow,
    ExpressionKind,
    at,
    check,
    coded_rows,
    report_spellings,
    without_duplicates,
)
from models_ml.formats.errata import Erratum, corrected
from models_ml.formats.folders import Folder, image_folders, sound_frames
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.sheets import Column, SheetRow, find_table


@dataclass(frozen=True)
class ClipIdentity:
    """Where a folder of frames stands in a layout: what is above the subject, the subject, the clip.

    ``spelled`` is the subject's folder as named; ``emotion`` what the folders say of it, if they do.
    """

    root: tuple[str, ...]
    subject: str
    clip: str
    spelled: str = ""
    emotion: str = ""


@dataclass(frozen=True)
class CodedDatabase:
    """One database: its names, its sheet's columns, and how paths and cells become names."""

    key: str
    name: str
    fps: float
    emotions: tuple[str, ...]
    columns: tuple[Column, ...]
    expects: str  # a path such as "sub01/EP02_01f/img46.jpg"
    identify: Callable[[tuple[str, ...]], ClipIdentity | None]
    subject: Callable[[str], str]
    clip: Callable[[str, str], str] = lambda subject, filename: filename
    kind: Callable[[SheetRow, ImportReport], ExpressionKind] = lambda row, report: "micro"
    none: frozenset[str] = frozenset()  # what the sheet writes where there is no frame, besides "/"
    codes_emotions: bool = True  # else a row without an emotion is as it should be
    several: bool = False  # expressions a clip: then a clip without any is imported too
    errata: tuple[Erratum, ...] = ()

    def read(self, tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
        """Read the database from a tree and a sheet: the reader of its layout.

        Raises InputError where the tree holds no folder of the layout, the same clip under two roots, or no sheet.
        """
        report = ImportReport()
        table = find_table(tree, sheet, self.columns, f"the coding sheet of {self.name}")
        folders = identify_folders(tree, image_folders(tree, report), self, report)
        rows = coded_rows(table.rows, self.subject, self.clip, report, self.kind, self.none)
        return assemble(tree, rows, folders, accepted, self, report)


@dataclass
class ClipFolders:
    """Folders by (subject, clip in lower case)."""

    by_clip: dict[tuple[str, str], tuple[ClipIdentity, Folder]] = field(default_factory=dict)

    def numbers(self, subject: str, clip: str) -> tuple[int, ...]:
        found = self.by_clip.get((subject, clip.lower()))
        return found[1].numbers if found else ()

    def elsewhere(self, clip: str) -> list[str]:
        return [identity.subject for (_, name), (identity, _) in self.by_clip.items() if name == clip.lower()]


def identify_folders(
    tree: Tree, found: Sequence[Folder], database: CodedDatabase, report: ImportReport
) -> ClipFolders:
    """Folders by the clip they hold; see ``CodedDatabase.read`` for what is raised."""
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
                    f"“{tree.name}” holds the clip {identity.clip} of {identity.subject} twice: below "
                    f"{' and below '.join(roots)}. Import one of the two folders (raw or cropped frames, not both)."
                )
            twice.add(key)
            report.error(
                "folder-twice",
                f"Two folders hold this clip: {other.spelled} and {identity.spelled} are one subject. It is not imported.",
                file=folder.path,
                subject=identity.subject,
                clip=identity.clip,
            )
            continue
        folders.by_clip[key] = (identity, folder)
    if not folders.by_clip:
        seen = listed([folder.path or "." for folder in found], 3) or "no folder of images"
        raise InputError(
            f"“{tree.name}” holds no clips of {database.name}: expected frames such as {database.expects}, found {seen}."
        )
    report_spellings(((p.subject, p.spelled, "folder") for p, _ in folders.by_clip.values()), report)
    for key in twice:
        del folders.by_clip[key]
    return folders


def assemble(
    tree: Tree,
    rows: list[CodedRow],
    folders: ClipFolders,
    accepted: frozenset[str],
    database: CodedDatabase,
    report: ImportReport,
) -> Finding:
    """Clips with their expressions, from coded rows and identified folders."""
    rows, corrections = corrected(database.key, rows, database.errata, accepted, folders.numbers)
    rows = _of_one_subject(tree, rows, folders, database, report)
    by_clip: defaultdict[tuple[str, str], list[CodedRow]] = defaultdict(list)
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
                "The sheet says nothing of this folder: "
                + ("imported as a clip without expressions." if database.several else "it is not imported."),
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
    coded: list[CodedRow],
    database: CodedDatabase,
    report: ImportReport,
) -> FoundClip:
    identity, folder = found
    files, numbers = sound_frames(tree, folder, report, subject=identity.subject, clip=identity.clip)
    if not files:
        report.error(
            "clip-without-frames",
            "No file of the folder is an image: the clip is not imported.",
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
                f"The sheet says {row.emotion}, the folder {identity.emotion}: the row is not imported.",
                **{**at(row), "column": "emotion"},
            )
            continue
        expression = check(row, numbers, emotions, report) if files else None
        if expression is not None:
            expressions.append(expression)
    expressions.sort(key=lambda expression: expression.onset or 0)
    return FoundClip(
        database.name, identity.subject, identity.clip, database.fps, files, numbers, tuple(expressions)
    )


def _of_one_subject(
    tree: Tree, rows: list[CodedRow], folders: ClipFolders, database: CodedDatabase, report: ImportReport
) -> list[CodedRow]:
    """Where the tree *is* one subject's folder, the sheet's rows of all others are no errors."""
    only = database.subject(tree.name)
    if not only or {identity.subject for identity, _ in folders.by_clip.values()} != {only}:
        return rows
    others = [row for row in rows if row.subject != only]
    if others:
        report.info(
            "rows-of-other-subjects",
            f"“{tree.name}” is the folder of one subject; rows of others, left out: {len(others)}.",
            file=others[0].file,
        )
    return [row for row in rows if row.subject == only]


def _report_missing(row: CodedRow, folders: ClipFolders, report: ImportReport) -> None:
    elsewhere = folders.elsewhere(row.clip)
    hint = f" A folder of this name is in {listed(elsewhere)}." if elsewhere else ""
    report.error(
        "folder-missing",
        f"There is no folder {row.clip} of {row.subject}: the row is not imported.{hint}",
        **at(row),
    )
