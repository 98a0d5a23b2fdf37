"""DFME (Zhao et al. 2023, IEEE Trans. Affective Computing, doi 10.1109/TAFFC.2023.3341918): 200 to 500 frames/s, colour.

Sheets such as ``training_full_with_AU.xlsx`` and ``test_A_full_with_AU.xlsx``: Subject, Filename, OnsetFrame, ApexFrame,
OffsetFrame, Emotion, EmotionId, Fps, AU; other columns are ignored. Fps differs between recordings, so each clip has that
of its row. Frames: ``train_data/sub0003_01/00012.png``, by source frame number. A clip's name begins with its subject.
Training and test parts have a sheet each: import them one after the other.
"""

import re
from collections import defaultdict
from dataclasses import replace

from models_ml.formats.base import Finding, FoundClip, Layout, Sheet, Tree
from models_ml.formats.cells import SheetRow
from models_ml.formats.coded_database import ClipIdentity, CodedDatabase, assemble, identify_folders
from models_ml.formats.coded_rows import (
    ACTION_UNITS,
    APEX,
    EMOTION,
    FILENAME,
    OFFSET,
    ONSET,
    SUBJECT,
    coded_rows,
    frame_rate,
)
from models_ml.formats.folders import image_folders
from models_ml.formats.headers import Column
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import SheetTable, find_table


def subject_name(text: str) -> str:
    """Return the name of a subject, or "" if the text is none.

    >>> subject_name("sub0003"), subject_name("3"), subject_name("sub0003_01")
    ('sub0003', 'sub0003', '')
    """
    match = re.fullmatch(r"(?:sub(?:ject)?)?[ _]?0*([1-9]\d{0,3})", text.strip().lower())
    return f"sub{int(match[1]):04d}" if match else ""


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """Recognise sub0003_01, below its subject or not."""
    match = re.fullmatch(r"(sub\d{4})_\d+", parts[-1].lower())
    if match is None:
        return None
    above = len(parts) > 1 and subject_name(parts[-2]) == match[1]
    return ClipIdentity(parts[: -2 if above else -1], match[1], parts[-1], parts[-2] if above else match[1])


DATABASE = CodedDatabase(
    key="dfme",
    name="DFME",
    fps=0.0,
    emotions=("happiness", "anger", "contempt", "disgust", "fear", "sadness", "surprise", "others"),
    columns=(
        SUBJECT,
        FILENAME,
        ONSET,
        APEX,
        OFFSET,
        Column("fps", ("Fps", "Frame rate", "Frames per second")),
        ACTION_UNITS,
        Column("emotion", ("Emotion", *EMOTION.names)),
    ),
    expects="sub0003_01/00012.png",
    identify=identify,
    subject=subject_name,
)


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read DFME, one part at a time; raises InputError as ``CodedDatabase.read`` does."""
    report = ImportReport()
    table = find_table(tree, sheet, DATABASE.columns, "the coding sheet of DFME", report)
    folders = identify_folders(tree, image_folders(tree, report), DATABASE, report)
    rows = folders.in_source_frames(coded_rows(table, subject_name, DATABASE.clip, report), report)
    finding = assemble(tree, rows, folders, accepted, DATABASE, report)
    finding.clips = _with_rates(finding.clips, table, report)
    rates = {clip.fps for clip in finding.clips}
    finding.fps = {DATABASE.name: rates.pop()} if len(rates) == 1 else {}
    return finding


def _with_rates(clips: list[FoundClip], table: SheetTable, report: ImportReport) -> list[FoundClip]:
    """Return the clips with the frame rates of their rows, without those that have none, which are reported."""
    by_clip: defaultdict[str, list[SheetRow]] = defaultdict(list)
    for row in table.rows:
        by_clip[row.text("filename", ImportReport()).lower()].append(row)
    rates = ((clip, frame_rate(by_clip[clip.name.lower()], report)) for clip in clips)
    return [replace(clip, fps=rate) for clip, rate in rates if rate is not None]


LAYOUT = Layout(
    key=DATABASE.key,
    title="DFME",
    expects="sub0003_01/00012.png and training_full_with_AU.xlsx, with the columns Subject, Filename, OnsetFrame …, Fps, AU",
    read=read,
    columns=DATABASE.columns,
)
