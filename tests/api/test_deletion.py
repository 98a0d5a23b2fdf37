"""Deleting clips, subjects, databases and projects: what goes, what stays, and who may."""

import os
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.layers import FlowLayer
from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.composites.services import freeze
from mer_platform.deletion import services
from mer_platform.deletion.models import Removal
from mer_platform.exports.models import FeatureExport
from mer_platform.features.services import feature_name, request_features
from mer_platform.imports.models import Import, ImportItem
from mer_platform.jobs.models import Job, LeaseLost
from mer_platform.projects.models import AuditEvent, Project, Role
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.scoring.services import WantedClip, start_batch
from models_ml.config import FeatureConfig
from tests.api.finished_runs import finished
from tests.pictures import add_picture
from tests.trained_models import model_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def version(project, database, make_clip, alice):
    for number in range(3):
        clip = make_clip(f"of version {number}", f"s{number}")
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted")
    return freeze(project, "Three", [database], {database.name: {"disgust": "negative"}}, alice)


@pytest.fixture
def model(version, alice) -> ModelVersion:
    run = finished(version, [0, 0, 0], alice)
    return model_of(run, store("models/ab/m.safetensors"))


def store(name: str, content: bytes = b"content") -> str:
    return default_storage.save(name, ContentFile(content))


def files_of(clip: Clip) -> list[str]:
    """Store every kind of file that a clip can have, and return the names."""
    layer = FlowLayer(clip, 0, 10).name
    names = [clip.file, clip.pack_name, clip.index_name, clip.thumbnail_name, layer]
    return [store(name) for name in names]


def age(names: list[str], seconds: float = 3600) -> None:
    for name in names:
        at = timezone.now().timestamp() - seconds
        os.utime(default_storage.path(name), (at, at))


def there(names: list[str]) -> list[str]:
    return [name for name in names if default_storage.exists(name)]


def test_a_deleted_clip_takes_its_files_along(api, clip):
    names = files_of(clip)
    age(names)
    assert api.delete(f"/api/v1/clips/{clip.pk}/").status_code == 204
    assert there(names) == names  # rows first
    services.remove_files()
    assert there(names) == []
    assert not Removal.objects.exists()


def test_it_also_takes_the_features_of_its_scores(api, clip, make_clip, model, alice):
    other = make_clip("other")
    batch = start_batch(model, [WantedClip(clip, 3, 7), WantedClip(other, 3, 7)], alice)
    alone = start_batch(model, [WantedClip(clip, 3, 7)], alice)
    config = model.run.settings.features
    mine, theirs = (store(feature_name(c.sha256, 3, 7, config, "cpu")) for c in (clip, other))
    age([mine, theirs])
    api.delete(f"/api/v1/clips/{clip.pk}/")
    services.remove_files()
    assert there([mine, theirs]) == [theirs]
    assert [item.clip for item in ScoringItem.objects.all()] == [other]
    assert list(ScoringBatch.objects.all()) == [batch]
    assert Job.objects.get(group=alone.group).state == Job.State.CANCELLED


def test_content_that_another_project_shares_stays(api, bob, clip, other_project):
    names = files_of(clip)
    age(names)
    theirs = Database.objects.create(project=other_project, name="Ours too")
    person = Subject.objects.create(database=theirs, name="p1")
    values = {n: getattr(clip, n) for n in ("name", "sha256", "file", "original_name", "size", "state")}
    twin = Clip.objects.create(project=other_project, subject=person, **values)
    api.delete(f"/api/v1/clips/{clip.pk}/")
    services.remove_files()
    assert there(names) == names
    services.delete(twin, bob)
    services.remove_files()
    assert there(names) == []


def test_the_features_of_shared_content_stay(api, clip, model, alice, other_project):
    start_batch(model, [WantedClip(clip, 3, 7)], alice)
    name = store(feature_name(clip.sha256, 3, 7, model.run.settings.features, "cpu"))
    age([name])
    person = Subject.objects.create(
        database=Database.objects.create(project=other_project, name="D"), name="p1"
    )
    values = {n: getattr(clip, n) for n in ("name", "sha256", "file", "original_name", "size")}
    Clip.objects.create(project=other_project, subject=person, **values)
    api.delete(f"/api/v1/clips/{clip.pk}/")
    services.remove_files()
    assert there([name]) == [name]


def test_a_file_that_an_upload_has_just_found_stays_until_its_row_can_be_seen(api, clip):
    store(clip.file)  # just now, by an upload of the same bytes
    api.delete(f"/api/v1/clips/{clip.pk}/")
    services.remove_files()
    assert there([clip.file]) == [clip.file]
    waiting = Removal.objects.get(name=clip.file)
    assert waiting.not_before > timezone.now()
    age([clip.file])
    Removal.objects.update(not_before=timezone.now())
    services.remove_files()
    assert there([clip.file]) == []


def test_files_are_removed_after_a_crash_between_rows_and_files(api, clip, monkeypatch):
    names = files_of(clip)
    age(names)
    api.delete(f"/api/v1/clips/{clip.pk}/")

    def killed(_name: str) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(default_storage, "delete", killed)
        with pytest.raises(SystemExit):
            services.remove_files()
    services.remove_files()
    assert there(names) == []


def test_a_deletion_that_fails_deletes_nothing(api, clip, monkeypatch):
    monkeypatch.setattr(services.Removal.objects, "bulk_create", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        api.delete(f"/api/v1/clips/{clip.pk}/")
    assert Clip.objects.filter(pk=clip.pk).exists()


def test_the_jobs_of_a_clip_are_cancelled(api, project, clip, make_clip, alice):
    other = make_clip("other")
    queued = FlowLayer(clip, 0, 10).request(alice)
    running = Job.enqueue("spot", "features", project.pk, "spot:1", clip.group(), {"clip": clip.pk})
    elsewhere = FlowLayer(other, 0, 10).request(alice)
    claim = Job.claim(running.pk, "host:1")
    api.delete(f"/api/v1/clips/{clip.pk}/")
    for job in (queued, elsewhere):
        job.refresh_from_db()
    assert (queued.state, elsewhere.state) == (Job.State.CANCELLED, Job.State.QUEUED)
    assert claim.should_stop()
    # Its worker may still write files, so they are looked for again later.
    assert not Removal.objects.filter(not_before__lte=timezone.now()).exists()


def test_deleting_a_subject_deletes_its_clips_and_pictures(api, project, clip, make_clip, alice):
    other = make_clip("other", "sub02")
    Annotation.objects.create(clip=clip, coder=alice, onset=1)
    person = clip.subject
    preview = api.get(f"/api/v1/subjects/{person.pk}/deletion/").json()
    assert preview == {
        "possible": True, "reason": "", "versions": [], "rows": {"clips": 1, "annotations": 1}, "not_counted": 0,
        "bytes": 1,
    }  # fmt: skip
    assert api.delete(f"/api/v1/subjects/{person.pk}/").status_code == 204
    assert list(Clip.objects.all()) == [other]
    assert not Subject.objects.filter(pk=person.pk).exists()
    assert (
        AuditEvent.objects.first().action == "deleted the subject sub01 with 1 clip, 1 annotation by a coder"
    )


def test_deleting_a_database_deletes_clips_and_flow_pictures_and_stops_its_import(
    api, project, clip, database
):
    picture = add_picture(project, database.name, "sub01", "p1", "negative", 1)
    batch = Import.objects.create(
        project=project, layout="smic", place="folder", state=Import.State.IMPORTING
    )
    ImportItem.objects.create(batch=batch, kind="clip", database=database.name, subject="sub09", name="x")
    job = Job.enqueue("import", "ingest", project.pk, "import:1", batch.group, {"batch": batch.pk})
    rows = api.get(f"/api/v1/databases/{database.pk}/deletion/").json()["rows"]
    assert rows == {"subjects": 1, "clips": 1, "flow_pictures": 1, "open_jobs": 1}
    age([picture.file])
    assert api.delete(f"/api/v1/databases/{database.pk}/").status_code == 204
    services.remove_files()
    assert [model.objects.count() for model in (Clip, FlowPicture, Subject)] == [0, 0, 0]
    assert there([picture.file]) == []
    batch.refresh_from_db()
    job.refresh_from_db()
    assert (batch.state, job.state) == (Import.State.CANCELLED, Job.State.CANCELLED)


@pytest.mark.parametrize("kind", ["clips", "subjects", "databases"])
def test_what_a_frozen_version_contains_is_not_deleted(api, version, kind):
    clip = version.samples.first().clip
    pk = {"clips": clip.pk, "subjects": clip.subject_id, "databases": clip.database.pk}[kind]
    preview = api.get(f"/api/v1/{kind}/{pk}/deletion/").json()
    answer = api.delete(f"/api/v1/{kind}/{pk}/")
    assert answer.status_code == 409
    assert "the frozen version “Three v1” contains it" in answer.json()["detail"]
    assert answer.json()["versions"] == preview["versions"] == [version.pk]
    assert (preview["possible"], preview["reason"]) == (False, answer.json()["detail"])
    assert version.samples.count() == 3


def test_a_project_goes_with_its_results_and_files(api, project, version, model, clip, alice, other_project):
    features = request_features(version, FeatureConfig(), alice)
    export = FeatureExport.objects.create(
        version=version, config={}, config_hash="ab", format="npz", file=store("exports/ab/e.npz"), size=7
    )
    sample = version.samples.first()
    names = [
        *files_of(clip), model.file, export.file, store(features.image_name(0, "u")),
        store(feature_name(sample.content_sha256, sample.onset, sample.apex, FeatureConfig(), "cuda")),
        store(feature_name(sample.content_sha256, sample.onset, sample.apex, FeatureConfig(), "cpu")),
    ]  # fmt: skip
    age(names)
    start_batch(model, [WantedClip(clip)], alice)
    url = f"/api/v1/projects/{project.pk}/"
    preview = api.get(f"{url}deletion/").json()
    wanted = {"databases": 1, "subjects": 4, "clips": 4, "composite_versions": 1, "runs": 1, "models": 1}
    assert wanted.items() <= preview["rows"].items()
    assert (preview["possible"], preview["bytes"]) == (True, 4 + 7)
    claim = Job.claim_next("scoring", "host:1")
    assert api.delete(url).status_code == 204
    assert [p.pk for p in Project.objects.all()] == [other_project.pk]
    assert not Job.objects.filter(project=project.pk).exists()
    with pytest.raises(LeaseLost):
        claim.heartbeat()
    Removal.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    services.remove_files()
    assert there(names) == []


def test_a_worker_discards_a_job_that_was_deleted_with_its_project(
    project, alice, monkeypatch, transactional_db
):
    from workers import runner

    def run(claim) -> None:
        services.delete(project, alice)
        Project.objects.get(pk=claim.job.project_id)

    monkeypatch.setitem(runner.HANDLERS, "test", runner.Handler(run, None))
    Job.enqueue("test", "ingest", project.pk, "test:1", "test", {})
    assert runner.take_next("ingest")
    assert not Job.objects.exists()


ALLOWED = [(Role.VIEWER, 403), (Role.ANNOTATOR, 403), (Role.RESEARCHER, 204), (Role.OWNER, 204)]


@pytest.mark.parametrize(("role", "status"), ALLOWED)
@pytest.mark.parametrize("kind", ["subjects", "databases"])
def test_researchers_may_delete_subjects_and_databases(project, clip, member, kind, role, status):
    carol = member(project, "carol", role)
    pk = {"subjects": clip.subject_id, "databases": clip.database.pk}[kind]
    assert carol.get(f"/api/v1/{kind}/{pk}/deletion/").status_code == (200 if status == 204 else 403)
    assert carol.delete(f"/api/v1/{kind}/{pk}/").status_code == status


@pytest.mark.parametrize(("role", "status"), [(Role.RESEARCHER, 403), (Role.OWNER, 204)])
def test_only_owners_may_delete_a_project(project, member, role, status):
    carol = member(project, "carol", role)
    assert carol.get(f"/api/v1/projects/{project.pk}/deletion/").status_code == (
        200 if status == 204 else 403
    )
    assert carol.delete(f"/api/v1/projects/{project.pk}/").status_code == status


@pytest.mark.parametrize("name", ["clip-delete", "subject-delete", "database-delete", "project-delete"])
def test_the_page_lists_what_goes_and_then_deletes_it(browser, bob, project, clip, name):
    targets = {"clip": clip, "subject": clip.subject, "database": clip.database, "project": project}
    target = targets[name.removesuffix("-delete")]
    url = reverse(name, args=[project.slug] if target is project else [project.slug, target.pk])
    page = browser.get(url).content.decode()
    assert "1 clip" in page
    assert "This cannot be undone" in page
    answer = browser.post(url, {"name": project.name}, follow=True)
    assert "was deleted" in answer.content.decode()
    assert not type(target).objects.filter(pk=target.pk).exists()
    browser.force_login(bob)
    assert browser.get(url).status_code == 404


def test_the_name_of_a_project_must_be_typed(browser, project):
    answer = browser.post(reverse("project-delete", args=[project.slug]), {"name": "another"})
    assert answer.status_code == 422
    assert "Type the name of the project" in answer.content.decode()
    assert Project.objects.filter(pk=project.pk).exists()


def test_the_page_of_a_database_lists_its_subjects(browser, project, clip):
    page = browser.get(reverse("database", args=[project.slug, clip.database.pk])).content.decode()
    assert reverse("subject-delete", args=[project.slug, clip.subject_id]) in page
    assert reverse("database-delete", args=[project.slug, clip.database.pk]) in page
