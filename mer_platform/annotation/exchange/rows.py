"""What all formats write and read: markings that are exported, and rows that are imported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mer_platform.annotation.exchange.timing import Timing, TimingCache
from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip
from models_ml.formats.base import Problem

# How a file counts frames: source frames, from 1, milliseconds from the first frame, or frame indices.
FrameUnit = Literal["source", "frame", "ms", "index"]


@dataclass(frozen=True)
class ExportedMarking:
    """An annotation or a consensus (``coder`` is then empty) to be exported, with its clip and the times of its frames."""

    clip: Clip
    timings: TimingCache
    marking: Annotation | Consensus
    coder: str = ""

    @property
    def timing(self) -> Timing:
        """Raises InputError if the clip's frame pack is missing from the storage."""
        return self.timings.of(self.clip)

    def marks(self) -> dict[str, int]:
        """Return the frame indices of the marks that are set, by name."""
        return self.marking.frames()

    def optional(self, name: str) -> Any:
        """Return the confidence or the note; None for a consensus, which has neither."""
        return getattr(self.marking, name, None)


@dataclass(frozen=True)
class ImportRow:
    """One expression as a file states it.

    ``fields`` holds what the file states, under the names of the annotation's fields; other fields will not change. Marks
    are in ``unit``. Only the lossless format has ``key`` and ``record`` (times and versions).
    """

    clip: str
    coder: str
    unit: FrameUnit
    fields: dict[str, Any]
    file: str
    subject: str = ""
    database: str = ""
    sha256: str = ""
    row: int | None = None
    key: str = ""
    record: dict[str, Any] | None = None


@dataclass
class ParsedFile:
    """The content of a file: its rows, and the problems of the rows that cannot be read."""

    rows: list[ImportRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    consensus: list[ImportRow] = field(default_factory=list)


@dataclass(frozen=True)
class ExchangeFormat:
    """A format for export. ``key`` identifies it in addresses and forms; ``note`` helps users to choose."""

    key: str
    title: str
    suffix: str
    content_type: str
    note: str
    write: Callable[[Sequence[ExportedMarking]], bytes]
