"""All results of a batch as a file, written row by row: NDJSON, CSV or Parquet."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from rest_framework.utils.encoders import JSONEncoder

from mer_platform.scoring.blindness import Blindness
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.scoring.serializers import ScoringItemSerializer
from mer_platform.table_files import CONTENT_TYPES, CSV, ExportRow, ExportTable, csv_chunks, parquet_file

NDJSON = "ndjson"
TYPES = {NDJSON: "application/x-ndjson", **CONTENT_TYPES}
ROWS_AT_ONCE = 1000
_COLUMNS: dict[str, type] = {
    "id": int, "clip": int, "clip_name": str, "state": str, "outcome": str, "predicted": str, "confidence": float,
    "margin": float, "entropy": float, "member_disagreement": float, "calibrated": bool, "onset": int, "apex": int,
    "frames_from": str, "spotter_confidence": float, "in_training": bool, "warnings": str, "model": int,
    "error_code": str, "error": str, "decode_ms": float, "features_ms": float, "network_ms": float,
    "finished_at": datetime,
}  # fmt: skip


def results_response(batch: ScoringBatch, kind: str, user: Any) -> HttpResponseBase:
    """Return the results as a download. NDJSON and CSV are sent while rows are read; Parquet is written to a file first."""
    name = f"{slugify(batch.name) or 'scores'}-{batch.pk}"
    if kind == NDJSON:
        return _streamed(_lines(batch, user), kind, name)
    table = ExportTable(name, {**_COLUMNS, **_probability_columns(batch)}, _rows(batch, user))
    if kind == CSV:
        return _streamed(csv_chunks(table), kind, name)
    return FileResponse(
        parquet_file(table), as_attachment=True, filename=f"{name}.{kind}", content_type=TYPES[kind]
    )


def _streamed(chunks: Iterator[bytes], kind: str, name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": content_disposition_header(True, f"{name}.{kind}") or ""}
    return StreamingHttpResponse(chunks, content_type=TYPES[kind], headers=headers)


def _items(batch: ScoringBatch) -> Iterator[ScoringItem]:
    """Yield the items in their order, a part at a time: also SQLite and connection poolers keep few in memory."""
    last = 0
    while True:
        rows = batch.items.select_related("clip__subject__database").filter(pk__gt=last).order_by("pk")
        found = list(rows[:ROWS_AT_ONCE])
        for item in found:
            item.batch = batch
            yield item
        if len(found) < ROWS_AT_ONCE:
            return
        last = found[-1].pk


def _lines(batch: ScoringBatch, user: Any) -> Iterator[bytes]:
    serializer = ScoringItemSerializer(context={"blindness": Blindness(user)})
    encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    part: list[str] = []
    for item in _items(batch):
        part.append(encode(serializer.to_representation(item)) + "\n")
        if len(part) == ROWS_AT_ONCE:
            yield "".join(part).encode()
            part = []
    if part:
        yield "".join(part).encode()


def _probability_columns(batch: ScoringBatch) -> dict[str, type]:
    return {f"p_{name}": float for name in batch.model.classes}


def _rows(batch: ScoringBatch, user: Any) -> Iterator[ExportRow]:
    blindness = Blindness(user)
    classes = batch.model.classes
    for item in _items(batch):
        hides_frames = blindness.hides(item)
        if blindness.hides_result(item):
            item.outcome, item.predicted, item.probabilities = "", "", None
            item.confidence = item.margin = item.entropy = item.member_disagreement = None
            item.frames_from, item.spotter_confidence, item.warnings, item.timings = "", None, [], None
        onset, apex = (None, None) if hides_frames else (item.onset, item.apex)
        timings, probabilities = item.timings or {}, item.probabilities or {}
        yield (
            item.pk, item.clip_id, item.title, item.state, item.outcome or None, item.predicted or None,
            item.confidence, item.margin, item.entropy, item.member_disagreement, batch.calibrated, onset, apex,
            item.frames_from or None, item.spotter_confidence, item.in_training, json.dumps(item.warnings) if item.warnings
            else None, batch.model_id, item.error_code or None, item.error or None,
            *(timings.get(name) for name in ("decode", "features", "network")), item.finished_at,
            *(probabilities.get(name) for name in classes),
        )  # fmt: skip
