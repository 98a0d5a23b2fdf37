"""Known errors of published sheets, offered as corrections and applied only if the researcher accepts them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models_ml.formats.base import Correction, Marked

_FIELDS = {"onset", "apex", "offset", "emotion", "subject", "clip"}


@dataclass(frozen=True)
class Erratum:
    """A known error in one row of a published sheet. ``found`` is what the sheet says, "/" for an empty cell.

    ``field`` is one of onset, apex, offset, emotion, subject, clip, or "leave-out" (the row is left out).
    """

    subject: str
    clip: str
    field: str
    found: str
    proposed: str
    reason: str  # with its source
    frame_absent: bool = False  # offered only if the frame ``found`` is missing from the tree
    one_of_several: bool = False  # the clip has several expressions, so the key also names the value

    def key(self, layout: str) -> str:
        """Return the stable name by which the correction is accepted."""
        key = f"{layout}/{self.subject}/{self.clip}/{self.field}"
        return f"{key}/{self.found}" if self.one_of_several else key


def corrected(
    layout: str,
    rows: Sequence[Marked],
    errata: Sequence[Erratum],
    accepted: frozenset[str],
    numbers: Callable[[str, str], Sequence[int]],
) -> tuple[list[Marked], list[Correction]]:
    """Return the rows with accepted corrections applied, and each correction that fits a row, accepted or not.

    A correction fits only if the sheet still contains the known error, so a corrected sheet stays as it is.
    ``numbers`` returns the frame numbers of (subject, clip) in the tree, none if it has no folder.
    """
    offered: dict[str, Correction] = {}
    kept: list[Marked] = []
    for row in rows:
        changed: Marked | None = row
        for erratum in errata:
            if changed is None or not _fits(erratum, row, numbers):
                continue
            key = erratum.key(layout)
            offered[key] = Correction(
                key, row.subject, row.clip, erratum.field, erratum.found, erratum.proposed, erratum.reason
            )
            if key in accepted:
                changed = _apply(changed, erratum)
        if changed is not None:
            kept.append(changed)
    return kept, list(offered.values())


def _fits(erratum: Erratum, row: Marked, numbers: Callable[[str, str], Sequence[int]]) -> bool:
    if (row.subject, row.clip) != (erratum.subject, erratum.clip):
        return False
    if erratum.frame_absent and int(erratum.found) in numbers(row.subject, row.clip):
        return False
    if erratum.field == "leave-out":
        return True
    value = getattr(row, erratum.field)
    return ("/" if value in (None, "") else str(value)) == erratum.found


def _apply(row: Marked, erratum: Erratum) -> Marked | None:
    if erratum.field == "leave-out":
        return None
    if erratum.field not in _FIELDS:
        raise ValueError(f"no such field: {erratum.field}")
    value: Any = int(erratum.proposed) if erratum.field in ("onset", "apex", "offset") else erratum.proposed
    return replace(row, **{erratum.field: value})
