"""The problems of a report, grouped by what they say: one sheet can give the same warning for each of its samples.

Problems are mappings with the fields of ``Problem``, as they are stored and as ``dataclasses.asdict`` returns them.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from models_ml.formats.csv_text import BOM, guard_formula

FIELDS = ("severity", "code", "message", "file", "row", "column", "subject", "clip")
SEVERITIES = ("error", "warning", "info")
PLACES = 3  # that a group names

_QUOTED = re.compile(r"“[^”]*”")
# A number, or a name with a number or a folder in it: sub01, 006_1_2, a/b.png. A sign at its end is punctuation.
_VARIES = re.compile(r"[^\s“”(),;:…]*[\d/][^\s“”(),;:…]*(?<![.!?])")
_LIST = re.compile(r"…(?:(?:, | and |–)…)+(?: more)?")


@dataclass(frozen=True)
class ProblemGroup:
    """Problems of one severity and code whose messages differ only in numbers, names and quoted words."""

    key: str  # stable: it names the group in addresses
    severity: str
    code: str
    message: str  # what differs is replaced by …, if anything does
    problems: Sequence[Mapping[str, Any]]

    @property
    def count(self) -> int:
        return len(self.problems)

    @property
    def example(self) -> str:
        """The first problem's message, if the problems' messages differ."""
        first: str = self.problems[0]["message"]
        return "" if first == self.message else first

    @property
    def places(self) -> list[str]:
        """The first few places, without repetition."""
        found = dict.fromkeys(place_of(problem) for problem in self.problems[: 4 * PLACES])
        return [place for place in found if place][:PLACES]

    def to_json(self) -> dict[str, Any]:
        """Return the group without its problems, except for the first few places."""
        first = [{name: problem.get(name) for name in FIELDS[2:]} for problem in self.problems[:PLACES]]
        return {
            "key": self.key,
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "count": self.count,
            "first": first,
        }


def group_problems(problems: Iterable[Mapping[str, Any]]) -> list[ProblemGroup]:
    """Group problems, the most severe first, then the most frequent.

    >>> rows = [
    ...     {"severity": "error", "code": "row-missing", "message": f"Row {n} has no onset.", "row": n} for n in (4, 9)
    ... ]
    >>> [(group.message, group.count, group.places) for group in group_problems(rows)]
    [('Row … has no onset.', 2, ['row 4', 'row 9'])]
    """
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for problem in problems:
        wording = wording_of(problem)
        groups.setdefault((problem["severity"], problem["code"], wording), []).append(problem)
    found = [_group(severity, code, wording, rows) for (severity, code, wording), rows in groups.items()]
    return sorted(found, key=lambda group: (SEVERITIES.index(group.severity), -group.count))


def wording_of(problem: Mapping[str, Any]) -> str:
    """Return the message with … in place of what can differ between problems of one kind: names, numbers, lists.

    >>> wording_of({"message": "“a b” is missing from the u_train of 2 of 67 subjects: 006, 007 and 3 more."})
    '“…” is missing from the u_train of … of … subjects: …'
    """
    text: str = problem["message"]
    own = {str(problem.get(name) or "") for name in ("file", "clip", "subject")}
    own |= {PurePosixPath(problem.get("file") or "").name}
    for name in sorted((name for name in own if len(name) > 1), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", text)
    return _LIST.sub("…", _VARIES.sub("…", _QUOTED.sub("“…”", text))).replace("….", "…")


def place_of(problem: Mapping[str, Any]) -> str:
    """Return where a problem is: "coding.xlsx, row 14, column Apex, sub01/EP02"; empty if it is everywhere."""
    row, column = problem.get("row"), problem.get("column")
    clip = "/".join(str(problem[name]) for name in ("subject", "clip") if problem.get(name))
    file = problem.get("file") or ""
    parts = (file, f"row {row}" if row else "", f"column {column}" if column else "", clip)
    return ", ".join(part for part in parts if part)


def problems_csv(problems: Iterable[Mapping[str, Any]]) -> str:
    """Return problems as the text of a CSV file, one per line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(FIELDS)
    for problem in problems:
        values = ("" if problem.get(name) is None else problem[name] for name in FIELDS)
        writer.writerow([guard_formula(value) if isinstance(value, str) else value for value in values])
    return BOM + text.getvalue()


def _group(severity: str, code: str, wording: str, rows: list[Mapping[str, Any]]) -> ProblemGroup:
    same = all(row["message"] == rows[0]["message"] for row in rows)
    key = hashlib.sha256("\0".join((severity, code, wording)).encode()).hexdigest()[:12]
    return ProblemGroup(key, severity, code, rows[0]["message"] if same else wording, rows)
