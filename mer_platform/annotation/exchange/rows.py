"""What all formats write: the markings that are exported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mer_platform.annotation.exchange.timing import Timing, TimingCache
from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip


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
class ExchangeFormat:
    """A format for export. ``key`` identifies it in addresses and forms; ``note`` helps users to choose."""

    key: str
    title: str
    suffix: str
    content_type: str
    note: str
    write: Callable[[Sequence[ExportedMarking]], bytes]
