"""The report of an import while it is being written."""

from dataclasses import dataclass, field
from typing import Any

from models_ml.formats.base import Problem


@dataclass
class ImportReport:
    """Problems in the order found. ``where`` takes fields of ``Problem``: file, row, column, subject, clip."""

    problems: list[Problem] = field(default_factory=list)

    def has_errors(self, first: int = 0) -> bool:
        """Return whether a problem from this position on is an error. What has only warnings is imported."""
        return any(problem.severity == "error" for problem in self.problems[first:])

    def error(self, code: str, message: str, **where: Any) -> None:
        self.problems.append(Problem("error", code, message, **where))

    def warning(self, code: str, message: str, **where: Any) -> None:
        self.problems.append(Problem("warning", code, message, **where))

    def info(self, code: str, message: str, **where: Any) -> None:
        self.problems.append(Problem("info", code, message, **where))


def listed(items: list[str], most: int = 6) -> str:
    """Return a few items as part of a sentence.

    >>> listed(["a", "b"]), listed(["1", "2", "3"], most=2)
    ('a, b', '1, 2 and 1 more')
    """
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"
