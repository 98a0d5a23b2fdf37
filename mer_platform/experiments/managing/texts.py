"""Names, notes and tags as researchers type them, in one form."""

import hashlib
import unicodedata
from collections.abc import Iterable

from django.core.exceptions import ValidationError

from mer_platform.experiments.models import Run, Tag

LONGEST_NAME = Run._meta.get_field("name").max_length or 120
LONGEST_NOTE = 10_000
MOST_TAGS = 20  # of one run or experiment
LINE_BREAKS = {"\n", "\t"}


def clean_name(text: str) -> str:
    """Return a name on one line. Raises ValidationError if it is empty, too long or cannot be shown."""
    name = _on_one_line(text, "name")
    if not name:
        raise ValidationError("A name must not be empty.")
    if len(name) > LONGEST_NAME:
        raise ValidationError(
            f"A name has at most {LONGEST_NAME} characters; this one has {len(name):,}. Write the rest as a note."
        )
    return name


def clean_note(text: str) -> str:
    """Return a note with its line breaks, without space around it. Raises ValidationError as ``clean_name`` does."""
    note = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip())
    if strange := _strange(note, LINE_BREAKS):
        raise ValidationError(f"A note must not contain the control character {strange}.")
    if len(note) > LONGEST_NOTE:
        raise ValidationError(
            f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(note):,}. Shorten it."
        )
    return note


def note_version(note: str) -> str:
    """Return a short text that differs between two notes: who changes a note says which one they have read."""
    return hashlib.sha256(note.encode()).hexdigest()[:12] if note else ""


def clean_tag(text: str) -> str:
    """Return a tag without a “#” at its start. Raises ValidationError as ``clean_name`` does, and for a comma."""
    tag = _on_one_line(text, "tag").lstrip("#").strip()
    if not tag:
        raise ValidationError("A tag must not be empty.")
    if "," in tag:
        raise ValidationError(
            f"A tag must not contain a comma, which separates tags: “{tag[: Tag.LONGEST]}”."
        )
    if len(tag) > Tag.LONGEST:
        raise ValidationError(
            f"A tag has at most {Tag.LONGEST} characters; “{tag[: Tag.LONGEST]}…” has {len(tag):,}."
        )
    return tag


def clean_tags(texts: Iterable[str]) -> list[str]:
    """Return each tag once; upper and lower case are one tag. Raises ValidationError with all that is wrong."""
    found: dict[str, str] = {}
    problems: list[str] = []
    for text in texts:
        try:
            tag = clean_tag(text)
        except ValidationError as error:
            problems += error.messages
        else:
            found.setdefault(tag.casefold(), tag)
    if problems:
        raise ValidationError(problems)
    if len(found) > MOST_TAGS:
        raise ValidationError(f"At most {MOST_TAGS} tags can be given at once; these are {len(found):,}.")
    return list(found.values())


def tags_in(text: str) -> list[str]:
    """Return the tags of a text in which commas separate them. Raises ValidationError as ``clean_tags`` does."""
    return clean_tags(part for part in text.split(",") if part.strip())


def _on_one_line(text: str, kind: str) -> str:
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if strange := _strange(line):
        raise ValidationError(f"A {kind} must not contain the control character {strange}.")
    return line


def _strange(text: str, allowed: Iterable[str] = ()) -> str:
    """Return the first character that no page can show, as U+0007; empty if there is none."""
    hidden = (c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in allowed)
    return next((f"U+{ord(c):04X}" for c in hidden), "")
