"""Label maps from a database's emotions to the three classes: a suggestion, and the exact map of MEGC2019.

See et al., "MEGC 2019 – The Second Facial Micro-Expressions Grand Challenge", FG 2019.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError

from mer_platform.clips.models import Database
from mer_platform.composites.names import database_key
from models_ml.classes import CLASSES

LabelMap = dict[str, dict[str, str | None]]

MEGC2019 = "megc2019"
PRESETS = {"": "Own map", MEGC2019: "MEGC2019"}

_THREE: dict[str, str | None] = {name: name for name in CLASSES}
_GENERAL: dict[str, str | None] = {
    "anger": "negative", "contempt": "negative", "disgust": "negative", "fear": "negative",
    "sadness": "negative", "repression": "negative", "happiness": "positive", **_THREE,
}  # fmt: skip
_MEGC2019: dict[str, dict[str, str | None]] = {
    "casme2": {"disgust": "negative", "repression": "negative", "happiness": "positive", **_THREE},
    "smic": _THREE,
    "samm": {
        "anger": "negative", "contempt": "negative", "disgust": "negative", "fear": "negative",
        "sadness": "negative", "happiness": "positive", **_THREE,
    },
}  # fmt: skip
# MEGC2019 leaves these emotions of CASME II out, but keeps SAMM's.
_LEFT_OUT = {"casme": {"fear", "sadness"}}


def suggest(databases: Sequence[Database], preset: str = "") -> LabelMap:
    """Return a label map to start from: each emotion of each database with a class, or None to leave it out.

    With a preset, the databases that it covers get exactly its map.
    """
    return {database.name: _words(database, preset) for database in databases}


def fixed_by(preset: str, database: Database) -> bool:
    """Return whether the preset decides this database's map."""
    return preset == MEGC2019 and bool(database_key(database.name))


def check_label_map(label_map: Any, databases: Sequence[Database], preset: str = "") -> LabelMap:
    """Return the map with the missing databases of the preset filled in.

    Raises ValidationError that names the database and the emotion if the map does not have the right form.
    """
    if preset not in PRESETS:
        raise ValidationError(
            {"preset": f"Preset “{preset}” not found. Choose one of {', '.join(p for p in PRESETS if p)}."}
        )
    names = {database.name for database in databases}
    if not isinstance(label_map, dict):
        raise _wrong("The label map must be an object: {database: {emotion: class or null}}.")
    for name, words in label_map.items():
        if name not in names:
            raise _wrong(f"“{name}” is not one of the chosen databases: {', '.join(sorted(names))}.")
        if not isinstance(words, dict):
            raise _wrong(f"The map of “{name}” must be an object: {{emotion: class or null}}.")
        for emotion, label in words.items():
            _check_word(name, emotion, label)
    fixed = suggest([database for database in databases if fixed_by(preset, database)], preset)
    for name, words in fixed.items():
        given = label_map.get(name, words)
        if changed := sorted(emotion for emotion in given if given[emotion] != words.get(emotion)):
            raise _wrong(
                f"{name}: MEGC2019 decides the class of “{changed[0]}”. To use another map, choose no preset."
            )
    return {**label_map, **fixed}


def _words(database: Database, preset: str) -> dict[str, str | None]:
    if fixed_by(preset, database):
        classes, without = _MEGC2019[database_key(database.name)], set[str]()
    else:
        classes = _GENERAL
        without = next((w for part, w in _LEFT_OUT.items() if part in database.name.lower()), set())
    return {
        emotion: None if emotion.strip().casefold() in without else classes.get(emotion.strip().casefold())
        for emotion in database.emotions
    }


def _check_word(database: str, emotion: str, label: Any) -> None:
    if re.search(r"[\x00\ud800-\udfff]", emotion):  # NUL or half a character, which no database stores
        raise _wrong(f"{database}: the emotion {emotion!r} contains a character that is not text.")
    if label is not None and label not in CLASSES:
        raise _wrong(
            f"{database}, “{emotion}”: “{label}” is not a class. Use {', '.join(CLASSES)}, or null to leave the emotion out."
        )


def _wrong(message: str) -> ValidationError:
    return ValidationError({"label_map": message})
