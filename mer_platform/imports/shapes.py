"""What the API shows of imports as JSON, for its description."""

from typing_extensions import TypedDict


class ItemCounts(TypedDict):
    """Number of items by state, and in total."""

    waiting: int
    done: int
    there: int
    failed: int
    total: int


class ProblemCounts(TypedDict):
    """Number of problems by severity."""

    error: int
    warning: int
    info: int


class ImportedDatabase(ItemCounts):
    """A database of an import: its subjects, and its items by state."""

    database: str
    subjects: int


class SheetCorrection(TypedDict):
    """A known error of a published sheet and its fix, which is applied only if it is accepted."""

    key: str
    subject: str
    clip: str
    field: str
    found: str
    proposed: str
    reason: str
    accepted: bool


class ImportedExpression(TypedDict, total=False):
    """A coded expression, with frame indices."""

    onset: int | None
    apex: int | None
    offset: int | None
    kind: str
    emotion: str
    action_units: str
    row: int | None
    shown: bool
