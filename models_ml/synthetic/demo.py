"""Define the demo project's clips: three small databases that differ as CASME II, SMIC and SAMM do.

``SUBTLE_SHARE``, ``MIXED_SHARE`` and the distractors in ``clip`` set how hard they are to classify; ``make bench NAME=demo``
measures it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models_ml.synthetic.clip import ClipSpec
from models_ml.synthetic.identity import generator, make_identity
from models_ml.synthetic.motion import parse_action_units

SUBTLE_SHARE = (
    0.40  # share of clips whose longest displacement is within SUBTLE_PX; in the others, within CLEAR_PX
)
SUBTLE_PX = (0.3, 0.8)
CLEAR_PX = (0.8, 2.4)
MIXED_SHARE = 0.50  # share of clips in which an action unit of another class moves a little too

_MIXED_UNITS = {
    "negative": ("12C", "1C+2C", "6B+12D"),
    "positive": ("4C", "15B", "1C+2C", "4D"),
    "surprise": ("4C", "12C", "15D"),
}
# Chances of the classes of a subject's further clips; each subject has one clip of each class.
_COMMON = {"negative": 0.64, "positive": 0.21, "surprise": 0.15}


@dataclass(frozen=True)
class Emotion:
    """One emotion of a database, its class (None: left out of composites), and the action units that show it."""

    name: str
    label: str | None
    action_units: tuple[str, ...]


@dataclass(frozen=True)
class DemoDatabase:
    """One demo database, and what all its clips share."""

    name: str
    stands_for: str
    fps: float
    width: int
    height: int
    grey: bool
    container: Literal["mp4", "avi", "zip"]
    emotions: tuple[Emotion, ...]
    clips_of: Mapping[str, int]  # subject -> clips with a class
    unclassed_of: Mapping[str, int]  # subject -> further clips whose emotion has no class
    first_source_number: int

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The emotions of this database."""
        return tuple(emotion.name for emotion in self.emotions)

    @property
    def label_map(self) -> dict[str, str | None]:
        """Class of each emotion; None leaves the clip out."""
        return {emotion.name: emotion.label for emotion in self.emotions}


DATABASES: tuple[DemoDatabase, ...] = (
    DemoDatabase(
        name="Demo CASME",
        stands_for="CASME II",
        fps=200,
        width=208,
        height=240,
        grey=False,
        container="mp4",
        emotions=(
            Emotion("happiness", "positive", ("12", "6+12", "L12", "R12", "6+12")),
            Emotion("disgust", "negative", ("4+9", "9+10", "4+7+9", "4+7", "9")),
            Emotion("repression", "negative", ("15", "15+17", "17+24", "1+15", "L15")),
            Emotion("surprise", "surprise", ("1+2", "1+2+5", "1+2+25", "2+5")),
            Emotion("others", None, ("4+12", "14+17", "7+20")),
        ),
        clips_of={"sub01": 8, "sub02": 7, "sub03": 8, "sub04": 7, "sub05": 8, "sub06": 7},
        unclassed_of={"sub02": 1, "sub05": 1},
        first_source_number=1,
    ),
    DemoDatabase(
        name="Demo SMIC",
        stands_for="SMIC",
        fps=100,
        width=192,
        height=216,
        grey=False,
        container="avi",
        emotions=(
            Emotion("negative", "negative", ("4", "4+7", "15", "4+9", "15+17", "1+4")),
            Emotion("positive", "positive", ("12", "6+12", "6+12")),
            Emotion("surprise", "surprise", ("1+2", "1+2+5", "1+2+26")),
        ),
        clips_of={"s01": 8, "s02": 7, "s03": 8, "s04": 7, "s05": 8},
        unclassed_of={},
        first_source_number=1,
    ),
    DemoDatabase(
        name="Demo SAMM",
        stands_for="SAMM",
        fps=200,
        width=216,
        height=232,
        grey=True,
        container="zip",
        emotions=(
            Emotion("happiness", "positive", ("12", "6+12", "R12")),
            Emotion("anger", "negative", ("4", "4+7", "4+24", "4+5")),
            Emotion("contempt", "negative", ("L14", "R14", "14", "R12C+R14")),
            Emotion("surprise", "surprise", ("1+2", "1+2+26", "1+2+5")),
            Emotion("other", None, ("17+20", "1+4")),
        ),
        clips_of={"006": 7, "009": 7, "011": 8, "014": 7, "018": 7, "022": 7},
        unclassed_of={"011": 1},
        first_source_number=5562,
    ),
)


def demo_clips(seed: int = 2019) -> list[ClipSpec]:
    """Return all clips of the demo project, in order of database and subject; the same for the same ``seed``."""
    return [
        spec
        for database in DATABASES
        for subject in database.clips_of
        for spec in _subject_clips(seed, database, subject)
    ]


def _subject_clips(seed: int, database: DemoDatabase, subject: str) -> list[ClipSpec]:
    rng = generator("demo", seed, database.name, subject)
    labels = list(_COMMON)
    classed = labels + [
        str(rng.choice(labels, p=list(_COMMON.values())))
        for _ in range(database.clips_of[subject] - len(labels))
    ]
    wanted: list[str | None] = [*classed, *[None] * database.unclassed_of.get(subject, 0)]
    order = rng.permutation(len(wanted))
    return [_clip(seed, database, subject, wanted[k], number, rng) for number, k in enumerate(order, 1)]


def _clip(
    seed: int, database: DemoDatabase, subject: str, label: str | None, number: int, rng: np.random.Generator
) -> ClipSpec:
    words = [emotion for emotion in database.emotions if emotion.label == label]
    emotion = words[int(rng.integers(len(words)))]
    units = emotion.action_units[int(rng.integers(len(emotion.action_units)))]
    if label and rng.uniform() < MIXED_SHARE:
        units = _mixed(units, label, rng)
    expressive = make_identity(seed, database.name, subject).expressiveness
    subtle = rng.uniform() < SUBTLE_SHARE
    low, high = SUBTLE_PX if subtle else CLEAR_PX
    intensity = float(np.clip(rng.uniform(low, high) * expressive, low, high))
    lead, rise, fall, tail = _durations(database.fps, rng)
    first = database.first_source_number
    if number > 1 and first > 1:  # image sequences are cut from one long recording
        first += int(rng.integers(50, 900)) * number
    return ClipSpec(
        database=database.name,
        subject=subject,
        name=_clip_name(database, subject, emotion, number),
        fps=database.fps,
        width=database.width,
        height=database.height,
        grey=database.grey,
        container=database.container,
        frame_count=lead + rise + fall + tail + 1,
        onset=lead,
        apex=lead + rise,
        offset=lead + rise + fall,
        emotion=emotion.name,
        action_units=units,
        intensity_px=round(intensity, 3),
        first_source_number=first,
        seed=seed,
    )


def _mixed(units: str, label: str, rng: np.random.Generator) -> str:
    """Add weaker units of another class, which are not in ``units``."""
    shown = {number for number, _, _ in parse_action_units(units)}
    others = [
        more for more in _MIXED_UNITS[label] if shown.isdisjoint(n for n, _, _ in parse_action_units(more))
    ]
    return f"{units}+{rng.choice(others)}"


def _durations(fps: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Return frames before onset, from onset to apex, from apex to offset, and after it; onset to offset is under 0.5 s."""
    if fps >= 200:
        low, high = (9, 16, 18, 9), (19, 33, 37, 17)
    else:
        low, high = (12, 11, 12, 12), (22, 20, 23, 22)
    lead, rise, fall, tail = (int(n) for n in rng.integers(low, high))
    return lead, rise, fall, tail


def _clip_name(database: DemoDatabase, subject: str, emotion: Emotion, number: int) -> str:
    """Return a clip's name in the style of the database that this one stands for."""
    if database.stands_for == "CASME II":
        return f"{subject}_EP{number + 1:02d}_{1 + number % 3:02d}"
    if database.stands_for == "SMIC":
        return f"{subject}_{({'negative': 'ne', 'positive': 'po', 'surprise': 'sur'})[emotion.name]}_{number:02d}"
    return f"{subject}_{1 + number // 4}_{number}"
