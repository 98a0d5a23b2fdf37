"""SMIC (Li et al. 2013, FG, doi 10.1109/FG.2013.6553717): cameras HS (100 frames/s), VIS and NIR (25 frames/s).

Trimmed clips, raw or from ``SMIC_all_cropped``: ``HS/s1/micro/negative/s1_ne_01/*.bmp``. No apex is coded. Onset and
offset are the first and last frame, unless a SMIC-E sheet (``SMIC-HS-E_annotation*.xlsx``: Subject, Filename, OnsetF,
OffsetF, Emotion, sometimes ApexF) gives them. Long clips of SMIC-E, ``SMIC-HS-E/s01/s1_ne_01/image000123.jpg``, need that
sheet.

One tree can contain several cameras. HS is always the database "SMIC", because MEGC2019 and the literature mean HS by SMIC,
and because a second import must find the clips of the first; the others are "SMIC VIS" and "SMIC NIR". They show the same
people: do not put two cameras into one composite.

Names in the project: subject "s01" and clip "s01_ne_01", two digits each, as in the list of MEGC2019 (folders have s1,
s1_ne_01).
"""

import re
from collections import defaultdict
from dataclasses import dataclass, replace

from models_ml.errors import InputError
from models_ml.formats.base import RARELY_CODED, Finding, FoundClip, Layout, Marked, Sheet, Tree
from models_ml.formats.coded_rows import (
    APEX,
    EMOTION,
    FILENAME,
    OFFSET,
    ONSET,
    SUBJECT,
    check,
    coded_rows,
    in_source_frames,
    report_spellings,
    without_duplicates,
)
from models_ml.formats.folders import Folder, image_folders, sound_frames
from models_ml.formats.headers import Column, UnclearColumnsError
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.sheets import SheetTable, find_table, load_sheet, read_table, sheet_names

DATABASES = {"HS": "SMIC", "VIS": "SMIC VIS", "NIR": "SMIC NIR"}
FPS = {"SMIC": 100.0, "SMIC VIS": 25.0, "SMIC NIR": 25.0}
EMOTIONS = ("negative", "positive", "surprise")
_CODES = {"ne": "negative", "po": "positive", "sur": "surprise"}
COLUMNS = (SUBJECT, FILENAME, ONSET, APEX, OFFSET, Column("emotion", EMOTION.names, required=False))


@dataclass(frozen=True)
class _SmicClip:
    database: str
    root: tuple[str, ...]
    subject: str
    spelled: str
    name: str
    emotion_in_name: str  # the emotion that the clip's name gives
    emotion_in_path: str  # the emotion that its folder gives; "" in SMIC-E
    folder: Folder


def subject_name(text: str) -> str:
    """Return the name of a subject, or "" if the text is none.

    >>> subject_name("1"), subject_name("s1"), subject_name("S01"), subject_name("micro")
    ('s01', 's01', 's01', '')
    """
    match = re.fullmatch(r"(?:s|sub(?:ject)?)?[ _]?0*([1-9]\d?)", text.strip().lower())
    return f"s{int(match[1]):02d}" if match else ""


def clip_name(text: str) -> str:
    """Return the name of a clip, or "" if the text is none.

    >>> clip_name("s1_ne_1"), clip_name("S11_sur_02"), clip_name("EP02_01f")
    ('s01_ne_01', 's11_sur_02', '')
    """
    match = re.fullmatch(r"s0*(\d{1,2})_(ne|po|sur)_0*(\d{1,3})", text.strip().lower())
    return f"s{int(match[1]):02d}_{match[2]}_{int(match[3]):02d}" if match else ""


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read SMIC; no errata are known. The module's docstring says what the sheet changes.

    Raises InputError if the tree has no clip, if no folder name gives the camera, or if raw and cropped frames of the
    same clips are in one tree.
    """
    report = ImportReport()
    clips = _find_clips(tree, report)
    coded = _rows_by_clip(tree, sheet, clips, report)
    finding = Finding(problems=report.problems)
    for key, clip in sorted(clips.items()):
        finding.clips.append(_clip(tree, clip, coded.pop(key, []), report))
        finding.emotions[clip.database] = list(EMOTIONS)
        finding.fps[clip.database] = FPS[clip.database]
    finding.clips = [clip for clip in finding.clips if clip.files]
    for rows in coded.values():
        for row in rows:
            report.error(
                "folder-missing", f"Folder {row.clip} not found: the row is not imported.", **row.where()
            )
    if len(finding.fps) > 1:
        report.info(
            "cameras",
            f"Several cameras recorded the same people: {listed(sorted(finding.fps))} become separate databases. Do not put "
            "two of them into one composite.",
        )
    return finding


def _find_clips(tree: Tree, report: ImportReport) -> dict[tuple[str, str], _SmicClip]:
    folders = image_folders(tree, report)
    clips: dict[tuple[str, str], _SmicClip] = {}
    for folder in folders:
        clip = _recognise(tree, folder, report)
        if clip is None:
            continue
        other = clips.setdefault((clip.database, clip.name), clip)
        if other is clip:
            continue
        if other.root != clip.root:
            roots = sorted("/".join(p.root[1:]) or "." for p in (other, clip))
            raise InputError(
                f"“{tree.name}” contains the clip {clip.name} twice: below {' and below '.join(roots)}. "
                "Import one of the two folders: raw or cropped frames, not both."
            )
        report.error(
            "folder-twice",
            f"The clip {clip.name} has two folders: {other.folder.path} is imported.",
            file=folder.path,
            subject=clip.subject,
            clip=clip.name,
        )
    if not clips:
        seen = listed([folder.path or "." for folder in folders], 3) or "no folder of images"
        raise InputError(
            f"“{tree.name}” contains no clips of SMIC. Expected frames such as HS/s1/micro/negative/s1_ne_01/image1.bmp; "
            f"found {seen}."
        )
    report_spellings(((p.subject, p.spelled, "folder") for p in clips.values()), report)
    return clips


def _recognise(tree: Tree, folder: Folder, report: ImportReport) -> _SmicClip | None:
    parts = folder.parts
    clip = clip_name(parts[-1])
    if not clip:
        if "non_micro" in (part.lower() for part in parts):
            report.info("not-micro", "Clips without a micro-expression are not imported.", file=folder.path)
        return None
    number, code, _ = clip.split("_")
    emotion = parts[-2].lower() if len(parts) > 1 and parts[-2].lower() in EMOTIONS else ""
    above = [part for part in parts[:-1] if part.lower() not in (*EMOTIONS, "micro")]
    spelled = above[-1] if above and subject_name(above[-1]) else ""
    if spelled and subject_name(spelled) != number:
        report.error(
            "subject-contradicts",
            f"The clip {parts[-1]} is in the folder of another subject, {spelled}: it is not imported.",
            file=folder.path,
            subject=subject_name(spelled),
            clip=clip,
        )
        return None
    root = tuple(above[:-1] if spelled else above)
    return _SmicClip(
        _database(tree, root, folder), root, number, spelled or number, clip, _CODES[code], emotion, folder
    )


def _database(tree: Tree, root: tuple[str, ...], folder: Folder) -> str:
    for part in reversed(root):
        words = set(re.split(r"[^A-Z]+", part.upper()))
        if len(camera := words & DATABASES.keys()) == 1:
            return DATABASES[camera.pop()]
    raise InputError(
        f"No folder name says which camera recorded “{folder.path}”. Choose the folder HS, VIS or NIR, or the folder "
        "that contains it."
    )


def _rows_by_clip(
    tree: Tree, sheet: Sheet | None, clips: dict[tuple[str, str], _SmicClip], report: ImportReport
) -> dict[tuple[str, str], list[Marked]]:
    """Return the rows by (database, clip). Each sheet is of one camera, named in its name or path or by the tree."""
    coded: defaultdict[tuple[str, str], list[Marked]] = defaultdict(list)
    databases = {database for database, _ in clips}
    for table in _tables(tree, sheet, report):
        words = set(re.split(r"[^A-Z]+", table.name.upper())) & DATABASES.keys()
        if len(words) != 1 and len(databases) > 1:
            raise InputError(
                f"The name of the sheet “{table.name}” does not say which camera it codes. Import each camera separately."
            )
        database = DATABASES[words.pop()] if len(words) == 1 else next(iter(databases))
        named = tuple(row for row in table.rows if clip_name(row.text("filename", ImportReport())))
        for row in coded_rows(
            replace(table, rows=named), subject_name, lambda _, filename: clip_name(filename), report
        ):
            coded[database, row.clip].append(row)
    return coded


def _tables(tree: Tree, sheet: Sheet | None, report: ImportReport) -> list[SheetTable]:
    if sheet is not None:
        return [find_table(tree, sheet, COLUMNS, "the sheet of SMIC-E", report)]
    tables = []
    for name in sheet_names(tree)[:40]:
        try:
            tables.append(read_table(load_sheet(tree, name), COLUMNS, report))
        except UnclearColumnsError:
            raise
        except InputError as error:  # the sheet is optional, and the tree may contain others
            report.info("sheet-not-read", f"The sheet is not read: {error}", file=name)
    return tables


def _clip(tree: Tree, clip: _SmicClip, rows: list[Marked], report: ImportReport) -> FoundClip:
    folder, where = clip.folder, {"subject": clip.subject, "clip": clip.name}
    files, numbers = sound_frames(tree, folder, report, **where)
    expression = None
    if not files:
        report.error(
            "clip-without-frames",
            "No file in the folder is an image: the clip is not imported.",
            file=folder.path,
            **where,
        )
    elif clip.emotion_in_path and clip.emotion_in_path != clip.emotion_in_name:
        report.error(
            "emotion-contradicts",
            f"The folder says “{clip.emotion_in_path}”, but the clip's name says “{clip.emotion_in_name}”: the clip is "
            "imported without an expression.",
            file=folder.path,
            **where,
        )
    elif rows:
        expression = _from_sheet(clip, rows, numbers, report)
    elif clip.emotion_in_path:
        expression = Marked(
            clip=clip.name,
            subject=clip.subject,
            onset=numbers[0],
            offset=numbers[-1],
            emotion=clip.emotion_in_name,
            silent=RARELY_CODED | {"apex", "action_units"},
        )
    else:
        report.error(
            "row-missing",
            "A clip of SMIC-E is longer than its expression, and no sheet gives the frames of the expression: the clip is "
            "imported without it. Import it with the sheet.",
            file=folder.path,
            **where,
        )
    return FoundClip(
        clip.database,
        clip.subject,
        clip.name,
        FPS[clip.database],
        files,
        numbers,
        (expression,) if expression else (),
    )


def _from_sheet(
    clip: _SmicClip, rows: list[Marked], numbers: tuple[int, ...], report: ImportReport
) -> Marked | None:
    kept = without_duplicates(rows, report, several=False)
    if not kept:
        return None
    row = in_source_frames(kept[0], numbers, report)
    if row is None:
        return None
    emotion = _CODES.get(row.emotion, row.emotion)
    if emotion and emotion != clip.emotion_in_name:
        report.error(
            "emotion-contradicts",
            f"The sheet says “{emotion}”, but the clip's name says “{clip.emotion_in_name}”: the row is not imported.",
            **{**row.where(), "column": "emotion"},
        )
        return None
    found = check(row, numbers, (), report, apex_expected=False)
    if found is None:
        return None
    return replace(found, emotion=clip.emotion_in_name)


LAYOUT = Layout(
    key="smic",
    title="SMIC",
    expects="HS/s1/micro/negative/s1_ne_01/….bmp, also VIS and NIR",
    read=read,
    columns=COLUMNS,
)
