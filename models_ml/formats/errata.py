"""Known errors of published sheets, offered as corrections; applied only where the researcher accepts them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models_ml.formats.base import Correction
from models_ml.formats.coded_rows import CodedRow

_FIELDS = {"onset", "apex", "offset", "emotion", "subject", "clip"}


@dataclass(frozen=True)
class Erratum:
    """A row of a published sheet that is known to be wrong. ``found`` is what the sheet says, "/" for an empty cell.

    ``field`` is one of onset, apex, offset, emotion, subject, clip, or "leave-out" (the row is dropped).
    """

    subject: str
    clip: str
    field: str
    found: str
    proposed: str
    reason: str  # with its source
    frame_absent: bool = False  # offered only where the tree lacks the frame ``found``
    one_of_several: bool = False  # the clip has several expressions: the key names the value too

    def key(self, layout: str) -> str:
        """Stable name by which the correction is accepted."""
        key = f"{layout}/{self.subject}/{self.clip}/{self.field}"
        return f"{key}/{self.found}" if self.one_of_several else key


def corrected(
    layout: str,
    rows: Sequence[CodedRow],
    errata: Sequence[Erratum],
    accepted: frozenset[str],
    numbers: Callable[[str, str], Sequence[int]],
) -> tuple[list[CodedRow], list[Correction]]:
    """The rows with accepted corrections applied, and every correction that fits a row, accepted or not.

    A correction fits only while the sheet still says what is known to be wrong: a corrected sheet is left alone.
    ``numbers`` gives the frame numbers in the tree of a (subject, clip), none where it has no folder.
    """
    offered: dict[str, Correction] = {}
    kept: list[CodedRow] = []
    for row in rows:
        changed: CodedRow | None = row
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


def _fits(erratum: Erratum, row: CodedRow, numbers: Callable[[str, str], Sequence[int]]) -> bool:
    if (row.subject, row.clip) != (erratum.subject, erratum.clip):
        return False
    if erratum.frame_absent and int(erratum.found) in numbers(row.subject, row.clip):
        return False
    if erratum.field == "leave-out":
        return True
    value = getattr(row, erratum.field)
    return ("/" if value in (None, "") else str(value)) == erratum.found


def _apply(row: CodedRow, erratum: Erratum) -> CodedRow | None:
    if erratum.field == "leave-out":
        return None
    if erratum.field not in _FIELDS:
        raise ValueError(f"no such field: {erratum.field}")
    value: Any = int(erratum.proposed) if erratum.field in ("onset", "apex", "offset") else erratum.proposed
    return replace(row, **{erratum.field: value})
