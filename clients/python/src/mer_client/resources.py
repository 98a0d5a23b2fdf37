"""What the server stores, as the client shows it. ``data`` has all fields, also those that have no attribute here."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Self


@dataclass(frozen=True)
class Resource:
    """A row of the server."""

    id: int
    data: dict[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """Return the resource that an answer describes."""
        names = [known.name for known in fields(cls) if known.name != "data"]
        values: dict[str, Any] = {name: data.get(name) for name in names}
        return cls(**values, data=data)


@dataclass(frozen=True)
class Project(Resource):
    """A project. ``role`` is yours: viewer, annotator, researcher or owner."""

    name: str
    slug: str
    role: str


@dataclass(frozen=True)
class Database(Resource):
    """A collection of clips that was recorded in one way."""

    project: int
    name: str
    fps: float | None
    emotions: list[str]


@dataclass(frozen=True)
class Clip(Resource):
    """A recording. ``state`` is processing, ready or failed; ``problem`` says why it failed."""

    project: int
    database: int
    subject: str
    name: str
    state: str
    problem: str
    sha256: str
    frame_count: int | None
    frames_per_second: float | None


@dataclass(frozen=True)
class Annotation(Resource):
    """What one coder marked. Frames are counted from 0."""

    clip: int
    coder: str
    onset: int | None
    apex: int | None
    offset: int | None
    emotion: str
    action_units: str
    revision: int


@dataclass(frozen=True)
class Version(Resource):
    """A frozen composite: labelled samples that never change."""

    project: int
    name: str
    number: int
    content_hash: str
    counts: dict[str, Any]


@dataclass(frozen=True)
class Run(Resource):
    """A configuration, trained and tested on a version. ``results`` has ``uf1``, ``uar`` and more once it is finished."""

    project: int
    version: int
    name: str
    state: str
    error: str
    protocol: str
    progress: dict[str, Any]
    results: dict[str, Any] | None
    model: int | None


@dataclass(frozen=True)
class Experiment(Resource):
    """Several runs that were launched together."""

    project: int
    version: int
    name: str
    state: str
    progress: dict[str, Any]


@dataclass(frozen=True)
class Model(Resource):
    """A network that scores clips. ``stage`` is candidate, production or archived."""

    project: int
    run: int | None
    name: str
    stage: str
    classes: list[str]
    sha256: str


@dataclass(frozen=True)
class Batch(Resource):
    """Clips that are scored together. ``state`` is waiting, running, done or cancelled."""

    project: int
    model: int
    name: str
    state: str
    progress: dict[str, Any]


@dataclass(frozen=True)
class Score(Resource):
    """The answer of a model for one clip.

    ``outcome`` is expression or no_expression; ``probabilities`` are given for both. ``frames_from`` says where onset and
    apex come from: given, consensus, annotated or spotted. ``error`` says why an item failed.
    """

    clip: int | None
    clip_name: str
    state: str
    outcome: str | None
    predicted: str | None
    probabilities: dict[str, float] | None
    confidence: float | None
    onset: int | None
    apex: int | None
    frames_from: str | None
    in_training: bool | None
    warnings: list[dict[str, Any]]
    error: dict[str, Any] | None
