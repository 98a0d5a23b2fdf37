"""Managing scoring batches: their items page by page, files, order of work, deletion, and the cost of large ones."""

import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mer_platform.clips.models import Clip, Subject
from mer_platform.deletion.models import Removal
from mer_platform.features.services import feature_name
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring import services
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.webhooks.models import Delivery, Webhook
from models_ml.config import RunConfig

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/scoring-batches/"
CLASSES = ["negative", "positive", "surprise"]


@pytest.fixture
def model(project) -> ModelVersion:
    return ModelVersion.objects.create(
        project=project, name="Small", config=RunConfig().model_dump(mode="json"), file="models/x.safetensors",
        sha256="0" * 64, classes=CLASSES, features_hash="f" * 64,
    )  # fmt: skip


@pytest.fixture
def clips(database) -> list[int]:
    """Ids of many ready clips."""
    subject = Subject.objects.create(database=database, name="many")
    rows = [
        Clip(
            project=database.project, subject=subject, name=f"c{number}", sha256=f"{number:064x}",
            file=f"clips/{number}.mp4", original_name="c.mp4", size=1, state=Clip.State.READY, frame_count=50,
            fps="200/1", face_frames=[[0, 49]],
        )
        for number in range(1000)
    ]  # fmt: skip
    return [clip.pk for clip in Clip.objects.bulk_create(rows)]


@pytest.fixture
def batch(api, model, clips) -> ScoringBatch:
    """A batch of four clips: two scored, one failed, one waiting."""
    pk = api.post(URL, {"model": model.pk, "clips": clips[:4], "name": "Four"}).json()["id"]
    items = list(ScoringItem.objects.filter(batch=pk).order_by("pk"))
    for item, confidence in zip(items[:2], (0.9, 0.5), strict=True):
        item.state, item.outcome, item.predicted, item.confidence = (
            "done",
            "expression",
            "positive",
            confidence,
        )
        item.probabilities = dict(zip(CLASSES, (0.02, confidence, 0.98 - confidence), strict=True))
        item.onset, item.apex, item.frames_from, item.waits_for = 3, 9, "consensus", ""
        item.save()
    ScoringItem.objects.filter(pk=items[2].pk).update(
        state="failed", error="No face was found in the clip.", error_code="no_face", waits_for=""
    )
    return ScoringBatch.objects.get(pk=pk)


def without_bulk(queries: CaptureQueriesContext) -> int:
    """Return the number of queries that are not inserts of many rows, nor the marks of savepoints."""
    bulk = ("INSERT", "SAVEPOINT", "RELEASE", "BEGIN")
    return sum(not query["sql"].lstrip().startswith(bulk) for query in queries)


def test_a_batch_of_a_thousand_takes_as_many_queries_as_one_of_ten(api, model, clips):
    counts = []
    for size in (10, 1000):
        items = [{"clip": pk, "onset": 3, "apex": 9} for pk in clips[:size]]
        with CaptureQueriesContext(connection) as queries:
            answer = api.post(URL, {"model": model.pk, "items": items})
        assert answer.status_code == 202
        counts.append(without_bulk(queries))
    assert counts[0] == counts[1] <= 10, counts
    assert Job.objects.filter(kind="score").count() == 2 + 16


def test_lists_of_batches_and_items_take_the_same_queries_for_any_number(api, model, clips):
    counts: dict[str, list[int]] = {URL: [], "items": []}
    for size in (2, 60):
        batch = api.post(URL, {"model": model.pk, "clips": clips[:size]}).json()
        api.post(URL, {"model": model.pk, "clips": clips[:1]})
        for name, address in ((URL, URL), ("items", batch["items_url"])):
            with CaptureQueriesContext(connection) as queries:
                assert api.get(address).status_code == 200
            counts[name].append(len(queries))
    assert all(few == many for few, many in counts.values()), counts


def test_items_are_filtered_and_ordered(api, batch):
    url = f"{URL}{batch.pk}/items/"
    assert [
        item["confidence"] for item in api.get(f"{url}?state=done&ordering=confidence").json()["results"]
    ] == [0.5, 0.9]
    [failed] = api.get(f"{url}?state=failed").json()["results"]
    assert failed["error"] == {"code": "no_face", "detail": "No face was found in the clip."}
    assert (failed["outcome"], failed["predicted"], failed["waits_for"]) == (None, None, None)
    assert len(api.get(f"{url}?predicted=positive").json()["results"]) == 2
    assert api.get(f"{url}?state=odd").status_code == 400


def test_strangers_see_neither_batches_nor_items_nor_files(bobs_api, batch):
    for end in ("", "items/", "results.csv", "deletion/"):
        assert bobs_api.get(f"{URL}{batch.pk}/{end}").status_code == 404
    for end in ("cancel/", "retry/"):
        assert bobs_api.post(f"{URL}{batch.pk}/{end}").status_code == 404


def test_annotators_change_no_batch(project, member, batch):
    carol = member(project, "carol", Role.ANNOTATOR)
    url = f"{URL}{batch.pk}/"
    assert carol.post(f"{url}cancel/").status_code == 403
    assert carol.patch(url, {"name": "Mine"}).status_code == 403
    assert carol.delete(url).status_code == 403


def test_files_have_a_line_for_each_item(api, batch):
    lines = b"".join(api.get(f"{URL}{batch.pk}/results.ndjson").streaming_content).decode().splitlines()
    rows = [json.loads(line) for line in lines]
    assert rows == api.get(f"{URL}{batch.pk}/items/").json()["results"]
    answer = api.get(f"{URL}{batch.pk}/results.csv")
    assert f'filename="four-{batch.pk}.csv"' in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert len(text) == 5
    assert text[0].endswith("p_negative,p_positive,p_surprise")


def test_large_files_are_read_in_parts(api, batch, monkeypatch):
    whole = b"".join(api.get(f"{URL}{batch.pk}/results.ndjson").streaming_content)
    monkeypatch.setattr("mer_platform.scoring.results.ROWS_AT_ONCE", 3)
    assert b"".join(api.get(f"{URL}{batch.pk}/results.ndjson").streaming_content) == whole


def test_a_priority_also_moves_the_jobs_that_wait(api, model, clips):
    pk = api.post(URL, {"model": model.pk, "clips": clips[:20]}).json()["id"]
    assert set(Job.objects.values_list("priority", flat=True)) == {0}
    changed = api.patch(f"{URL}{pk}/", {"priority": 7, "name": "Urgent"}).json()
    assert (changed["priority"], changed["name"]) == (7, "Urgent")
    assert set(Job.objects.values_list("priority", flat=True)) == {7}
    assert api.patch(f"{URL}{pk}/", {"priority": 11}).status_code == 400


def test_a_deleted_batch_takes_its_results_and_features_along(api, alice, model, clips, batch):
    config = model.settings.features
    kept, gone = Clip.objects.get(pk=clips[0]), Clip.objects.get(pk=clips[1])
    for clip in (kept, gone):
        default_storage.save(feature_name(clip.content_key, 3, 9, config, "cpu"), ContentFile(b"x"))
    other = services.start_batch(model, [services.WantedClip(kept, 3, 9)], alice)
    preview = api.get(f"{URL}{batch.pk}/deletion/").json()
    assert preview == {
        "possible": True,
        "rows": {"scores": 4, "scoring_batches": 1, "open_jobs": 4},
        "not_counted": 0,
    }
    assert api.delete(f"{URL}{batch.pk}/").status_code == 204
    assert list(ScoringBatch.objects.all()) == [other]
    assert Clip.objects.filter(pk__in=clips[:4]).count() == 4
    noted = set(Removal.objects.values_list("name", flat=True))
    assert feature_name(gone.content_key, 3, 9, config, "cpu") in noted
    assert feature_name(kept.content_key, 3, 9, config, "cpu") not in noted


def test_the_end_of_a_batch_is_announced_once(batch):
    Webhook.objects.create(
        project=batch.project, url="https://example.org/hook", events=["scoring_batch.finished"]
    )
    for _ in range(2):
        services.fail_items(batch, batch.items.all(), "internal_error", "Nothing works.")
    sent = json.loads(Delivery.objects.get().body)
    assert sent["data"]["state"] == "done"
    assert sent["data"]["progress"] == {"total": 4, "waiting": 0, "done": 2, "failed": 2, "cancelled": 0}
