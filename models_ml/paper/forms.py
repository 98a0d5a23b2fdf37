"""Tables as files for papers: CSV, LaTeX and Markdown."""

import csv
import io
from collections.abc import Callable, Sequence
from itertools import zip_longest

from models_ml.formats.csv_text import BOM, guard_formula
from models_ml.paper.latex import latex_text
from models_ml.paper.tables import Cell, Estimate, Table

LONGEST_ON_PAGE = 45  # rows; a longer table continues on the next page
WIDE = 6  # columns; a wider table is set in a smaller size
NOTHING = "–"
MINUS = "\N{MINUS SIGN}"


def cell_text(cell: Cell) -> str:
    """Return a cell as text, with three decimals.

    >>> cell_text(Estimate(0.5, (0.25, 0.75))), cell_text(-0.5), cell_text(None), cell_text(3)
    ('0.500 (0.250–0.750)', '−0.500', '–', '3')
    """
    if cell is None:
        return NOTHING
    if isinstance(cell, Estimate):
        if cell.interval is None:
            return f"{_number(cell.value)} (no interval)"
        low, high = cell.interval
        between = " to " if low < 0 else "–"
        return f"{_number(cell.value)} ({_number(low)}{between}{_number(high)})"
    return _number(cell) if isinstance(cell, float) else str(cell)


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", MINUS)


def as_csv(table: Table) -> str:
    """Return the table as CSV, with a byte order mark. Numbers have all their digits.

    A column with estimates becomes three: its value, and the ends of its 95% interval.
    """
    intervals = [any(isinstance(cell, Estimate) for cell in column) for column in _columns(table)]
    header: list[str] = []
    for title, has_interval in zip(table.columns, intervals, strict=True):
        header += [title, f"{title} low", f"{title} high"] if has_interval else [title]
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([guard_formula(text) for text in header])
    for row in table.rows:
        cells: list[str | int | float] = []
        for cell, has_interval in zip(row, intervals, strict=True):
            cells += _cells(cell, has_interval)
        writer.writerow(cells)
    return BOM + file.getvalue()


def _cells(cell: Cell, has_interval: bool) -> list[str | int | float]:
    if isinstance(cell, Estimate):
        return [cell.value, *(cell.interval or ("", ""))]
    plain = "" if cell is None else guard_formula(cell) if isinstance(cell, str) else cell
    return [plain, "", ""] if has_interval else [plain]


def as_markdown(table: Table) -> str:
    """Return the table in Markdown (GitHub's), its columns aligned, with the caption above."""
    rows = [[_markdown(cell_text(cell)) for cell in row] for row in table.rows]
    header = [_markdown(title) for title in table.columns]
    widths = [max(3, *(len(text) for text in column)) for column in zip(*[header, *rows], strict=True)]
    right = _right(table)
    rule = [f"{'-' * (width - 1)}:" if r else "-" * width for width, r in zip(widths, right, strict=True)]
    lines = [
        _line(header, widths, right),
        _line(rule, widths, right),
        *(_line(row, widths, right) for row in rows),
    ]
    return "\n".join([_markdown(table.caption), "", *lines, ""])


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
    return f"| {' | '.join(padded)} |"


def _markdown(text: str) -> str:
    """Escape what Markdown would read as markup."""
    for sign in "\\|*_`[]<>":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def as_latex(table: Table) -> str:
    """Return the table in LaTeX, with the rules of the package booktabs, a caption and a label.

    A long table needs the package longtable too; a comment on top names the packages. What pdflatex cannot set is
    transliterated, or becomes a question mark that a comment lists.
    """
    unknown: set[str] = set()
    set_text: Callable[[str], str] = lambda text: latex_text(text, unknown)  # noqa: E731
    columns = "".join("r" if right else "l" for right in _right(table))
    header = f"{' & '.join(set_text(title) for title in table.columns)} \\\\"
    rows = [f"{' & '.join(set_text(cell_text(cell)) for cell in row)} \\\\" for row in table.rows]
    caption = f"\\caption{{{set_text(table.caption)}}}\\label{{tab:{table.name}}}"
    small = ["\\small"] if len(table.columns) > WIDE else []
    long = len(rows) > LONGEST_ON_PAGE
    if long:
        body = [
            *(["\\begingroup", *small] if small else []), f"\\begin{{longtable}}{{{columns}}}", f"{caption}\\\\",
            "\\toprule", header, "\\midrule", "\\endfirsthead", "\\toprule", header, "\\midrule", "\\endhead",
            "\\bottomrule", "\\endfoot", *rows, "\\end{longtable}", *(["\\endgroup"] if small else []),
        ]  # fmt: skip
    else:
        body = [
            "\\begin{table}", "\\centering", *small, caption, f"\\begin{{tabular}}{{{columns}}}", "\\toprule", header,
            "\\midrule", *rows, "\\bottomrule", "\\end{tabular}", "\\end{table}",
        ]  # fmt: skip
    packages = [
        "\\usepackage[T1]{fontenc}",
        "\\usepackage{booktabs}",
        *(["\\usepackage{longtable}"] if long else []),
    ]
    notes = [f"% In the preamble: {' '.join(packages)}"]
    if unknown:
        notes.append(
            f"% pdflatex cannot set these signs, so they are question marks here: {' '.join(sorted(unknown))}"
        )
    return "\n".join([*notes, *body, ""])


def _columns(table: Table) -> list[tuple[Cell, ...]]:
    rows = list(table.rows)
    return (
        [column for column, _ in zip_longest(zip(*rows, strict=True), table.columns)]
        if rows
        else [()] * len(table.columns)
    )


def _right(table: Table) -> list[bool]:
    """Return which columns have numbers, which are aligned at their right."""
    return [
        any(isinstance(cell, int | float | Estimate) for cell in column)
        and not any(isinstance(cell, str) and cell not in ("", NOTHING) for cell in column)
        for column in _columns(table)
    ]


WRITERS: dict[str, Callable[[Table], str]] = {"csv": as_csv, "tex": as_latex, "md": as_markdown}
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8", "tex": "application/x-tex; charset=utf-8", "md": "text/markdown; charset=utf-8",
}  # fmt: skip
