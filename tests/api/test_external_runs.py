"""Predictions of other code: checked, previewed and stored once, from a page, the API and the command."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from sklearn.metrics import f1_score, recall_score

from mer_platform.annotation.models import Assignment, Consensus
from mer_platform.composites.services import freeze
from mer_platform.experiments.models import (
    Experiment,
    ExternalRun,
    PredictionUpload,
    Run,
    StoredCurves,
    StoredResults,
)
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent, Membership, Role
from models_ml.classes import CLASSES
from tests.api.problems import errors_of, problem_of
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
PREDICTED = [0, 1, 2, 1] * 6


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def address(version):
    return f"/api/v1/composite-versions/{version.pk}/external-runs/"


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def rows(predicted=PREDICTED, **more):
    return [{"sample": n, "predicted": CLASSES[p], **more} for n, p in enumerate(predicted)]


def csv_file(table, name="theirs.csv"):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    return SimpleUploadedFile(name, text.getvalue().encode())


def post(api, address, **data):
    return api.post(address, {"protocol": "loso", "name": "Their method", **data}, format="json")


def test_rows_become_a_run_with_stored_results(api, address, version, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(api, address, rows=rows(), source="https://example.org/code", seed=7)
    assert (answer.status_code, answer.data["created"], answer.data["samples"]) == (201, True, 24)
    run = Run.objects.get()
    assert answer.data["run"]["id"] == run.pk
    assert answer.data["run"]["external"]["source"] == "https://example.org/code"
    assert (run.state, run.seed, run.protocol, run.is_external) == (
        "finished",
        7,
        "leave one subject out",
        True,
    )
    true = [CLASSES.index(s.label) for s in version.samples.order_by("index")]
    stored = StoredResults.objects.get(run=run)
    assert stored.uf1 == pytest.approx(f1_score(true, PREDICTED, average="macro"))
    assert stored.uar == pytest.approx(recall_score(true, PREDICTED, average="macro"))
    assert run.predictions.filter(probabilities__isnull=True).count() == 24
    assert run.folds.get().name == "all samples"
    assert AuditEvent.objects.latest("pk").action == f"uploaded run {run} on {version}"


def test_the_same_again_is_the_same_run(api, address):
    first = post(api, address, rows=rows())
    again = post(api, address, rows=rows()[::-1])
    assert (again.status_code, again.data["created"]) == (200, False)
    assert again.data["run"]["id"] == first.data["run"]["id"]
    other = post(api, address, rows=rows(), name="Another method")
    assert (other.status_code, Run.objects.count(), Experiment.objects.count()) == (201, 2, 2)


def test_a_file_and_rows_with_the_same_content_are_the_same_run(api, address):
    first = post(api, address, rows=rows())
    data = {"protocol": "loso", "name": "Their method", "file": csv_file(rows())}
    again = api.post(address, data, format="multipart")
    assert again.data["run"]["id"] == first.data["run"]["id"]


def test_probabilities_and_folds_are_stored(api, address, version, django_capture_on_commit_callbacks):
    table = [
        {"sample": s.index, "p_negative": 0.2, "p_positive": 0.5, "p_surprise": 0.3, "fold": s.subject_key}
        for s in version.samples.all()
    ]
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(api, address, rows=table)
    assert answer.data["checked"][0] == "The 6 folds test one subject each, and no subject is in two folds."
    assert answer.data["predicted"] == {"negative": 0, "positive": 24, "surprise": 0}
    run = Run.objects.get()
    assert run.folds.count() == 6
    assert StoredCurves.objects.filter(run=run).exists()
    prediction = run.predictions.select_related("fold", "sample").first()
    assert (prediction.probabilities, prediction.fold.name) == (
        [0.2, 0.5, 0.3],
        prediction.sample.subject_key,
    )


def test_other_protocols(api, address, version):
    databases = sorted({s.database for s in version.samples.all()})
    tested = [
        row
        for row, s in zip(rows(), version.samples.order_by("index"), strict=True)
        if s.database == databases[0]
    ]
    cross = {"protocol": "cross", "train_on": databases[1:], "test_on": databases[:1]}
    assert post(api, address, rows=tested, **cross).status_code == 201
    assert (
        Run.objects.get().protocol == f"trained on {databases[1]}, {databases[2]}, tested on {databases[0]}"
    )
    refused = post(api, address, rows=rows(), **cross)
    assert refused.data["problems"][0]["code"] == "sample-not-tested"
    assert post(api, address, rows=rows(), protocol="kfold", folds=3).status_code == 201
    assert Run.objects.latest("pk").protocol == "3 folds of whole subjects"


def test_wrong_rows_are_listed_by_kind_and_nothing_is_stored(api, address):
    table = rows()[:20]
    table[3]["predicted"] = table[5]["predicted"] = "angry"
    answer = post(api, address, rows=table)
    assert (answer.status_code, answer.data["detail"]) == (
        400,
        "The predictions have 2 errors. Nothing was stored.",
    )
    (group,) = answer.data["problems"]
    assert (group["code"], group["count"]) == ("class-unknown", 2)
    assert [place["row"] for place in group["first"]] == [4, 6]
    answer = post(api, address, rows=rows()[:20])
    assert "4 of 24 samples are not predicted: 20 (" in answer.data["problems"][0]["message"]
    assert not Run.objects.exists()


def test_a_dry_run_stores_nothing(api, address):
    answer = post(api, address, rows=rows(), dry_run=True)
    assert (answer.status_code, answer.data["run"], answer.data["samples"]) == (200, None, 24)
    assert not Run.objects.exists()
    assert not PredictionUpload.objects.exists()


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({}, "", "Give either “file” or “rows”."),
        ({"rows": "x"}, "rows", "must be a list of objects"),
        ({"rows": [{"sample": 0, "p": [1]}]}, "rows", "must be a text or a number"),
        ({"rows": [{"sample": 0}], "protocol": "best"}, "protocol", "Must be one of"),
        ({"rows": [{"sample": 0}], "protocol": "kfold", "folds": 99}, "folds", "50 or less"),
        (
            {"rows": [{"sample": 0}], "protocol": "kfold", "folds": 40},
            "protocol",
            "need at least 40 subjects",
        ),
        (
            {"rows": [{"sample": 0}], "protocol": "cross", "train_on": ["X"], "test_on": ["Y"]},
            "train_on",
            "no samples",
        ),
        ({"rows": [{"sample": 0}], "protocol": "cross"}, "train_on", "Name the databases"),
        ({"rows": [{"sample": 0}], "seed": -1}, "seed", "0 or more"),
        ({"rows": [{"sample": 0, "predicted": "negative"}], "name": "x" * 121}, "name", "120 characters"),
    ],
)
def test_bad_requests_are_refused_in_words(data, field, words, api, address):
    answer = post(api, address, **data)
    assert answer.status_code == 400
    assert words in str(errors_of(answer, field))


def test_a_text_that_cannot_be_stored_is_named_by_its_row(api, address):
    answer = post(api, address, rows=[{"sample": 0, "predicted": "a\0b"}])
    assert "The text at /rows/0/predicted cannot be stored" in problem_of(answer)["detail"]


def test_folds_that_contradict_the_protocol_are_refused(api, address):
    answer = post(api, address, rows=rows(fold="one"))
    assert answer.status_code == 400
    assert "tests 6 subjects" in answer.data["problems"][0]["message"]


def test_who_may_upload(address, project, member, bobs_api):
    assert post(bobs_api, address, rows=rows()).status_code == 404
    assert post(member(project, "vera", Role.VIEWER), address, rows=rows()).status_code == 403
    assert post(member(project, "rita", Role.RESEARCHER), address, rows=rows()).status_code == 201
    assert bobs_api.get(f"{address}template/").status_code == 404


def test_scores_are_hidden_from_someone_who_has_clips_to_code(project, database, make_clip, alice, api):
    for number, word in enumerate(["disgust", "happiness"]):
        clip = make_clip(f"clip{number}", f"s{number}")
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=word, origin="adopted")
    words = {"disgust": "negative", "happiness": "positive"}
    version = freeze(project, "Two", [database], {database.name: words}, alice)
    Assignment.objects.create(clip=clip, coder=alice)
    answer = post(api, f"/api/v1/composite-versions/{version.pk}/external-runs/", rows=rows([0, 1]))
    assert answer.data["run"]["results"] is None
    assert "Scores are hidden" in answer.data["run"]["results_hidden"]
    assert "disgust" not in json.dumps(answer.data, default=str)


def test_the_template_has_samples_and_folds_but_no_labels(api, address, version):
    answer = api.get(f"{address}template/", {"protocol": "lodo"})
    text = answer.content.decode("utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text)))
    assert [int(row["sample"]) for row in table] == list(range(24))
    assert {row["fold"] for row in table} == {s.database for s in version.samples.all()}
    assert not any(word in text.replace("p_" + word, "") for word in CLASSES)
    for row, predicted in zip(table, PREDICTED, strict=True):
        row["predicted"] = CLASSES[predicted]
        del row["p_negative"], row["p_positive"], row["p_surprise"]
    answer = api.post(address, {"protocol": "lodo", "file": csv_file(table)}, format="multipart")
    assert answer.status_code == 201, answer.data
    assert answer.data["run"]["name"] == "theirs"
    assert answer.data["checked"][0].startswith("The 3 folds test one database each")
    assert api.get(f"{address}template/", {"protocol": "kfold", "folds": "x"}).status_code == 400


def test_the_page_checks_shows_and_stores(browser, project, version):
    page = reverse("external-new", args=[project.slug, version.pk])
    assert browser.get(page).status_code == 200
    table = rows()
    table[0]["p_negative"], table[0]["p_positive"], table[0]["p_surprise"] = 0.2, 0.5, 0.3
    for row in table[1:]:
        row.update(p_negative=0.3, p_positive=0.35, p_surprise=0.35)
    answer = browser.post(
        page, {"file": csv_file(table), "protocol": "loso", "source": "https://example.org"}
    )
    upload = PredictionUpload.objects.get()
    assert answer.url == reverse("external-upload", args=[project.slug, upload.pk])
    shown = browser.get(answer.url).content.decode()
    assert "24 of 6 subjects" in shown
    assert ExternalRun.MARK in shown
    assert "has a higher probability" in shown
    assert not Run.objects.exists()
    stored = browser.post(reverse("external-confirm", args=[project.slug, upload.pk]), follow=True)
    assert "was stored" in stored.content.decode()
    assert "https://example.org" in stored.content.decode()
    run = Run.objects.get()
    assert (run.name, run.external.file_name) == ("theirs", "theirs.csv")
    assert not PredictionUpload.objects.exists()


def test_the_page_of_a_wrong_file_offers_no_way_to_store_it(browser, project, version):
    page = reverse("external-new", args=[project.slug, version.pk])
    answer = browser.post(page, {"file": csv_file(rows()[:5]), "protocol": "loso"}, follow=True)
    text = answer.content.decode()
    assert "cannot be stored: 1 error" in text
    assert "19 of 24 samples are not predicted" in text
    assert "Store as a run" not in text
    upload = PredictionUpload.objects.get()
    answer = browser.post(reverse("external-confirm", args=[project.slug, upload.pk]), follow=True)
    assert "have errors" in answer.content.decode()
    problems = browser.get(reverse("external-problems", args=[project.slug, upload.pk])).content.decode()
    assert "samples-missing" in problems
    browser.post(reverse("external-discard", args=[project.slug, upload.pk]))
    assert not PredictionUpload.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"file": SimpleUploadedFile("a.csv", b"")}, "is empty"),
        ({"file": SimpleUploadedFile("a.parquet", b"PAR1")}, "is damaged or not a Parquet file"),
        ({}, "This field is required"),
        ({"file": csv_file(rows()), "protocol": "kfold", "folds": 40}, "need at least 40 subjects"),
        ({"file": csv_file(rows()), "protocol": "cross"}, "Name the databases"),
    ],
)
def test_the_page_says_what_is_wrong_with_the_form(data, words, browser, project, version):
    answer = browser.post(
        reverse("external-new", args=[project.slug, version.pk]), {"protocol": "loso", **data}
    )
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_the_page_is_for_researchers_of_the_project(client, bob, project, version, alice):
    page = reverse("external-new", args=[project.slug, version.pk])
    client.force_login(bob)
    assert client.get(page).status_code == 404
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    assert client.get(page).status_code == 403
    assert client.get(reverse("external-upload", args=[project.slug, 1])).status_code == 403


def test_the_command(version, tmp_path, capsys, alice):
    path = tmp_path / "theirs.csv"
    path.write_bytes(csv_file(rows()).read())
    call_command("import_predictions", version.pk, path, protocol="loso", dry_run=True)
    assert "24 predictions can be stored (dry run)." in capsys.readouterr().out
    call_command("import_predictions", version.pk, path, protocol="loso", name="Theirs", user="alice")
    run = Run.objects.get()
    assert f"Run {run} is stored. External: protocol declared, not verified." in capsys.readouterr().out
    assert (run.name, run.created_by) == ("Theirs", alice)
    call_command("import_predictions", version.pk, path, protocol="loso", name="Theirs", json=True)
    assert json.loads(capsys.readouterr().out)["created"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"version": 999}, "Composite version 999 not found"),
        ({"path": "missing.csv"}, "Cannot read “missing.csv”"),
        ({"user": "noone"}, "has no member “noone”"),
        ({"protocol": "kfold", "folds": 40}, "protocol: 40 folds need at least 40 subjects"),
        ({"name": "x" * 121}, "at most 120 characters"),
    ],
)
def test_the_command_says_what_is_wrong(options, words, version, tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_bytes(csv_file(rows()).read())
    given = {"version": version.pk, "path": path, "protocol": "loso", **options}
    with pytest.raises(CommandError, match=words):
        call_command("import_predictions", given.pop("version"), given.pop("path"), **given)
    path.write_bytes(csv_file(rows()[:3]).read())
    with pytest.raises(CommandError, match=r"has errors\. Nothing was stored"):
        call_command("import_predictions", version.pk, path, protocol="loso")


def test_it_is_logged_to_mlflow_like_other_runs(api, address, settings):
    settings.MLFLOW_TRACKING_URI = "http://localhost:1"
    post(api, address, rows=rows())
    assert Job.objects.get(kind="mlflow").payload["run"] == Run.objects.get().pk


def test_it_goes_with_its_project(api, address, project):
    run = post(api, address, rows=rows()).data["run"]["id"]
    assert api.delete(f"/api/v1/projects/{project.pk}/").status_code == 204
    assert not Run.objects.filter(pk=run).exists()
    assert not ExternalRun.objects.exists()


def test_a_table_with_very_many_columns_is_refused_in_words(api, address):
    content = b"sample,predicted" + b",x" * 20_000 + b"\n0,negative\n"
    answer = api.post(
        address, {"protocol": "loso", "file": SimpleUploadedFile("wide.csv", content)}, format="multipart"
    )
    assert answer.status_code == 400
    assert "“wide.csv” has 20,002 columns, but the limit is 256." in errors_of(answer, "file")
