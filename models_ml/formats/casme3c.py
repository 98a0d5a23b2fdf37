"""CAS(ME)³ part C (Li et al. 2022, IEEE TPAMI, doi 10.1109/TPAMI.2022.3174895): 31 subjects, 30 frames/s, colour.

Sheet ``CAS(ME)3_part_C_ME.xlsx``: sub (1 to 31), count (the number of the expression), onset, offset, au, emotion; other
columns are ignored. No apex is coded. Frames are either the long videos, ``01/a/color/1.jpg``, with several expressions
each (clip "a"), or cut clips, ``01/1/color/373.jpg``, one per row, named by its count (clip "1"); both by source frame
number. Depth images are left out. Names in the project: subject "01", as the folders have it.
"""

import re
from dataclasses import replace

from models_ml.errors import InputError
from models_ml.formats.base import Finding, Layout, Sheet, Tree
from models_ml.formats.coded_database import (
    ClipFolders,
    ClipIdentity,
    CodedDatabase,
    assemble,
    identify_folders,
)
from models_ml.formats.coded_rows import ACTION_UNITS, EMOTION, OFFSET, ONSET, SUBJECT, coded_rows
from models_ml.formats.folders import image_folders
from models_ml.formats.headers import Column
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import find_table


def subject_name(text: str) -> str:
    """Return the name of a subject, or "" if the text is none.

    >>> subject_name("1"), subject_name("01"), subject_name("sub12"), subject_name("a")
    ('01', '01', '12', '')
    """
    match = re.fullmatch(r"(?:sub(?:ject)?)?[ _]?0*([1-9]\d{0,2})", text.strip().lower())
    return f"{int(match[1]):02d}" if match else ""


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """Recognise 01/a/color and 01/1/color."""
    if (
        len(parts) < 3
        or parts[-1].lower() != "color"
        or not re.fullmatch(r"[a-z]|\d{1,3}", parts[-2].lower())
    ):
        return None
    subject = subject_name(parts[-3])
    return ClipIdentity(parts[:-3], subject, parts[-2].lower(), parts[-3]) if subject else None


DATABASE = CodedDatabase(
    key="casme3c",
    name="CAS(ME)3 part C",
    fps=30.0,
    emotions=("positive", "negative", "surprise", "others"),
    columns=(
        SUBJECT,
        Column("filename", ("count",)),
        ONSET,
        OFFSET,
        ACTION_UNITS,
        EMOTION,
    ),
    expects="01/a/color/1.jpg",
    identify=identify,
    subject=subject_name,
    codes_apexes=False,
)


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read CAS(ME)³ part C, long videos or cut clips; no errata are known.

    Raises InputError as ``CodedDatabase.read`` does, and if a subject has several long videos: the sheet names none.
    """
    report = ImportReport()
    table = find_table(tree, sheet, DATABASE.columns, "the coding sheet of CAS(ME)³ part C", report)
    folders = identify_folders(tree, image_folders(tree, report), DATABASE, report)
    rows = coded_rows(table, subject_name, DATABASE.clip, report)
    database = DATABASE
    if all(identity.clip.isalpha() for identity, _ in folders.by_clip.values()):
        database = replace(DATABASE, several=True)
        videos = _video_of_each_subject(tree, folders)
        rows = [replace(row, clip=videos.get(row.subject, row.clip)) for row in rows]
    rows = folders.in_source_frames(rows, report)
    return assemble(tree, rows, folders, accepted, database, report)


def _video_of_each_subject(tree: Tree, folders: ClipFolders) -> dict[str, str]:
    videos: dict[str, str] = {}
    for identity, _ in folders.by_clip.values():
        other = videos.setdefault(identity.subject, identity.clip)
        if other != identity.clip:
            raise InputError(
                f"“{tree.name}” has the videos {other} and {identity.clip} of subject {identity.subject}, but the sheet "
                "does not say which of them it codes. Keep one of them in the folder."
            )
    return videos


LAYOUT = Layout(
    key=DATABASE.key,
    title="CAS(ME)³ part C",
    expects="01/a/color/1.jpg and CAS(ME)3_part_C_ME.xlsx",
    read=read,
    columns=DATABASE.columns,
)
