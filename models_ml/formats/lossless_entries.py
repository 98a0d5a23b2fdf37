"""What the entries of a lossless document must be. The marks and words of an expression are checked when it is placed."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError, field_validator

from models_ml.wording import NO_NUL, given, in_words

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)  # by how much the clock of the machine that wrote the file may be ahead


def _time(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"Must be a time such as 2026-03-01T10:00:00+00:00, not {given(text)}") from None
    if time.tzinfo is None:
        raise ValueError(f"Must end with its time zone, such as +00:00, unlike {given(text)}")
    if not _EARLIEST <= time <= datetime.now(UTC) + _AHEAD:
        raise ValueError(f"Must be a time from 1970 until now, not {given(text)}")
    return text


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError(f"Must be a UUID, not {given(text)}") from None


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or isfinite(value)


Text = Annotated[str, StringConstraints(pattern=NO_NUL)]
Time = Annotated[str, AfterValidator(_time)]
Key = Annotated[str, AfterValidator(_uuid)]
Revision = Annotated[int, Field(strict=True, ge=1, lt=1 << 31)]


class Coded(BaseModel):
    """The marks and words of an expression."""

    onset: Any
    apex: Any
    offset: Any
    kind: Any
    emotion: Any
    action_units: Any


class Fields(Coded):
    """All fields of an annotation."""

    confidence: Any
    note: Any
    origin: Any
    suggestion: Any


class Content(Fields):
    """The fields of a version. They are stored as they are, so JSON must have their numbers."""

    deleted: bool

    @field_validator("*")
    @classmethod
    def _has_finite_numbers(cls, value: Any) -> Any:
        if not _is_finite(value):
            raise ValueError("Must be a finite number, not NaN or Infinity")
        return value


class Version(BaseModel):
    """A version of an annotation."""

    revision: Revision
    content: Content
    made_by: Text | None
    made_at: Time
    client: Text


class Annotation(Fields):
    """An annotation with its versions, whose revisions rise to its own."""

    key: Key
    coder: Text
    revision: Revision
    created_at: Time
    updated_at: Time
    versions: list[Version]


class Decision(BaseModel):
    """Who decided, and when."""

    decided_by: Text | None
    decided_at: Time


class Judgement(BaseModel):
    """A judge's decision; a file can leave open who made it and when."""

    decided_by: Text | None
    decided_at: Time | None


class Agreed(Coded, Decision):
    """An expression of the consensus."""

    origin: Literal["adopted", "adjudicated", "imported", "synthetic"]
    annotation: Key | None


class Coding(BaseModel):
    """Who is done with the clip, and when."""

    coder: Text
    done_at: Time | None


class Clip(BaseModel):
    """A clip; its annotations are checked one by one, so that a damaged one does not hide the others."""

    database: Text
    subject: Text
    name: Text
    sha256: Text
    annotations: list[Any]
    codings: list[Coding] = []
    consensus: list[Agreed] = []
    judgement: Judgement | None = None


def reason(error: ValidationError) -> str:
    """Return the first fault of an entry in words, after the place in the entry: “versions 2, made_at”."""
    fault: Mapping[str, Any] = error.errors(include_url=False)[0]
    place = ""
    for part in fault["loc"]:
        place += f" {part + 1}" if isinstance(part, int) else f", {part}"
    words = in_words(fault)
    return f"“{place.removeprefix(', ')}”: {words}" if place else words
