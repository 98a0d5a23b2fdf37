"""4DME (Li et al. 2022, IEEE Trans. Affective Computing, doi 10.1109/TAFFC.2022.3182342): its grey and Kinect videos.

Less is public about this database than about the others. From the paper and the columns that public loaders read, this
reader assumes: a sheet ``4DME_Labelling_Micro_release v1.xlsx`` with sub_ID, fold_name, Emotion, Onset, Apex, Offset, AUs
(other columns are ignored); frames in ``gray_micro/<subject>/<fold_name>/*.jpg``; 60 frames/s. If a folder's name contains
kinect, rgb, ``color`` or depth, the frame rate is 30 frames/s and the database is "4DME Kinect". Subjects are compared by
number. There are five emotions: positive, negative, surprise, repression, others; a row with several of them is imported
as written, with a warning. The 3D meshes are not read.
"""

import re
from dataclasses import replace

from models_ml.formats.base import Finding, Layout, Sheet, Tree
from models_ml.formats.coded_database import ClipIdentity, CodedDatabase
from models_ml.formats.coded_rows import ACTION_UNITS, APEX, EMOTION, FILENAME, OFFSET, ONSET, SUBJECT

_KINECT = re.compile(r"kinect|rgb|colou?r|depth")


def subject_name(text: str) -> str:
    """Return the name of a subject, or "" if the text is none.

    >>> subject_name("1"), subject_name("sub_01"), subject_name("S12"), subject_name("gray_micro")
    ('sub01', 'sub01', 'sub12', '')
    """
    match = re.fullmatch(r"(?:s|sub(?:ject)?)?[ _]?0*([1-9]\d{0,2})", text.strip().lower())
    return f"sub{int(match[1]):02d}" if match else ""


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """Recognise <subject>/<clip> below any folder."""
    subject = subject_name(parts[-2]) if len(parts) > 1 else ""
    return ClipIdentity(parts[:-2], subject, parts[-1], parts[-2]) if subject else None


DATABASE = CodedDatabase(
    key="4dme",
    name="4DME",
    fps=60.0,
    emotions=("positive", "negative", "surprise", "repression", "others"),
    columns=(SUBJECT, FILENAME, ONSET, APEX, OFFSET, ACTION_UNITS, EMOTION),
    expects="gray_micro/<subject>/<fold_name>/1.jpg",
    identify=identify,
    subject=subject_name,
)


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read 4DME, one kind of video at a time; raises InputError as ``CodedDatabase.read`` does."""
    kinect = bool(_KINECT.search(tree.name.lower())) or any(
        _KINECT.search(path.rpartition("/")[0].lower()) for path in tree.files()
    )
    database = replace(DATABASE, name="4DME Kinect", fps=30.0) if kinect else DATABASE
    return database.read(tree, sheet, accepted)


LAYOUT = Layout(
    key=DATABASE.key,
    title="4DME",
    expects="gray_micro/<subject>/<clip>/1.jpg and 4DME_Labelling_Micro….xlsx",
    read=read,
    columns=DATABASE.columns,
)
