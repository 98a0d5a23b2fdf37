"""CAS(ME)³ part A (Li et al. 2022, IEEE TPAMI, doi 10.1109/TPAMI.2022.3174895): 100 subjects, 30 frames/s, colour.

Sheet ``cas(me)3_part_A_ME_label_JpgIndex_v*.xlsx``: Subject (spNO.1), Filename (a … m), Onset, Apex, Offset, AU, Objective
class, emotion. The sheet of macro-expressions (``…_MaE_label_…``) names the columns sub, seq, onset, apex, offset; every
row of a sheet whose name has "MaE" is a macro-expression. Frames are either the long videos, ``spNO.1/a/color/*.jpg``, with
several expressions each (clip "a"), or the cut clips of ``Part_A_ME_clip/frame/spNO.1_a_145/*.jpg``, one a row, named by
its onset (clip "a_145"). Depth images are left out.

Most videos lack their first seven or eight frames and some a few later ones; the authors call this normal
(github.com/jingtingEmmaLi/CAS-ME-3, issues 3 and 4). Where a marked frame is one of those, the nearest frame there is, of at
most eight away and within the expression, is offered as a correction.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from models_ml.formats.base import Finding, Layout, Sheet, Tree
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
    CodedRow,
    ExpressionKind,
    coded_rows,
)
from models_ml.formats.errata import Erratum
from models_ml.formats.folders import image_folders
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import Column, SheetRow, find_table

_DROPPED = 8  # frames
_SOURCE = "Corrected likewise by MEB (Varanka et al., the dataset module of tvaranka/meb) and in other public loaders."
ERRATA = (
    Erratum(
        "spNO.216",
        "d",
        "onset",
        "3647",
        "2647",
        f"The onset lies after the apex (2668) and the offset (2694): a 3 for a 2. {_SOURCE}",
    ),
    Erratum(
        "spNO.216",
        "e",
        "onset",
        "0",
        "1",
        f"Frames count from 1, there is no frame 0. {_SOURCE}",
        frame_absent=True,
    ),
    Erratum(
        "spNO.216",
        "e",
        "apex",
        "0",
        "1",
        f"Frames count from 1, there is no frame 0. {_SOURCE}",
        frame_absent=True,
    ),
)


def subject_name(text: str) -> str:
    """
    >>> subject_name("spNO.1"), subject_name("SPNO 1"), subject_name("1"), subject_name("a")
    ('spNO.1', 'spNO.1', 'spNO.1', '')
    """
    match = re.fullmatch(r"(?:sp ?no[._ ]*)?0*([1-9]\d{0,3})", text.strip().lower())
    return f"spNO.{int(match[1])}" if match else ""


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """spNO.1/a/color or frame/spNO.1_a_145."""
    if len(parts) >= 3 and parts[-1].lower() == "color" and (subject := subject_name(parts[-3])):
        return ClipIdentity(parts[:-3], subject, parts[-2].lower(), parts[-3])
    match = re.fullmatch(r"(spno\.\d+)_([a-z])_(\d+)", parts[-1].lower())
    if match and "depth" not in (part.lower() for part in parts[:-1]):
        subject = subject_name(match[1])
        return ClipIdentity(parts[:-1], subject, f"{match[2]}_{match[3]}", subject)
    return None


def _kind(row: SheetRow, report: ImportReport) -> ExpressionKind:
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
    """CAS(ME)³ part A in a tree; raises as ``CodedDatabase.read`` does."""
    report = ImportReport()
    table = find_table(tree, sheet, DATABASE.columns, "the coding sheet of CAS(ME)³ part A")
    database = replace(DATABASE, codes_emotions="emotion" in table.columns)
    folders = identify_folders(tree, image_folders(tree, report), database, report)
    rows = coded_rows(table.rows, database.subject, database.clip, report, database.kind)
    if all("_" in identity.clip for identity, _ in folders.by_clip.values()):
        database = replace(database, several=False)
        rows = [_cut(row) for row in rows]
    database = replace(database, errata=(*ERRATA, *_dropped(rows, folders)))
    return assemble(tree, rows, folders, accepted, database, report)


def _cut(row: CodedRow) -> CodedRow:
    """The row with the name of its cut clip."""
    return row if row.onset is None else replace(row, clip=f"{row.clip}_{row.onset}")


def _dropped(rows: Sequence[CodedRow], folders: ClipFolders) -> list[Erratum]:
    """A correction for each mark on a frame that the camera dropped."""
    known = {(e.subject, e.clip, e.field, e.found) for e in ERRATA}
    errata = []
    for row in rows:
        numbers = folders.numbers(row.subject, row.clip)
        for field in ("onset", "apex", "offset"):
            frame = getattr(row, field)
            near = None if frame is None or frame in numbers else _nearest(frame, numbers, field)
            if near is not None and (row.subject, row.clip, field, str(frame)) not in known:
                reason = (
                    f"Frame {frame} was dropped in recording, as the authors say of many "
                    f"(github.com/jingtingEmmaLi/CAS-ME-3, issue 3); {near} is the nearest one within the expression."
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
    """The next frame for an onset, the last one before for an offset, either for an apex; None beyond eight frames."""
    before, after = bisect_left(numbers, frame) - 1, bisect_right(numbers, frame)
    candidates = []
    if field != "onset" and before >= 0:
        candidates.append(numbers[before])
    if field != "offset" and after < len(numbers):
        candidates.append(numbers[after])
    near = [number for number in candidates if abs(number - frame) <= _DROPPED]
    return min(near, key=lambda number: abs(number - frame)) if near else None


LAYOUT = Layout(
    key=DATABASE.key,
    title="CAS(ME)³ part A",
    expects="spNO.1/a/color/1.jpg and cas(me)3_part_A_ME_label….xlsx",
    read=read,
)
