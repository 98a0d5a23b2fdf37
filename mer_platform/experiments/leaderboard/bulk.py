"""What can be done with many runs of a leaderboard at once."""

from typing import Any

from django.http import QueryDict

from mer_platform.experiments.leaderboard.board import Board
from mer_platform.experiments.leaderboard.query import read_query
from mer_platform.experiments.managing.bulk import Bulk
from mer_platform.experiments.managing.choosing import UnknownRows, matches
from mer_platform.experiments.models import Run
from mer_platform.projects.models import Project


def bulk_of(board: Board) -> Bulk:
    """Return what the form below a leaderboard needs."""
    query = board.query
    tags = sorted({tag for row in board.rows for tag in row.tags})
    return Bulk("run", "bulk-runs", len(board.hits), query.address(run=()), tags, list(query.run))


@matches(Run)
def matching(project: Project, user: Any, data: QueryDict) -> list[int]:
    """Return the ids of the runs that an address asks for. Raises UnknownRows if some of it was not understood."""
    board = Board(project, user, read_query(data))
    if board.problems:
        raise UnknownRows(f"{' '.join(board.problems)} Nothing was changed.")
    return [row.pk for row in board.hits]
