"""What the API shows of composites as JSON, for its description."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict


class SampleCounts(TypedDict):
    """Samples and subjects of one database, in total and by class."""

    samples: int
    subjects: int
    classes: Annotated[dict[str, int], Field(description="Samples by class.")]


class VersionCounts(SampleCounts):
    """Samples and subjects of a version, in total, by class and by database."""

    databases: dict[str, SampleCounts]


class StoredRules(TypedDict, total=False):
    """The rules of a version that differ from the defaults."""

    material: str
    kinds: list[str]
    apex: str
    shortest: float | None
    longest: float | None
    unit: str
    only: list[list[str]]
    without: list[list[str]]
    without_emotions: list[str]


ClassOfEmotion = Annotated[
    dict[str, dict[str, str | None]],
    Field(description="By database, the class of each emotion; null for an emotion that is left out."),
]


class MissingSample(TypedDict):
    """A published sample that a version does not have."""

    subject: str
    clip: str
    label: str
    reason: str


class ExtraSample(TypedDict):
    """An item that is not published, and is left out."""

    database: str
    subject: str
    clip: str
    emotion: str
    label: str


class DifferingSample(TypedDict):
    """A sample of which the published class differs from the mapped one. The published class is used."""

    database: str
    subject: str
    clip: str
    emotion: str
    mapped: str | None
    label: str


class ListCheckOfDatabase(TypedDict):
    """One database of a version, compared with the published list."""

    database: str
    title: str
    names: list[str]
    published: int
    there: int
    missing: list[MissingSample]
    extra: list[ExtraSample]
    differ: list[DifferingSample]


DatabaseChecks = list[ListCheckOfDatabase]


class ListCheck(TypedDict):
    """A version compared with the published list of its preset."""

    list: str
    published: int
    there: int
    complete: bool
    agrees: bool
    databases: DatabaseChecks
