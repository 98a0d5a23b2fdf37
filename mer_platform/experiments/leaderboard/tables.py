"""Leaderboards as tables for papers."""

from collections.abc import Iterable, Sequence

from mer_platform.experiments.leaderboard.board import Board, Line, ShownSection
from mer_platform.experiments.leaderboard.cells import Cell as ShownCell
from mer_platform.experiments.leaderboard.columns import DIFFERENCE
from mer_platform.experiments.leaderboard.page import chips
from models_ml.evaluation.uncertainty import RESAMPLES
from models_ml.paper.tables import Cell, Estimate, Table

LISTED = 200  # lines of an exported table


def leaderboard_tables(board: Board) -> list[Table]:
    """Return the first ``LISTED`` lines of a leaderboard, one table for each version and protocol."""
    page = board.page(1, LISTED)
    sections, _ = board.lines(page)
    return [leaderboard_table(board, section, number) for number, section in enumerate(sections, start=1)]


def leaderboard_table(board: Board, section: ShownSection, number: int = 1) -> Table:
    """Return the lines of one section as a table. Several seeds give mean and standard deviation in columns of their own."""
    seeds = [
        column.key for column in board.shown if column.kind == "score" and _several(section.lines, column.key)
    ]
    titles = ["Rank"] if board.ranked else []
    titles += ["Run"]
    for column in board.shown:
        titles.append(column.title)
        if column.key in seeds:
            titles.append(f"{column.title} SD")
    rows = [_row(board, line, seeds) for line in section.lines if not line.member]
    name = "leaderboard" if number == 1 else f"leaderboard-{number}"
    return Table(name, _caption(board, section), titles, rows)


def _several(lines: Iterable[Line], key: str) -> bool:
    return any(cell.spread for line in lines for cell in line.cells if cell.column.key == key)


def _row(board: Board, line: Line, seeds: Sequence[str]) -> list[Cell]:
    entry = line.entry
    row: list[Cell] = [entry.rank] if board.ranked else []
    row.append(f"{entry.first.marked_name} ({entry.seeds} seeds)" if entry.several else str(entry.first))
    for cell in line.cells:
        row.append(_cell(line, cell))
        if cell.column.key in seeds:
            row.append(cell.spread.sd if cell.spread else None)
    return row


def _cell(line: Line, cell: ShownCell) -> Cell:
    if cell.column.key == DIFFERENCE:
        if line.is_baseline and not line.entry.several:
            return "baseline"
        found = line.difference.found if line.difference else None
        return Estimate(found.value, found.interval) if found else None
    if cell.column.kind == "score":
        if cell.value is None or cell.spread:
            return cell.value
        return Estimate(cell.value, cell.interval)
    if cell.column.key == "created":
        return f"{cell.value:%Y-%m-%d %H:%M}"
    if cell.column.key == "duration":
        return float(cell.value)
    if cell.column.key in ("tags", "experiment"):
        return cell.text or None
    number = isinstance(cell.value, int | float) and not isinstance(cell.value, bool)
    return cell.value if number else cell.text or (None if cell.value is None else str(cell.value))


def _caption(board: Board, section: ShownSection) -> str:
    total, shown = section.total, sum(not line.member for line in section.lines)
    what = "configurations" if board.query.group else "runs"
    some = (
        f"{shown} of {total} {what}" if shown < total else f"All {total} {what}" if total > 1 else "One run"
    )
    parts = [some]
    if section.version:
        parts.append(f"on {section.version} ({section.version.content_hash[:12]}), {section.protocol}")
    if filters := [chip.words for chip in chips(board)]:
        parts.append(f"filtered by {'; '.join(filters)}")
    order = board.columns.get(board.query.order_key)
    parts.append(f"ordered by {order.title if order else board.query.order_key}")
    sentences = [", ".join(parts) + "."]
    sentences.append(
        f"In parentheses, 95% intervals from a bootstrap over subjects ({RESAMPLES:,} resamples)."
    )
    if section.baseline:
        sentences.append(
            f"Differences are from {section.baseline}, on the same resamples, not adjusted for the number of runs."
        )
    return " ".join(sentences)
