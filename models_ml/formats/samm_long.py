"""SAMM Long Videos (Yap et al. 2020, FG, arXiv 1911.01519): 147 long videos, 200 frames/s, grey.

Sheet ``SAMM_LongVideos_V*_Release.xlsx``: some rows of text, then Subject, Filename, Inducement Code, Onset, Apex, Offset,
Duration, Type ("Micro - 1/2" or "Macro"), Action Units, Notes; no emotions. A Filename (006_1_2) names an expression in the
long video 006_1, whose frames are ``006_1/006_1_0001.jpg``, counted from 1. 0 and -1 mean that there is no frame.
"""

import re

from models_ml.formats.base import Layout
from models_ml.formats.coded_database import ClipIdentity, CodedDatabase
from models_ml.formats.coded_rows import ACTION_UNITS, APEX, EMOTION, FILENAME, OFFSET, ONSET, SUBJECT
from models_ml.formats.headers import Column
from models_ml.formats.samm import EMOTIONS, clip_name, kind, subject_name


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """Recognise 006_1, below its subject or not."""
    match = re.fullmatch(r"(\d{3})_\d+", parts[-1])
    if match is None:
        return None
    above = len(parts) > 1 and subject_name(parts[-2]) == match[1]
    return ClipIdentity(parts[: -2 if above else -1], match[1], parts[-1], parts[-2] if above else match[1])


def video_name(subject: str, filename: str) -> str:
    """Return the name of the long video that contains an expression.

    >>> video_name("006", "006_1_2"), video_name("006", "6_1_10")
    ('006_1', '006_1')
    """
    return "_".join(clip_name(subject, filename).split("_")[:2])


DATABASE = CodedDatabase(
    key="samm-long",
    name="SAMM Long Videos",
    fps=200.0,
    emotions=EMOTIONS,
    columns=(
        SUBJECT,
        FILENAME,
        ONSET,
        APEX,
        OFFSET,
        Column("kind", ("Type", "Micro")),
        ACTION_UNITS,
        Column("emotion", EMOTION.names, required=False),
    ),
    expects="006_1/006_1_0001.jpg",
    identify=identify,
    subject=subject_name,
    clip=video_name,
    kind=kind,
    none=frozenset(("0", "-1")),
    codes_emotions=False,
    several=True,
)


LAYOUT = Layout(
    key=DATABASE.key,
    title="SAMM Long Videos",
    expects="006_1/006_1_0001.jpg and SAMM_LongVideos_V3_Release.xlsx",
    read=DATABASE.read,
    columns=DATABASE.columns,
)
