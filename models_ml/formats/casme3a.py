"""CAS(ME)³ part A (Li et al. 2022, IEEE TPAMI, doi 10.1109/TPAMI.2022.3174895): 100 subjects, 30 frames/s, colour.

Sheet ``cas(me)3_part_A_ME_label_JpgIndex_v*.xlsx``: Subject (spNO.1), Filename (a … m), Onset, Apex, Offset, AU, Objective
class, emotion. The sheet of macro-expressions (``…_MaE_label_…``) has the columns sub, seq, onset, apex, offset; each row of
a sheet whose name contains "MaE" is a macro-expression. Frames are either the long videos, ``spNO.1/a/color/*.jpg``, with
several expressions each (clip "a"), or the cut clips of ``Part_A_ME_clip/frame/spNO.1_a_145/*.jpg``, one per row, named by
their onset (clip "a_145"). Depth images are left out.

In most videos the first seven or eight frames are missing, and in some a few later ones; the authors call this normal
(github.com/jingtingEmmaLi/CAS-ME-3, issues 3 and 4). If a mark is on a missing frame, the reader offers the nearest frame
within the expression, at most eight frames away, as a correction.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from models_ml.formats.base import Finding, Kind, Layout, Marked, Sheet, Tree
from models_ml.formats.cells import SheetRow
from models_ml.formats.coded_database import (
    ClipFolders,
    ClipIdentity,
    CodedDatabase,
    assemble,
    identify_folders,
)
from models_ml.formats.coded_rows import (
    ACTION_UNITS,
    APEX,
    EMOTION,
    FILENAME,
    OFFSET,
    ONSET,
    SUBJECT,
    coded_rows,
)
from models_ml.formats.errata import Erratum
from models_ml.formats.folders import image_folders
from models_ml.formats.headers import Column
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import find_table

_MOST_DROPPED_FRAMES = 8
_SOURCE = "MEB (Varanka et al., the dataset module of tvaranka/meb) and other public loaders make the same correction."
ERRATA = (
    Erratum(
        "spNO.216",
        "d",
        "onset",
        "3647",
        "2647",
        f"The onset comes after the apex (2668) and the offset (2694): 3 was typed for 2. {_SOURCE}",
    ),
    Erratum(
        "spNO.216",
        "e",
        "onset",
        "0",
        "1",
        f"Frames count from 1; there is no frame 0. {_SOURCE}",
        frame_absent=True,
    ),
    Erratum(
        "spNO.216",
        "e",
        "apex",
        "0",
        "1",
        f"Frames count from 1; there is no frame 0. {_SOURCE}",
        frame_absent=True,
    ),
)


def subject_name(text: str) -> str:
    """Return the name of a subject, or "" if the text is none.

    >>> subject_name("spNO.1"), subject_name("SPNO 1"), subject_name("1"), subject_name("a")
    ('spNO.1', 'spNO.1', 'spNO.1', '')
    """
    match = re.fullmatch(r"(?:sp ?no[._ ]*)?0*([1-9]\d{0,3})", text.strip().lower())
    return f"spNO.{int(match[1])}" if match else ""


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """Recognise spNO.1/a/color and frame/spNO.1_a_145."""
    if len(parts) >= 3 and parts[-1].lower() == "color" and (subject := subject_name(parts[-3])):
        return ClipIdentity(parts[:-3], subject, parts[-2].lower(), parts[-3])
    match = re.fullmatch(r"(spno\.\d+)_([a-z])_(\d+)", parts[-1].lower())
    if match and "depth" not in (part.lower() for part in parts[:-1]):
        subject = subject_name(match[1])
        return ClipIdentity(parts[:-1], subject, f"{match[2]}_{match[3]}", subject)
    return None


def _kind(row: SheetRow, report: ImportReport) -> Kind:
    return "macro" if re.search(r"(?<![a-z])mae(?![a-z])", row.file.lower()) else "micro"


DATABASE = CodedDatabase(
    key="casme3a",
    name="CAS(ME)3 part A",
    fps=30.0,
    emotions=("happy", "disgust", "fear", "anger", "sad", "surprise", "others"),
    columns=(
        SUBJECT,
        FILENAME,
        ONSET,
        APEX,
        OFFSET,
        ACTION_UNITS,
        Column("emotion", EMOTION.names, required=False),
    ),
    expects="spNO.1/a/color/1.jpg",
    identify=identify,
    subject=subject_name,
    clip=lambda subject, filename: filename.lower(),
    kind=_kind,
    several=True,
    errata=ERRATA,
)


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read CAS(ME)³ part A, long videos or cut clips; raises InputError as ``CodedDatabase.read`` does."""
    report = ImportReport()
    table = find_table(tree, sheet, DATABASE.columns, "the coding sheet of CAS(ME)³ part A", report)
    database = replace(DATABASE, codes_emotions="emotion" in table.columns)
    folders = identify_folders(tree, image_folders(tree, report), database, report)
    rows = coded_rows(table, database.subject, database.clip, report, database.kind)
    if all("_" in identity.clip for identity, _ in folders.by_clip.values()):
        database = replace(database, several=False)
        rows = [_of_cut_clip(row) for row in rows]
    rows = folders.in_source_frames(rows, report)
    database = replace(database, errata=(*ERRATA, *_dropped_frames(rows, folders)))
    return assemble(tree, rows, folders, accepted, database, report)


def _of_cut_clip(row: Marked) -> Marked:
    """Return the row with the name of its cut clip."""
    return row if row.onset is None else replace(row, clip=f"{row.clip}_{row.onset}")


def _dropped_frames(rows: Sequence[Marked], folders: ClipFolders) -> list[Erratum]:
    """Return a correction for each mark on a frame that the camera dropped."""
    known = {(e.subject, e.clip, e.field, e.found) for e in ERRATA}
    errata = []
    for row in rows:
        numbers = folders.numbers(row.subject, row.clip)
        for field in ("onset", "apex", "offset"):
            frame = getattr(row, field)
            near = None if frame is None or frame in numbers else _nearest(frame, numbers, field)
            if near is not None and (row.subject, row.clip, field, str(frame)) not in known:
                reason = (
                    f"Frame {frame} was dropped during recording, as the authors report for many frames "
                    f"(github.com/jingtingEmmaLi/CAS-ME-3, issue 3). Frame {near} is the nearest one in the expression."
                )
                errata.append(
                    Erratum(
                        row.subject,
                        row.clip,
                        field,
                        str(frame),
                        str(near),
                        reason,
                        frame_absent=True,
                        one_of_several=True,
                    )
                )
    return errata


def _nearest(frame: int, numbers: Sequence[int], field: str) -> int | None:
    """Return the next frame for an onset, the previous one for an offset, the nearer one for an apex.

    None if it is more than eight frames away.
    """
    before, after = bisect_left(numbers, frame) - 1, bisect_right(numbers, frame)
    candidates = []
    if field != "onset" and before >= 0:
        candidates.append(numbers[before])
    if field != "offset" and after < len(numbers):
        candidates.append(numbers[after])
    near = [number for number in candidates if abs(number - frame) <= _MOST_DROPPED_FRAMES]
    return min(near, key=lambda number: abs(number - frame)) if near else None


LAYOUT = Layout(
    key=DATABASE.key,
    title="CAS(ME)³ part A",
    expects="spNO.1/a/color/1.jpg and cas(me)3_part_A_ME_label….xlsx",
    read=read,
    columns=DATABASE.columns,
)
