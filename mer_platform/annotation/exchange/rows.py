"""What every format writes and reads: expressions on their way out of the platform, and on their way in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mer_platform.annotation.exchange.timing import Timing, Timings
from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip
from models_ml.formats.base import Problem

MARKS = ("onset", "apex", "offset")
CODED = (*MARKS, "kind", "emotion", "action_units")  # what every format carries
SAID = ("confidence", "note")

# How a file counts: by the recording's own numbers, from 1, in milliseconds from the first frame, or from 0.
Unit = Literal["source", "frame", "ms", "index"]


@dataclass(frozen=True)
class Outgoing:
    """One coder's marking, or a consensus (``coder`` is then empty), with its clip and the times of its frames."""

    clip: Clip
    timings: Timings
    marking: Annotation | Consensus
    coder: str = ""

    @property
    def timing(self) -> Timing:
        """Raises InputError where the clip's frames are gone from the storage."""
        return self.timings.of(self.clip)

    def marks(self) -> dict[str, int]:
        """The marks that are set: 0-based indices by name, in the order of time."""
        return self.marking.frames()

    def said(self, name: str) -> Any:
        """Confidence or note; None of a consensus, which has neither."""
        return getattr(self.marking, name, None)


@dataclass(frozen=True)
class Incoming:
    """One expression as a file has it. ``fields``: what it says, by the annotation's own names; the rest stays as it is.

    Marks are in ``unit``. ``key`` and ``record`` (times and versions) come from the lossless format alone.
    """

    clip: str
    coder: str
    unit: Unit
    fields: dict[str, Any]
    file: str
    subject: str = ""
    database: str = ""
    sha256: str = ""
    row: int | None = None
    key: str = ""
    record: dict[str, Any] | None = None


@dataclass
class Read:
    """All that a file holds: its rows, and what could not be read."""

    rows: list[Incoming] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    consensus: list[Incoming] = field(default_factory=list)


@dataclass(frozen=True)
class Format:
    """A format: ``key`` in addresses and forms, ``suffix`` of its files, ``note`` for whoever chooses."""

    key: str
    title: str
    suffix: str
    content_type: str
    note: str
    write: Callable[[Sequence[Outgoing]], bytes]
