"""Batches of earlier versions get states, outcomes and measures of certainty."""

import pytest

from mer_platform.composites.models import Sample
from mer_platform.experiments import services
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from models_ml.config import RunConfig
from models_ml.evaluation.certainty import certainties
from tests.api.test_registry_migration import latest, migrated
from tests.pictures import freeze_pictures

__all__ = ["migrated"]  # a fixture
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services, pytest.mark.campaign]


def test_scores_of_earlier_versions_are_kept(project, alice, make_clip, migrated):
    version = freeze_pictures(project)
    run = services.launch(version, RunConfig(), alice)
    clips = [make_clip(f"c{number}") for number in range(4)]
    first = version.samples.order_by("pk")[:1].values("pk")
    Sample.objects.filter(pk__in=list(first.values_list("pk", flat=True))).update(
        content_sha256=clips[0].sha256
    )
    old = migrated([("scoring", "0002_plain_texts"), ("registry", None)])
    model = old.get_model("scoring", "ModelVersion").objects.create(
        run_id=run.pk, file="x", sha256="a", classes=[]
    )
    batches = old.get_model("scoring", "ScoringBatch").objects
    ended, running, waiting = (batches.create(project_id=project.pk, model_id=model.pk) for _ in range(3))
    items = old.get_model("scoring", "ScoringItem").objects
    probabilities = {"negative": 0.7, "positive": 0.2, "surprise": 0.1}
    done = {"state": "done", "predicted": "negative", "probabilities": probabilities, "onset": 1, "apex": 2}
    items.create(batch=ended, clip_id=clips[0].pk, frames_from="annotated", **done)
    items.create(batch=ended, clip_id=clips[1].pk, state="failed", error="No face.")
    items.create(batch=running, clip_id=clips[2].pk, frames_from="given", **done)
    for batch in (running, waiting):
        items.create(batch=batch, clip_id=clips[3].pk)
    migrated(latest())
    assert [batch.state for batch in ScoringBatch.objects.order_by("pk")] == ["done", "running", "waiting"]
    assert ScoringBatch.objects.get(pk=ended.pk).finished_at
    first, failed, second, *left = ScoringItem.objects.order_by("pk")
    [known] = certainties([[list(probabilities.values())]])
    assert (first.outcome, first.in_training, second.in_training) == ("expression", True, False)
    assert (first.confidence, first.margin, first.entropy) == pytest.approx((0.7, 0.5, known.entropy))
    assert (failed.error_code, failed.waits_for) == ("failed", "")
    assert {item.waits_for for item in left} == {"worker"}
