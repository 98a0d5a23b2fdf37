"""Leaderboards as JSON, and its description for the schema."""

from datetime import datetime
from typing import Any

from django.core.paginator import Page
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param

from mer_platform.experiments.leaderboard.board import Board, Line
from mer_platform.experiments.leaderboard.columns import DIFFERENCE
from mer_platform.experiments.shapes import SpreadOfSeeds
from mer_platform.rest.schema import TypedField
from mer_platform.rest.serializers import ApiSerializer
from mer_platform.rest.shapes import Interval


class ColumnSerializer(ApiSerializer):
    key = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(["score", "setting", "fact", "difference"])


class SectionSerializer(ApiSerializer):
    version = serializers.IntegerField()
    version_name = serializers.CharField()
    protocol = serializers.CharField()
    runs = serializers.IntegerField(help_text="That meet the filters, on all pages.")
    baseline = serializers.IntegerField(allow_null=True, help_text="Run that the others are compared with.")


class LeaderboardRunSerializer(ApiSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    seed = serializers.IntegerField()
    state = serializers.CharField()
    starred = serializers.BooleanField()
    archived = serializers.BooleanField()
    external = serializers.BooleanField()
    tags = serializers.ListField(child=serializers.CharField())


class DifferenceSerializer(ApiSerializer):
    baseline = serializers.IntegerField()
    uf1 = serializers.FloatField(
        allow_null=True, help_text="UF1, or the mean of the seeds, minus the baseline’s."
    )
    interval_95 = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    p = serializers.FloatField(allow_null=True, help_text="Two-sided, not adjusted for the number of runs.")
    verdict = serializers.CharField(
        help_text="better or worse: the interval excludes 0; unclear: it does not; empty: not paired."
    )
    reason = serializers.CharField(help_text="Why the two are not paired; otherwise empty.")


class EntrySerializer(ApiSerializer):
    rank = serializers.IntegerField(
        allow_null=True, help_text="Among runs of the same version and protocol; null without the score."
    )
    version = serializers.IntegerField()
    protocol = serializers.CharField()
    runs = LeaderboardRunSerializer(
        many=True, help_text="One run, or with group=seeds those of one configuration."
    )
    values = TypedField(
        dict[str, bool | int | float | str | list[Any] | dict[str, Any] | None],
        help_text="By key of the column. A score of several runs is their mean.",
    )
    intervals_95 = TypedField(
        dict[str, Interval | None], help_text="Of scores of a single run, by key of the column."
    )
    seeds = TypedField(
        dict[str, SpreadOfSeeds],
        help_text="sd, low, high and runs of a score of several runs, by key of the column.",
    )
    difference = DifferenceSerializer(
        allow_null=True, help_text="null without a baseline, for the baseline itself, and without scores."
    )


class LeaderboardSerializer(ApiSerializer):
    count = serializers.IntegerField(help_text="Entries on all pages.")
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    ordering = serializers.CharField()
    hidden = serializers.CharField(help_text="Why some scores are hidden; otherwise empty.")
    columns = ColumnSerializer(many=True)
    sections = SectionSerializer(many=True)
    results = EntrySerializer(many=True)


def as_json(board: Board, page: Page, request: Request) -> dict[str, Any]:
    """Return a page of a leaderboard as ``LeaderboardSerializer`` describes it."""
    sections, _ = board.lines(page)
    runs: dict[tuple[int, str], int] = {}
    for row in board.hits:
        runs[row.section] = runs.get(row.section, 0) + 1
    return {
        "count": page.paginator.count,
        "next": _address(request, page.next_page_number()) if page.has_next() else None,
        "previous": _address(request, page.previous_page_number()) if page.has_previous() else None,
        "ordering": board.query.ordering,
        "hidden": board.hidden,
        "columns": [{"key": c.key, "title": c.title, "kind": c.kind} for c in board.shown],
        "sections": [
            {
                "version": version,
                "version_name": str(board.versions[version]),
                "protocol": protocol,
                "runs": runs[version, protocol],
                "baseline": board.baselines.get((version, protocol)),
            }
            for version, protocol in board.comparable
        ],
        "results": [_entry(board, line) for section in sections for line in section.lines if not line.member],
    }


def _address(request: Request, page: int) -> str:
    address = request.build_absolute_uri()
    return remove_query_param(address, "page") if page == 1 else replace_query_param(address, "page", page)


def _entry(board: Board, line: Line) -> dict[str, Any]:
    entry, cells = line.entry, [cell for cell in line.cells if cell.column.key != DIFFERENCE]
    return {
        "rank": entry.rank,
        "version": entry.first.version_id,
        "protocol": entry.first.protocol,
        "runs": [
            {
                "id": run.pk,
                "name": run.name,
                "seed": run.seed,
                "state": run.state,
                "starred": run.starred,
                "archived": run.archived_at is not None,
                "external": run.is_external,
                "tags": run.tags,
            }
            for run in entry.runs
        ],
        "values": {cell.column.key: _plain(cell.value) for cell in cells},
        "intervals_95": {
            cell.column.key: cell.interval
            for cell in cells
            if cell.column.kind == "score" and cell.value is not None and not cell.spread
        },
        "seeds": {
            cell.column.key: {
                "sd": cell.spread.sd,
                "low": cell.spread.low,
                "high": cell.spread.high,
                "runs": cell.spread.runs,
            }
            for cell in cells
            if cell.spread
        },
        "difference": _difference(board, line),
    }


def _difference(board: Board, line: Line) -> dict[str, Any] | None:
    if line.difference is None:
        return None
    found = line.difference.found
    return {
        "baseline": board.baselines[line.run.section],
        "uf1": found.value if found else None,
        "interval_95": found.interval if found else None,
        "p": found.p if found else None,
        "verdict": line.difference.verdict,
        "reason": line.difference.reason,
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
