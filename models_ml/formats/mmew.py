"""MMEW (Ben et al. 2022, IEEE TPAMI 44(9), doi 10.1109/TPAMI.2021.3067464): 36 subjects, 90 frames/s, colour.

Sheet ``MMEW_Micro_Exp.xlsx``: Subject, Filename, OnsetFrame, ApexFrame, OffsetFrame, Action Units, Estimated Emotion,
remarks. Frames: ``Micro_Expression/<emotion>/<clip>/1.jpg``. A clip's name (S13-07-001) begins with its subject. The folder
above the clip and the sheet both give the emotion; if they differ, the row is not imported. ``Macro_Expression`` is left
out.
"""

import re

from models_ml.formats.base import Layout
from models_ml.formats.coded_database import ClipIdentity, CodedDatabase
from models_ml.formats.coded_rows import ACTION_UNITS, APEX, EMOTION, FILENAME, OFFSET, ONSET, SUBJECT

EMOTIONS = ("happiness", "anger", "surprise", "disgust", "fear", "sadness", "others")


def subject_name(text: str) -> str:
    """Return the name of a subject, or "" if the text is none.

    >>> subject_name("13"), subject_name("S13"), subject_name("s3"), subject_name("anger")
    ('S13', 'S13', 'S03', '')
    """
    match = re.fullmatch(r"(?:s|sub(?:ject)?)?[ _]?0*([1-9]\d?)", text.strip().lower())
    return f"S{int(match[1]):02d}" if match else ""


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """Recognise anger/S13-07-001 below any folder that is not of macro-expressions."""
    match = re.fullmatch(r"(s\d{1,2})-\d+-\d+", parts[-1].lower())
    if match is None or any(part.lower().startswith("macro") for part in parts[:-1]):
        return None
    above = parts[-2].lower() if len(parts) > 1 else ""
    emotion = above if above in EMOTIONS else ""
    subject = subject_name(match[1])
    return ClipIdentity(parts[: -2 if emotion else -1], subject, parts[-1], subject, emotion)


DATABASE = CodedDatabase(
    key="mmew",
    name="MMEW",
    fps=90.0,
    emotions=EMOTIONS,
    columns=(SUBJECT, FILENAME, ONSET, APEX, OFFSET, ACTION_UNITS, EMOTION),
    expects="anger/S13-07-001/1.jpg",
    identify=identify,
    subject=subject_name,
)


LAYOUT = Layout(
    key=DATABASE.key,
    title="MMEW",
    expects="anger/S13-07-001/1.jpg and MMEW_Micro_Exp.xlsx",
    read=DATABASE.read,
    columns=DATABASE.columns,
)
