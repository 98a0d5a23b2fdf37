"""The manifest: a sheet that describes any other collection, one row per expression, as csv or xlsx.

Columns: database, subject, clip, path (a folder of frame images or a video file, relative to the imported folder), fps (the
recording rate, which frame images need; a video may leave it to its database or to its file), onset, apex, offset, emotion,
action_units, kind (micro or macro). Rows with the same database, subject and clip are expressions of one clip. A row without
onset, apex, offset and emotion is a clip without expressions. Frame numbers are the numbers in the images' names; the frames
of a video count from 1.
"""

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import cast

from models_ml.formats.action_units import import_units
from models_ml.formats.base import FIELDS, RARELY_CODED, Finding, FoundClip, Kind, Layout, Marked, Sheet, Tree
from models_ml.formats.cells import SheetRow
from models_ml.formats.coded_rows import (
    ACTION_UNITS,
    APEX,
    EMOTION,
    OFFSET,
    ONSET,
    check,
    frame_rate,
    in_source_frames,
    without_duplicates,
)
from models_ml.formats.folders import Folder, image_folders, sound_frames
from models_ml.formats.headers import Column
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import SheetTable, find_table
from models_ml.video.filetypes import IMAGES, VIDEOS

COLUMNS = (
    Column("database", ("database", "dataset")),
    Column("subject", ("subject",)),
    Column("clip", ("clip",)),
    Column("path", ("path", "folder", "file")),
    Column("fps", ("fps", "frame rate", "frames per second"), required=False),
    Column("onset", ("onset", *ONSET.names), required=False),
    Column("apex", ("apex", *APEX.names), required=False),
    Column("offset", ("offset", *OFFSET.names), required=False),
    Column("emotion", ("emotion", *EMOTION.names, "label"), required=False),
    ACTION_UNITS,
    Column("kind", ("kind", "type"), required=False),
)
_Key = tuple[str, str, str]  # database, subject, clip


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read the clips that the manifest lists; there are no errata. Raises InputError if no manifest is found."""
    report = ImportReport()
    table = find_table(tree, sheet, COLUMNS, "a manifest", report)
    folders = {folder.path: folder for folder in image_folders(tree, report)}
    listed: defaultdict[_Key, list[SheetRow]] = defaultdict(list)
    for row in table.rows:
        names = [row.text(key, report) for key in ("database", "subject", "clip")]
        for key, name in zip(("database", "subject", "clip"), names, strict=True):
            if not name:
                report.error(
                    f"{key}-missing", f"The row has no {key}: it is not imported.", **_at(row), column=key
                )
        if all(names):
            listed[names[0], names[1], names[2]].append(row)
    _report_spellings(listed, report)
    finding = Finding(problems=report.problems)
    files = set(tree.files())
    taken: dict[str, _Key] = {}
    for identity, rows in listed.items():
        clip = _clip(tree, identity, rows, table, folders, files, taken, report)
        if clip is None:
            continue
        finding.clips.append(clip)
        words = finding.emotions.setdefault(clip.database, [])
        words += sorted({e.emotion for e in clip.expressions if e.emotion} - set(words))
        if clip.fps:
            finding.fps.setdefault(clip.database, clip.fps)
    return finding


def _clip(
    tree: Tree,
    key: _Key,
    rows: list[SheetRow],
    table: SheetTable,
    folders: dict[str, Folder],
    files: set[str],
    taken: dict[str, _Key],
    report: ImportReport,
) -> FoundClip | None:
    database, subject, name = key
    where = {**_at(rows[0]), "subject": subject, "clip": name}
    path = _one(rows, "path", report)
    if path is None:
        return None
    if path in taken:
        report.error(
            "path-twice",
            f"“{path}” is already imported as clip {taken[path][2]}: it is not imported again.",
            column="path",
            **where,
        )
        return None
    taken[path] = key
    fps = frame_rate(rows, report, optional=(is_video := path.lower().endswith(VIDEOS)))
    frames: tuple[str, ...]
    numbers: tuple[int, ...]
    if is_video:
        if path not in files:
            report.error(
                "file-missing",
                f"File “{path}” not found: the clip is not imported.",
                column="path",
                **where,
            )
            return None
        frames, numbers = (path,), ()
    else:
        if path not in folders:
            report.error(
                "folder-missing",
                f"“{path}” is neither a video file nor a folder of numbered images: the clip is not imported.",
                column="path",
                **where,
            )
            return None
        if fps is None:
            return None
        frames, numbers = sound_frames(tree, folders[path], report, subject=subject, clip=name)
        if not frames:
            report.error(
                "clip-without-frames", "No file in the folder is an image: the clip is not imported.", **where
            )
            return None
    expressions = _expressions(key, rows, table, numbers, report)
    return FoundClip(database, subject, name, fps or 0.0, frames, numbers, tuple(expressions))


def _one(rows: list[SheetRow], key: str, report: ImportReport) -> str | None:
    """Return the path in all rows of a clip; None, with a report, if rows differ or the path leads out of the folder."""
    names = [_folder_of(row.text(key, report).replace("\\", "/")) for row in rows]
    if not names[0]:
        report.error("path-missing", "The row has no path: it is not imported.", **_at(rows[0]), column=key)
        return None
    for row, name in zip(rows, names, strict=True):
        if name != names[0]:
            report.error(
                "rows-contradict",
                f"The clip's path is “{names[0]}” in row {rows[0].number}, but “{name}” here: the clip is not imported.",
                **_at(row),
                column=key,
            )
            return None
    pure = PurePosixPath(names[0])
    if pure.is_absolute() or ".." in pure.parts:
        report.error(
            "path-outside",
            f"“{names[0]}” leads out of the imported folder: the clip is not imported. Use a path relative to the folder, "
            "without “..”.",
            **_at(rows[0]),
            column=key,
        )
        return None
    return "" if str(pure) == "." else str(pure)


def _folder_of(path: str) -> str:
    """Return the folder of an image: lists of marks often give the file of a mark.

    >>> _folder_of("s1/a/img46.jpg"), _folder_of("s1/a"), _folder_of("s1/a.mp4")
    ('s1/a', 's1/a', 's1/a.mp4')
    """
    return path.rpartition("/")[0] if path.lower().endswith(IMAGES) else path


def _expressions(
    key: _Key, rows: list[SheetRow], table: SheetTable, numbers: tuple[int, ...], report: ImportReport
) -> list[Marked]:
    coded = []
    silent = RARELY_CODED | (frozenset(FIELDS) - table.columns)
    for row in rows:
        word = row.text("kind", report).lower()
        kind = next((kind for kind in ("micro", "macro") if word.startswith(kind)), "")  # SAMM: "Micro - 1/2"
        if word and not kind:
            report.warning(
                "kind-unknown",
                f"“{word}” is neither micro nor macro: imported as micro.",
                **_at(row),
                column="kind",
            )
        marks = table.marks(row, report)
        emotion = row.text("emotion", report).lower()
        if emotion or any(mark is not None for mark in marks.values()):
            one = Marked(
                clip=key[2],
                subject=key[1],
                unit=table.unit,
                **marks,
                emotion=emotion,
                action_units=import_units(row.text("action_units", report), report, **_at(row)),
                kind=cast(Kind, kind or "micro"),
                silent=silent,
                file=row.file,
                row=row.number,
            )
            if (expression := in_source_frames(one, numbers, report)) is not None:
                coded.append(expression)
    found = []
    for one in without_duplicates(coded, report, several=True):
        if not numbers and any(mark == 0 for mark in (one.onset, one.apex, one.offset)):
            report.error(
                "frame-absent",
                "The frames of a video count from 1; there is no frame 0: the row is not imported.",
                **one.where(),
            )
            continue
        expression = check(one, numbers, (), report)
        if expression is not None:
            found.append(expression)
    return sorted(found, key=lambda expression: expression.onset or 0)


def _report_spellings(listed: dict[_Key, list[SheetRow]], report: ImportReport) -> None:
    """Warn of subjects that differ only in case, blanks or leading zeros. They stay two, as they may be two people."""
    seen: dict[tuple[str, str], str] = {}
    for (database, subject, _), rows in listed.items():
        plain = re.sub(r"(?<!\d)0+(?=\d)", "", "".join(c for c in subject.lower() if c.isalnum()))
        other = seen.setdefault((database.lower(), plain), subject)
        if other != subject:
            report.warning(
                "subject-spelled-two-ways",
                f"“{subject}” and “{other}” may be one subject, but are imported as two. If they are one, use one spelling.",
                **_at(rows[0]),
                column="subject",
                subject=subject,
            )


def _at(row: SheetRow) -> dict[str, str | int]:
    return {"file": row.file, "row": row.number}


LAYOUT = Layout(
    key="manifest",
    title="Manifest",
    expects="any other collection, listed in a csv or xlsx: database, subject, clip, path …",
    read=read,
    columns=COLUMNS,
)
