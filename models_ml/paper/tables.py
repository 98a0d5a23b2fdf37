"""A table as pages show it and papers print it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A score or difference with its 95% interval; None where there are too few subjects for one."""

    value: float
    interval: tuple[float, float] | None


Cell = str | int | float | Estimate | None  # None where there is nothing to say


@dataclass(frozen=True)
class Table:
    """One table, whose caption says which runs, version and protocol its numbers are of.

    Parameters
    ----------
    name
        Part of the names of its files: lower-case words joined by hyphens.
    caption
        Sentences.
    columns
        Their titles, with units.
    rows
        Cells in the order of the columns. Numbers stay numbers; each form rounds them as it must.
    """

    name: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
