"""Text in CSV files that spreadsheet programs open as it was written.

The files are UTF-8 with a byte order mark, without which Excel shows “SÃ¶ren”; Python reads them as ``utf-8-sig``.
"""

BOM = "\ufeff"
# OWASP, "CSV injection". Excel in East Asian locales takes the full-width signs for the plain ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


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
