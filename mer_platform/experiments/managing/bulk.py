"""What a list needs so that its rows can be managed many at once: ``experiments/managing/_bulk.html``."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bulk:
    """The form below a list.

    ``form`` is its id, to which the list's checkboxes ``ids`` belong; a list that keeps ticks in its address gives them as
    ``ids``. ``matching`` counts the rows that match the filters on all pages, and ``query`` is the query of these filters.
    ``tags`` are offered while typing.
    """

    kind: str
    form: str
    matching: int
    query: str
    tags: Sequence[str]
    ids: Sequence[int] | None = None

    @property
    def url(self) -> str:
        return f"manage-{self.kind}s"

    @property
    def delete_url(self) -> str:
        return f"{self.kind}s-delete"
