"""Text in CSV files: how it is read, and how it is written so that spreadsheet programs open it as it was written.

The files that we write are UTF-8 with a byte order mark, without which Excel shows “SÃ¶ren”; Python reads them as
``utf-8-sig``. Others are read in UTF-8, in UTF-16 if they start with its mark, or in GB18030, the encoding of Chinese
Windows; the report says if this last one was assumed.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from models_ml.errors import InputError


class OpenQuoteError(InputError):
    """A quotation mark that is not closed: rows below it would become part of one cell."""


BOM = "\ufeff"
# OWASP, "CSV injection". Excel in East Asian locales takes the full-width signs for the plain ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",;\t"
_COMMON = 0.6  # share of characters that are common in Chinese, in a text that is Chinese


def guard_formula(text: str) -> str:
    """Return the text with an apostrophe before it if a spreadsheet would compute it.

    >>> guard_formula("=1+1"), guard_formula("4+L10"), guard_formula("-1")
    ("'=1+1", '4+L10', "'-1")
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguard_formula(text: str) -> str:
    """Return the text without the apostrophe that ``guard_formula`` wrote.

    >>> unguard_formula("'=1+1"), unguard_formula("'tis")
    ('=1+1', "'tis")
    """
    return text[1:] if text.startswith("'") and guard_formula(text[1:]) == text else text


def decode(name: str, content: bytes) -> tuple[str, str]:
    """Return the text of a file, and a remark if its encoding was assumed, else "".

    Raises InputError if the file is not a text, or a text in an encoding that cannot be recognised.
    """
    remark = ""
    try:
        text = content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        if content.startswith(_UTF16):
            raise InputError(
                f"The sheet “{name}” is damaged: it starts like a UTF-16 text, but cannot be decoded. Save it again."
            ) from error
        text, remark = _chinese(name, content)
    if "\0" in text:
        raise InputError(f"The sheet “{name}” is not a text file. Save it as “CSV UTF-8”, or as .xlsx.")
    return text, remark


def _chinese(name: str, content: bytes) -> tuple[str, str]:
    """Decode GB18030. Texts in Western European and Japanese encodings can often be decoded too, to rare characters."""
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    foreign = [character for character in text if not character.isascii()]
    common = [character for character in foreign if _is_common(character)]
    if len(common) <= _COMMON * len(foreign):
        raise InputError(
            f"The sheet “{name}” is not in UTF-8, and its encoding cannot be recognised. Save it as “CSV UTF-8”, "
            "or as .xlsx."
        )
    example = next(word for word in text.replace(",", " ").split() if not word.isascii())
    return text, (
        f"The file is not in UTF-8. It was read in GB18030, the encoding of Chinese Windows, for example “{example[:40]}”. "
        "If that is wrong, save it as “CSV UTF-8” and import it again."
    )


def _is_common(character: str) -> bool:
    """Return whether a character is punctuation or of the first level of GB2312, which has the 3,755 most common ones."""
    try:
        return character.encode("gb2312")[0] < 0xD8
    except UnicodeEncodeError:
        return False


def delimited(name: str, text: str) -> Iterator[Iterator[tuple[int, Sequence[str]]]]:
    """Yield the numbered rows of a text, once for each usual delimiter.

    Raises InputError while reading if a field is longer than any field of a table, and OpenQuoteError.
    """
    for delimiter in _DELIMITERS:
        yield _rows(name, text, delimiter)


def _rows(name: str, text: str, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    width = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
            if any(_holds_rows(cell, delimiter, width) for cell in cells):
                raise OpenQuoteError(
                    f"Row {number} of the sheet “{name}” has a quotation mark that is not closed, so the rows below it are "
                    "part of one cell. Delete the mark, or write it twice in a cell that is in quotation marks, and import "
                    "the sheet again."
                )
            width = max(width, len(cells))
            yield number, cells
    except csv.Error as error:
        raise InputError(f"The sheet “{name}” cannot be read as csv: {error}.") from error


def _holds_rows(cell: str, delimiter: str, width: int) -> bool:
    """Return whether a line of the cell has as many delimiters as a row of this many cells."""
    lines = cell.splitlines() if width > 2 else []
    return len(lines) > 1 and any(line.count(delimiter) >= width - 1 for line in lines)
