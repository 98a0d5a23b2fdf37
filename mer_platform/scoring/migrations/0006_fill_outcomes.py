"""Batches and scores of earlier versions get their states, outcomes and measures of certainty."""

from math import log

from django.db import migrations
from django.db.models import Exists, Max, OuterRef


def fill(apps, schema_editor):
    batches = apps.get_model("scoring", "ScoringBatch").objects
    items = apps.get_model("scoring", "ScoringItem").objects
    jobs = apps.get_model("jobs", "Job").objects
    samples = apps.get_model("composites", "Sample").objects
    items.exclude(state="waiting").update(waits_for="")
    items.filter(state="failed").update(error_code="failed")
    trained = samples.filter(
        version=OuterRef("batch__model__run__version"), content_sha256=OuterRef("clip__sha256")
    )
    ids = list(items.filter(Exists(trained)).values_list("pk", flat=True))
    for start in range(0, len(ids), 500):
        items.filter(pk__in=ids[start : start + 500]).update(in_training=True)
    some = []
    for item in items.filter(state="done").iterator(chunk_size=500):
        item.outcome = "expression"  # earlier versions gave no other answer
        item.confidence, item.margin, item.entropy = certainty(item.probabilities or {})
        some.append(item)
        if len(some) == 500:
            items.bulk_update(some, ["outcome", "confidence", "margin", "entropy"])
            some = []
    items.bulk_update(some, ["outcome", "confidence", "margin", "entropy"])
    for batch in batches.filter(~Exists(items.filter(batch=OuterRef("pk"), state="waiting"))):
        ended = jobs.filter(group=f"batch:{batch.pk}").aggregate(last=Max("finished_at"))["last"]
        batches.filter(pk=batch.pk).update(state="done", finished_at=ended or batch.created_at)
    started = Exists(items.filter(batch=OuterRef("pk")).exclude(state="waiting"))
    batches.filter(started, state="waiting").update(state="running")


def certainty(probabilities):
    """Return confidence, margin and entropy, as models_ml.evaluation.certainty computes them for one network."""
    values = sorted(probabilities.values(), reverse=True)
    if len(values) < 2:
        return None, None, None
    entropy = -sum(p * log(p) for p in values if p > 0) / log(len(values))
    return values[0], values[0] - values[1], min(1.0, max(0.0, entropy))


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0005_outcomes"),
        ("composites", "0001_initial"),
        ("jobs", "0001_initial"),
        ("registry", "0004_models_have_projects"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
