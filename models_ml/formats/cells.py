"""The cells of a coding sheet: what a spreadsheet program stored becomes text or a frame number, or is reported.

A cell that holds no value of its own (an error, a formula that was never computed, a date by accident) is never read as
empty without a word.
"""

import re
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from models_ml.formats.headers import PLACEHOLDERS
from models_ml.formats.plain_text import plain, visible
from models_ml.formats.report import ImportReport
from models_ml.video.framenames import MAX_FRAME_NUMBER

_ERROR = re.compile(
    r"#(?:REF!|N/A|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|FIELD!)|Err:\d{3}", re.IGNORECASE
)


@dataclass(frozen=True)
class Uncomputed:
    """A cell with a formula whose result the file does not hold."""

    formula: str = ""

    def __str__(self) -> str:
        return f"={self.formula}"


def shown(value: object) -> str:
    """Return a cell as its spreadsheet shows it: 6.0 is "6", and a boolean is "TRUE" or "FALSE"; None is "".

    >>> shown(6.0), shown(True), shown(" a "), shown(None), shown(float("nan"))
    ('6', 'TRUE', ' a ', '', '')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


@dataclass(frozen=True)
class SheetRow:
    """One data row: its number in the spreadsheet, and its cells by the keys of their columns.

    ``strict``: a cell that cannot be read refuses the row; otherwise the cell counts as empty. Reports say which.
    """

    number: int
    cells: dict[str, Any]
    file: str
    strict: bool = False

    def text(self, key: str, report: ImportReport) -> str:
        """Return a cell as text without outer blanks and invisible characters; action units also without full-width signs.

        6.0 is "6". Dates, errors and formulas that were never computed are reported and count as empty.
        """
        value = self.cells.get(key)
        if self._is_unreadable(key, report):
            return ""
        written = plain(shown(value)) if key == "action_units" else visible(shown(value))
        text = " ".join(written.split())
        if key == "action_units":
            text = re.sub(r"^(\d{1,2})\.0+$", r"\1", text)  # a single unit, as pandas writes it
        return "" if text.lower() in PLACEHOLDERS - {"-", "?", "na"} else text

    def frame(self, key: str, report: ImportReport, none: frozenset[str] = frozenset()) -> int | None:
        """Return a cell as a frame number; None if it is empty or says so ("/"). Other texts are reported and give None.

        ``none``: what this database writes if there is no frame ("0" in CAS(ME)², whose frames count from 1).
        """
        if self._is_unreadable(key, report):
            return None
        text = re.sub(r"^([+-]?\d+)\.0*$", r"\1", plain(shown(self.cells.get(key))).strip())
        if text.lower() in PLACEHOLDERS or text in none:
            return None
        if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_FRAME_NUMBER:
            return int(text)
        self.report(
            report,
            "not-a-frame-number",
            f"“{text}” in the column of the {key} is not a frame number: {_expected(text)}",
            key,
            f"The {key} counts as missing.",
        )
        return None

    def _is_unreadable(self, key: str, report: ImportReport) -> bool:
        """Return whether the cell holds no value of its own, after reporting why."""
        value = self.cells.get(key)
        if isinstance(value, (date, time, timedelta)):  # datetime is a date
            code, message = (
                "cell-is-a-date",
                f"The cell is a date ({value}), because the spreadsheet program converted a name or number to one. "
                "Format the column as text and enter the value again.",
            )
        elif isinstance(value, Uncomputed):
            code, message = (
                "cell-not-computed",
                f"The cell holds a formula that was never computed ({value}). Open the file in a spreadsheet program, save "
                "it and import it again.",
            )
        elif isinstance(value, str) and _ERROR.fullmatch(value.strip()):
            code, message = (
                "cell-is-an-error",
                f"The cell holds {value.strip()}, the error of a formula. Correct the formula or enter the value.",
            )
        else:
            return False
        self.report(report, code, message, key, "It counts as empty.")
        return True

    def report(self, report: ImportReport, code: str, message: str, key: str, otherwise: str) -> None:
        """Report a cell that cannot be read; ``otherwise`` says what happens if it does not refuse the row."""
        consequence = "The row is not imported." if self.strict else otherwise
        report.error(code, f"{message} {consequence}", file=self.file, row=self.number, column=key)


def _expected(text: str) -> str:
    """Return what is wrong with a text that is not a frame number, as the rest of a sentence."""
    if text.isascii() and text.isdigit():
        return f"the largest is {MAX_FRAME_NUMBER:,}. If the column holds time stamps, number the frames instead."
    if re.fullmatch(r"\d{1,3}(?:[,.'’ \u00a0\u202f]\d{3})+", text):
        return (
            "it may be a number with a thousands separator, or not a whole one. Write it without a separator."
        )
    return "expected a whole number, or “/” if there is none."
