"""From the words of a database to the three classes (MEGC2019, See et al. 2019)."""

from mer_platform.clips.models import Database

LabelMap = dict[str, dict[str, str | None]]

_GENERAL: dict[str, str | None] = {
    "negative": "negative", "anger": "negative", "contempt": "negative", "disgust": "negative",
    "fear": "negative", "sadness": "negative", "repression": "negative",
    "positive": "positive", "happiness": "positive",
    "surprise": "surprise",
}  # fmt: skip
# MEGC2019 leaves these words of CASME II out, where SAMM's are kept.
_LEFT_OUT = {"casme": {"fear", "sadness"}}


def suggest(databases: list[Database]) -> LabelMap:
    """A label map to start from: every emotion of every database, mapped to a class or left out (None)."""
    suggestion: LabelMap = {}
    for database in databases:
        words = next((w for name, w in _LEFT_OUT.items() if name in database.name.lower()), set())
        suggestion[database.name] = {
            emotion: None if emotion in words else _GENERAL.get(emotion.lower())
            for emotion in database.emotions
        }
    return suggestion
