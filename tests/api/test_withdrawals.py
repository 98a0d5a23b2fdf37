"""Withdrawing a person: who may, what the preview says, and what is left of versions, runs and models."""

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip, Subject
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.composites.services import freeze
from mer_platform.deletion.models import Removal
from mer_platform.experiments import services
from mer_platform.experiments.models import Run
from mer_platform.imports.models import Import, ImportItem, ImportProblem
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Role
from mer_platform.registry.models import ModelEvent
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.withdrawals import ledger
from mer_platform.withdrawals.models import Withdrawal
from mer_platform.withdrawals.recognition import earlier_withdrawals
from mer_platform.withdrawals.upkeep import catch_up, complete_withdrawals
from models_ml.config import RunConfig
from tests.api.finished_runs import finished
from tests.trained_models import model_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]
NAME = "Quillfeather"
SCORES = ("uf1", "uar", "accuracy")


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def version(project, database, make_clip, alice) -> CompositeVersion:
    for number, subject in enumerate((NAME, "s1", "s2")):
        clip = make_clip(f"of {subject}", subject)
        emotion = "happiness" if number else "disgust"
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=emotion, origin="adopted")
    labels = {database.name: {"disgust": "negative", "happiness": "positive"}}
    rules = {"without": [[database.name, NAME, "another clip"]]}
    return freeze(project, "Three", [database], labels, alice, rules=rules)


@pytest.fixture
def run(version, alice) -> Run:
    return finished(version, [0, 1, 1], alice)


@pytest.fixture
def person(version) -> Subject:
    return Subject.objects.get(name=NAME)


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def url(subject: Subject) -> str:
    return f"/api/v1/subjects/{subject.pk}/withdrawal/"


def withdraw(api, subject: Subject, **fields) -> Withdrawal:
    answer = api.post(url(subject), {"confirm": subject.name, **fields}, format="json")
    assert answer.status_code == 201, answer.content
    return Withdrawal.objects.get(pk=answer.json()["id"])


def test_the_preview_says_what_contains_the_person_and_changes_nothing(api, person, run):
    model = model_of(run)
    found = api.get(url(person)).json()
    assert found["clips"] == [f"CASME II/{NAME}/of {NAME}"]
    assert found["versions"] == ["Three v1"]
    assert (found["runs"], found["models"], found["sources"]) == ([run.pk], [model.pk], [])
    assert found["rows"]["samples"] == 1
    assert Subject.objects.filter(pk=person.pk).exists()
    assert not Removal.objects.exists()


def test_only_an_owner_may_withdraw(person, project, member):
    researcher = member(project, "rita", Role.RESEARCHER)
    assert researcher.get(url(person)).status_code == 403
    assert researcher.post(url(person), {"confirm": NAME}, format="json").status_code == 403


def test_the_name_must_be_sent(api, person):
    answer = api.post(url(person), {"confirm": "s1"}, format="json")
    assert answer.status_code == 400
    assert "“s1” is not the name of this subject" in str(answer.json())
    assert api.post(url(person), {}, format="json").status_code == 400
    assert Subject.objects.filter(pk=person.pk).exists()


def test_a_tombstone_takes_the_place_of_each_sample(api, person, run, version):
    before = api.get(f"/api/v1/runs/{run.pk}/").json()["results"]
    sha256 = Clip.objects.get(subject=person).sha256
    done = withdraw(api, person)
    sample = Sample.objects.get(version=version, index=0)
    assert (sample.content_sha256, sample.label, sample.database) == (sha256, "negative", "CASME II")
    assert (sample.subject, sample.emotion, sample.onset) == (done.pseudonym, "", None)
    assert not Clip.objects.filter(sha256=sha256).exists()
    assert done.contents == [sha256]
    [marked] = done.versions
    assert (marked["samples"], marked["confirmed"]) == (1, True)
    assert marked["content_hash"] == version.content_hash != marked["hash_with_tombstones"]

    shown = api.get(f"/api/v1/runs/{run.pk}/").json()
    assert shown["withdrawn_samples"] == 1
    assert {k: shown["results"][k] for k in SCORES} == {k: before[k] for k in SCORES}
    assert f"CASME II/{done.pseudonym}" in run.folds.values_list("name", flat=True)
    version.refresh_from_db()
    assert version.withdrawn_samples == 1
    assert version.rules == {"without": [["CASME II", done.pseudonym, done.pseudonym]]}


def test_every_page_of_the_results_says_so(browser, api, person, run, version, project, alice):
    model, second = model_of(run), finished(version, [0, 1, 0], alice)
    withdraw(api, person)
    for address in (
        reverse("run", args=[project.slug, run.pk]),
        reverse("version", args=[project.slug, version.pk]),
        reverse("model", args=[project.slug, model.pk]),
        f"{reverse('compare-runs', args=[project.slug])}?run={run.pk}&run={second.pk}",
        reverse("run-report", args=[project.slug, run.pk]),
    ):
        page = browser.get(address)
        assert page.status_code == 200, address
        assert "1 withdrawn sample" in page.content.decode(), address
    for name in ("runs", "composites", "models"):
        page = " ".join(browser.get(reverse(name, args=[project.slug])).content.decode().split())
        assert "withdrawn sample" in page, name
    card = api.get(f"/api/v1/models/{model.pk}/card/").json()
    assert card["data"]["withdrawn_samples"] == 1
    text = api.get(f"/api/v1/composite-versions/{version.pk}/samples.csv").getvalue().decode()
    assert NAME not in text


def test_nothing_new_is_made_of_the_version(browser, api, person, run, version, project, alice):
    withdraw(api, person)
    wanted = "Freeze a new version without them"
    launched = api.post("/api/v1/runs/", {"version": version.pk}, format="json")
    assert launched.status_code == 400
    assert wanted in launched.content.decode()
    exported = api.post("/api/v1/feature-exports/", {"version": version.pk, "format": "npz"}, format="json")
    assert (exported.status_code, wanted in exported.content.decode()) == (400, True)
    document = api.get(f"/api/v1/composite-versions/{version.pk}/export/")
    assert (document.status_code, wanted in document.content.decode()) == (409, True)
    page = browser.get(reverse("version-json", args=[project.slug, version.pk]), follow=True)
    assert wanted in page.content.decode()
    attribution = api.post(f"/api/v1/runs/{run.pk}/attributions/", {"method": "occlusion"}, format="json")
    assert wanted in attribution.content.decode()
    model = api.post(f"/api/v1/runs/{run.pk}/train-model/")
    assert wanted in model.content.decode() or model.status_code == 404


def test_a_run_in_progress_is_cancelled_with_the_reason(api, person, version, alice):
    run = services.launch(version, RunConfig(), alice)
    withdraw(api, person)
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED
    assert "withdrawn" in run.error
    assert not Job.objects.filter(state__in=Job.OPEN).exists()


def test_models_are_marked_and_archived_if_the_owner_chooses(api, person, run):
    model = model_of(run)
    done = withdraw(api, person, retire_models=True)
    model.refresh_from_db()
    assert model.stage == "archived"
    kinds = list(ModelEvent.objects.filter(model=model).values_list("kind", flat=True))
    assert kinds == ["stage", "withdrawn"]
    assert done.retired_models is True


def test_texts_of_the_project_lose_the_name(api, person, project, run, make_clip, alice, database):
    clip = make_clip("other", "s1")
    note = Annotation.objects.create(clip=clip, coder=alice, onset=1, note=f"as {NAME} does in of {NAME}.mp4")
    note.keep_version(alice, "api")
    AuditEvent.record(project, alice, f"uploaded CASME II/{NAME}/of {NAME}")
    batch = Import.objects.create(
        project=project, layout="casme2", place="folder", source="x", state="finished"
    )
    item = ImportItem.objects.create(
        batch=batch,
        kind="clip",
        database="CASME II",
        subject=NAME,
        name="9",
        folder=f"{NAME}/9",
        files=["1.png"],
    )
    ImportProblem.objects.create(
        batch=batch, severity="error", code="odd", message=f"Row 3: {NAME}", subject=NAME
    )
    done = withdraw(api, person)
    note.refresh_from_db()
    item.refresh_from_db()
    assert note.note == f"as {done.pseudonym} does in {done.pseudonym}"
    assert note.versions.get().content["note"] == note.note
    assert (item.subject, item.files, item.folder) == (done.pseudonym, [], "")
    assert ImportProblem.objects.get().message == "About a person who was withdrawn."
    assert not AuditEvent.objects.filter(action__contains=NAME).exists()
    assert AuditEvent.objects.filter(action=f"withdrew {done.pseudonym} (certificate {done.key})").exists()


def test_a_zip_with_the_person_among_waiting_clips_is_erased(api, person, run, project, database):
    model = model_of(run)
    archive = f"scoring-uploads/00/{'0' * 64}.zip"
    batch = ScoringBatch.objects.create(
        project=project, model=model, database=database.name, archive=archive, state="running"
    )
    waiting = {"batch": batch, "waits_for": "file"}
    ScoringItem.objects.create(**waiting, source=f"{NAME}/a.mp4", subject=NAME)
    other = ScoringItem.objects.create(**waiting, source="b.mp4", subject="s1")
    withdraw(api, person)
    other.refresh_from_db()
    batch.refresh_from_db()
    assert (other.state, other.error_code) == ("failed", "withdrawn")
    assert (batch.items.count(), batch.archive, batch.state) == (1, "", "done")
    assert Removal.objects.filter(name=archive).exists()


def test_the_person_is_recognised_again_without_their_name(api, person, database):
    done = withdraw(api, person)
    assert NAME not in str(Withdrawal.objects.values().get())
    again = Subject.objects.create(database=database, name=NAME.lower())
    assert earlier_withdrawals(again) == [done]
    noticed = AuditEvent.objects.first()
    assert noticed.action.startswith(
        f"noticed a new subject with the name of {done.pseudonym}, who was withdrawn"
    )
    assert earlier_withdrawals(Subject.objects.create(database=database, name="s7")) == []


def test_the_certificate_is_completed_when_the_last_file_is_gone(
    api, person, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        done = withdraw(api, person)
    assert done.completed_at is None
    complete_withdrawals()
    done.refresh_from_db()
    assert done.files_erased_at is None
    Removal.objects.all().delete()
    complete_withdrawals()
    done.refresh_from_db()
    assert done.files_erased_at is not None
    assert done.pending == []
    assert [entry.key for entry in ledger.entries()] == [str(done.key)]


def test_a_withdrawal_that_the_database_forgot_is_applied_again(
    api, person, database, make_clip, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        done = withdraw(api, person, erase_weights=True)
    Withdrawal.objects.all().delete()
    make_clip("back", NAME)
    [again] = catch_up()
    assert (again.pseudonym, again.erased_weights) == (done.pseudonym, True)
    assert not Subject.objects.filter(name=NAME).exists()
    assert catch_up() == []


def test_a_damaged_file_of_the_list_is_left_out(
    api, person, caplog, django_capture_on_commit_callbacks, settings
):
    with django_capture_on_commit_callbacks(execute=True):
        done = withdraw(api, person)
    file = settings.MEDIA_ROOT / "withdrawals" / f"{done.key}.json"
    file.write_text(file.read_text().replace(done.pseudonym, "someone else"))
    assert list(ledger.entries()) == []
    assert "damaged" in caplog.text


def test_the_page_asks_for_the_name_and_shows_the_certificate(browser, person, project, run):
    address = reverse("subject-withdraw", args=[project.slug, person.pk])
    page = browser.get(address).content.decode()
    assert "1 frozen version" in page
    assert "a tombstone with hash and class takes the place" in page
    wrong = browser.post(address, {"confirm": "s1"})
    assert wrong.status_code == 422
    assert f"Type the name of the subject, “{NAME}”" in wrong.content.decode()
    done = browser.post(address, {"confirm": NAME, "erase_weights": "on"}, follow=True)
    text = done.content.decode()
    assert "Certificate of withdrawal" in text
    assert NAME not in text
    assert "Those of affected runs were erased." in text
    listed = browser.get(reverse("withdrawals", args=[project.slug])).content.decode()
    assert Withdrawal.objects.get().pseudonym in listed


def test_a_person_of_no_version_can_be_withdrawn_too(api, database, project, browser):
    person = Subject.objects.create(database=database, name="Alone")
    assert (
        "only the name"
        in browser.get(reverse("subject-withdraw", args=[project.slug, person.pk])).content.decode()
    )
    done = withdraw(api, person)
    assert (done.versions, done.contents) == ([], [])
