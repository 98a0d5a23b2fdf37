"""Annotations from other tools (ELAN, Label Studio): the consensus on clips that the project has."""

from collections import defaultdict
from typing import Any

from mer_platform.annotation.exchange.placing import Placer, place_consensus, with_rates
from mer_platform.annotation.marks import CODED_FIELDS
from mer_platform.annotation.models import Judgement
from mer_platform.clips.models import Clip
from mer_platform.imports.comparing import compare_marks
from mer_platform.imports.models import Import, ImportItem
from models_ml.formats.base import Marked, Problem
from models_ml.formats.report import ImportReport


def plan_annotations(batch: Import, annotations: list[Marked]) -> tuple[list[ImportItem], list[Problem]]:
    """Return one item per clip with its expressions, and what is wrong with the annotations."""
    report = ImportReport()
    by_clip: defaultdict[Clip, list[Marked]] = defaultdict(list)
    rated = with_rates(annotations, batch.frame_rate, report)
    for clip, row in place_consensus(Placer(batch.project, report), rated):
        by_clip[clip].append(row)
    items = []
    problems = list(report.problems)
    for clip, rows in by_clip.items():
        item = ImportItem(
            batch=batch,
            kind=ImportItem.ItemType.MARKING,
            database=clip.database.name,
            subject=clip.subject.name,
            name=clip.name,
            clip=clip,
        )
        item.set_expressions([as_expression(row) for row in rows])
        judged = Judgement.objects.filter(clip=clip).exists()
        problems += compare_marks(item, clip, rows, list(clip.consensus.all()), judged=judged)
        items.append(item)
    return items + _refused(batch, annotations, by_clip), problems


def as_expression(row: Marked) -> dict[str, Any]:
    """Return what an item stores of an expression in frame indices."""
    fields = {name: getattr(row, name) for name in CODED_FIELDS}
    return {**fields, "row": row.row, **({} if row.shown else {"shown": False})}


def _refused(batch: Import, annotations: list[Marked], placed: dict[Clip, list[Marked]]) -> list[ImportItem]:
    """Return one failed item per clip name of which no annotation can be imported."""
    found = {row.clip for rows in placed.values() for row in rows}
    refused = {row.clip: row for row in annotations if row.clip not in found}
    return [
        ImportItem(
            batch=batch,
            kind=ImportItem.ItemType.MARKING,
            database=row.database[:60],
            subject=row.subject[:60],
            name=row.clip[:120],
            state=ImportItem.State.FAILED,
            reason="None of its annotations can be imported; the report says why.",
        )
        for row in refused.values()
    ]
