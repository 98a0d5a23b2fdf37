"""SMIC (Li et al. 2013, FG, doi 10.1109/FG.2013.6553717): cameras HS (100 frames/s), VIS and NIR (25 frames/s).

Trimmed clips, raw or of ``SMIC_all_cropped``: ``HS/s1/micro/negative/s1_ne_01/*.bmp``. No apex is given; onset and offset
are the first and last frame, unless a SMIC-E sheet (``SMIC-HS-E_annotation*.xlsx``: Subject, Filename, OnsetF, OffsetF,
Emotion, perhaps ApexF) says them. Long clips of SMIC-E, ``SMIC-HS-E/s01/s1_ne_01/image000123.jpg``, need that sheet.

One tree may hold several cameras. HS is the database "SMIC" whatever else is there, because that is what MEGC2019 and the
literature mean by SMIC, and because a second import must find the first one's clips; the others are "SMIC VIS" and
"SMIC NIR". They show the same people: do not put two cameras into one composite.

Names given: subject "s01" and clip "s01_ne_01", two digits each, as in the list of MEGC2019 (folders have s1, s1_ne_01).
"""

import re
from collections import defaultdict
from dataclasses import dataclass

from models_ml.errors import InputError
from models_ml.formats.base import CodedExpression, Finding, FoundClip, Layout, Sheet, Tree
from models_ml.formats.coded_rows import (
    APEX,
    EMOTION,
    FILENAME,
    OFFSET,
    ONSET,
    SUBJECT,
    CodedRow,
    at,
    check,
    coded_rows,
    report_spellings,
    without_duplicates,
)
from models_ml.formats.folders import Folder, image_folders, sound_frames
from models_ml.formats.report import ImportReport, listed
from models_ml.formats.sheets import Column, SheetTable, find_table, load_sheet, read_table, sheet_names

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
    clip: str
    said: str  # the emotion that the clip's name tells
    folder_says: str  # …and its folder: "" in SMIC-E
    folder: Folder


def subject_name(text: str) -> str:
    """
    >>> subject_name("1"), subject_name("s1"), subject_name("S01"), subject_name("micro")
    ('s01', 's01', 's01', '')
    """
    match = re.fullmatch(r"(?:s|sub(?:ject)?)?[ _]?0*([1-9]\d?)", text.strip().lower())
    return f"s{int(match[1]):02d}" if match else ""


def clip_name(text: str) -> str:
    """
    >>> clip_name("s1_ne_1"), clip_name("S11_sur_02"), clip_name("EP02_01f")
    ('s01_ne_01', 's11_sur_02', '')
    """
    match = re.fullmatch(r"s0*(\d{1,2})_(ne|po|sur)_0*(\d{1,3})", text.strip().lower())
    return f"s{int(match[1]):02d}_{match[2]}_{int(match[3]):02d}" if match else ""


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """SMIC in a tree; there are no known errata. See the module's docstring for what the sheet changes.

    Raises InputError where the tree holds no clip, where nothing says which camera it is, and where raw and cropped
    frames of the same clips lie in one tree.
    """
    report = ImportReport()
    places = _places(tree, report)
    coded = _coded(tree, sheet, places, report)
    finding = Finding(problems=report.problems)
    for key, place in sorted(places.items()):
        finding.clips.append(_clip(tree, place, coded.pop(key, []), report))
        finding.emotions[place.database] = list(EMOTIONS)
        finding.fps[place.database] = FPS[place.database]
    finding.clips = [clip for clip in finding.clips if clip.files]
    for rows in coded.values():
        for row in rows:
            report.error(
                "folder-missing", f"There is no folder {row.clip}: the row is not imported.", **at(row)
            )
    if len(finding.fps) > 1:
        report.info(
            "cameras",
            f"Several cameras recorded the same people: {listed(sorted(finding.fps))} are databases of their own. Do not "
            "put two of them into one composite.",
        )
    return finding


def _places(tree: Tree, report: ImportReport) -> dict[tuple[str, str], _SmicClip]:
    folders = image_folders(tree, report)
    places: dict[tuple[str, str], _SmicClip] = {}
    for folder in folders:
        place = _place(tree, folder, report)
        if place is None:
            continue
        other = places.setdefault((place.database, place.clip), place)
        if other is place:
            continue
        if other.root != place.root:
            roots = sorted("/".join(p.root[1:]) or "." for p in (other, place))
            raise InputError(
                f"“{tree.name}” holds the clip {place.clip} twice: below {' and below '.join(roots)}. "
                "Import one of the two folders (raw or cropped frames, not both)."
            )
        report.error(
            "folder-twice",
            f"The clip {place.clip} has two folders; {other.folder.path} is taken.",
            file=folder.path,
            subject=place.subject,
            clip=place.clip,
        )
    if not places:
        seen = listed([folder.path or "." for folder in folders], 3) or "no folder of images"
        raise InputError(
            f"“{tree.name}” holds no clips of SMIC: expected frames such as HS/s1/micro/negative/s1_ne_01/image1.bmp, found "
            f"{seen}."
        )
    report_spellings(((p.subject, p.spelled, "folder") for p in places.values()), report)
    return places


def _place(tree: Tree, folder: Folder, report: ImportReport) -> _SmicClip | None:
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
            f"The clip {parts[-1]} lies in the folder of {spelled}: it is not imported.",
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
        f"Nothing says which camera recorded “{folder.path}”: give the folder above HS, VIS or NIR, or that folder itself."
    )


def _coded(
    tree: Tree, sheet: Sheet | None, places: dict[tuple[str, str], _SmicClip], report: ImportReport
) -> dict[tuple[str, str], list[CodedRow]]:
    """Rows by (database, clip); each sheet is of one camera, told by its own name or path, or by the tree."""
    coded: defaultdict[tuple[str, str], list[CodedRow]] = defaultdict(list)
    databases = {database for database, _ in places}
    for table in _tables(tree, sheet):
        words = set(re.split(r"[^A-Z]+", table.name.upper())) & DATABASES.keys()
        if len(words) != 1 and len(databases) > 1:
            raise InputError(
                f"Nothing says of which camera the sheet “{table.name}” is: import HS, VIS and NIR one after the other."
            )
        database = DATABASES[words.pop()] if len(words) == 1 else next(iter(databases))
        named = [row for row in table.rows if clip_name(row.text("filename", ImportReport()))]
        for row in coded_rows(named, subject_name, lambda _, filename: clip_name(filename), report):
            coded[database, row.clip].append(row)
    return coded


def _tables(tree: Tree, sheet: Sheet | None) -> list[SheetTable]:
    if sheet is not None:
        return [find_table(tree, sheet, COLUMNS, "the sheet of SMIC-E")]
    tables = []
    for name in sheet_names(tree)[:40]:
        try:
            tables.append(read_table(load_sheet(tree, name), COLUMNS))
        except InputError:
            continue  # the sheet is optional: others may lie about
    return tables


def _clip(tree: Tree, place: _SmicClip, rows: list[CodedRow], report: ImportReport) -> FoundClip:
    folder, where = place.folder, {"subject": place.subject, "clip": place.clip}
    files, numbers = sound_frames(tree, folder, report, **where)
    expression = None
    if not files:
        report.error(
            "clip-without-frames",
            "No file of the folder is an image: the clip is not imported.",
            file=folder.path,
            **where,
        )
    elif place.folder_says and place.folder_says != place.said:
        report.error(
            "emotion-contradicts",
            f"The folder says {place.folder_says}, the clip's name {place.said}: imported without a coding.",
            file=folder.path,
            **where,
        )
    elif rows:
        expression = _from_sheet(place, rows, numbers, report)
    elif place.folder_says:
        expression = CodedExpression(numbers[0], None, numbers[-1], place.said)
    else:
        report.error(
            "row-missing",
            "A clip of SMIC-E is longer than its expression, and no sheet says where that is: imported without a coding. "
            "Give the sheet.",
            file=folder.path,
            **where,
        )
    return FoundClip(
        place.database,
        place.subject,
        place.clip,
        FPS[place.database],
        files,
        numbers,
        (expression,) if expression else (),
    )


def _from_sheet(
    place: _SmicClip, rows: list[CodedRow], numbers: tuple[int, ...], report: ImportReport
) -> CodedExpression | None:
    kept = without_duplicates(rows, report, several=False)
    if not kept:
        return None
    row = kept[0]
    emotion = _CODES.get(row.emotion, row.emotion)
    if emotion and emotion != place.said:
        report.error(
            "emotion-contradicts",
            f"The sheet says {emotion}, the clip's name {place.said}: the row is not imported.",
            **{**at(row), "column": "emotion"},
        )
        return None
    found = check(row, numbers, (), report, apex_expected=False)
    if found is None:
        return None
    return CodedExpression(found.onset, found.apex, found.offset, place.said, "", "micro", row.row)


LAYOUT = Layout(
    key="smic",
    title="SMIC",
    expects="HS/s1/micro/negative/s1_ne_01/….bmp, VIS and NIR likewise",
    read=read,
)
