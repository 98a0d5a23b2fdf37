"""Exporting features: a job for the workers, and a file."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.urls import reverse

from mer_platform.composites.models import CompositeVersion
from mer_platform.exports.models import FeatureExport
from mer_platform.exports.services import fail, finish
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Membership, Role
from tests.api.problems import errors_of
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
EXPORTS = "/api/v1/feature-exports/"


@pytest.fixture
def version(project) -> CompositeVersion:
    return freeze_pictures(project)


def test_features_are_a_job_for_the_workers(api, version):
    answer = api.post(EXPORTS, {"version": version.pk, "config": {"size": 14}, "format": "npz"})
    assert answer.status_code == 202, answer.content
    assert answer.json()["progress"] == {"state": "waiting", "done": 0, "total": 0}
    assert (answer.json()["config"]["size"], answer.json()["config"]["flow"]) == (14, "tvl1")
    job = Job.objects.get(kind="export")
    assert (job.queue, job.payload) == ("features", {"export": answer.json()["id"]})


def test_the_same_features_again_are_the_same_export(api, version):
    first, again, other = (
        api.post(EXPORTS, {"version": version.pk, "config": config}).json()["id"]
        for config in ({}, {"size": 28}, {"size": 14})
    )
    assert first == again != other
    assert Job.objects.filter(kind="export").count() == 2


def test_an_export_that_failed_or_whose_file_is_missing_is_repeated(api, version):
    made = [api.post(EXPORTS, {"version": version.pk}).json()["id"]]
    fail(made[0], "No face was found.")
    made.append(api.post(EXPORTS, {"version": version.pk}).json()["id"])
    finish(FeatureExport.objects.get(pk=made[1]), "exports/gone.safetensors", "0" * 64, 1)
    assert "missing from the storage" in api.get(f"{EXPORTS}{made[1]}/file/").json()["detail"]
    made.append(api.post(EXPORTS, {"version": version.pk}).json()["id"])
    assert len(set(made)) == 3
    assert api.get(f"{EXPORTS}{made[0]}/").json()["error"] == "No face was found."


def test_the_file_can_be_downloaded_when_the_export_is_done(api, version):
    export = api.post(EXPORTS, {"version": version.pk}).json()["id"]
    waiting = api.get(f"{EXPORTS}{export}/file/")
    assert (waiting.status_code, waiting.json()["detail"]) == (
        404,
        "This export has no file: its state is waiting.",
    )
    name = default_storage.save("exports/xy/test.safetensors", ContentFile(b"tensors"))
    finish(FeatureExport.objects.get(pk=export), name, "0" * 64, 7)
    answer = api.get(f"{EXPORTS}{export}/file/")
    assert answer.getvalue() == b"tensors"
    assert 'filename="pictures-v1-' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"config": {"size": 4}}, "Must be 8 or more, not 4."),
        ({"config": {"sise": 28}}, "sise"),
        ({"config": [1]}, "Must be an object with named values"),
        ({"format": "pickle"}, "Must be one of"),
        ({"version": 999_999}, "not found in your projects"),
    ],
)
def test_errors_of_an_export_are_reported(api, version, fields, words):
    answer = api.post(EXPORTS, {"version": version.pk, **fields})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not FeatureExport.objects.exists()


def test_features_too_large_for_a_worker_are_refused(api, version, monkeypatch):
    monkeypatch.setattr("mer_platform.exports.services.MAX_BYTES", 1000)
    answer = api.post(EXPORTS, {"version": version.pk})
    assert "24 samples of 3×28×28 values" in errors_of(answer, "size")[0]


def test_annotators_and_strangers_cannot_export_features(api, project, version, member, bobs_api):
    export = api.post(EXPORTS, {"version": version.pk}).json()["id"]
    carol = member(project, "carol", Role.ANNOTATOR)
    assert carol.post(EXPORTS, {"version": version.pk}).status_code == 403
    assert carol.get(EXPORTS).json()["results"] == []
    for path in ("", "file/"):
        assert "researcher" in carol.get(f"{EXPORTS}{export}/{path}").json()["detail"]
        assert bobs_api.get(f"{EXPORTS}{export}/{path}").status_code == 404


def test_the_command_reports_wrong_settings(version, tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"size": 4}')
    with pytest.raises(CommandError, match=r"size: Must be 8 or more, not 4"):
        call_command("export", "features", "--composite-version", str(version.pk), "--config", str(config))


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def test_the_version_page_offers_the_tables_and_shows_the_exports(browser, api, project, version):
    api.post(EXPORTS, {"version": version.pk})
    page = browser.get(reverse("version", args=[project.slug, version.pk])).content.decode()
    for name in ("samples-csv", "samples-parquet", "version-export"):
        arguments = [project.slug, version.pk] if name == "version-export" else [version.pk]
        assert reverse(name, args=arguments) in page
    assert "Waiting for a worker" in page


def test_the_form_starts_an_export_and_the_page_follows_it(browser, project, version):
    url = reverse("version-export", args=[project.slug, version.pk])
    fields = {"format": "npz", "flow": "dis", "size": 14, "align": "crop", "crop_size": 64}
    assert browser.post(url, form_fields(browser, url) | fields).status_code == 302
    export = FeatureExport.objects.get()
    assert (export.format, export.config["flow"], export.config["size"]) == ("npz", "dis", 14)
    fragment = browser.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' in fragment
    finish(export, "exports/x.npz", "0" * 64, 2048)
    fragment = browser.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' not in fragment
    assert reverse("feature-export-file", args=[export.pk]) in fragment


def form_fields(browser, url) -> dict:
    form = browser.get(url).context["form"]
    values = {field.html_name: field.value() for field in form if field.value() not in (None, False)}
    return {"format": "safetensors", **values}


def test_the_form_reports_errors(browser, project, version, monkeypatch):
    url = reverse("version-export", args=[project.slug, version.pk])
    answer = browser.post(url, form_fields(browser, url) | {"size": 4})
    assert answer.status_code == 422
    assert "greater than or equal to 8" in answer.content.decode()
    monkeypatch.setattr("mer_platform.exports.services.MAX_BYTES", 1000)
    assert "Choose a smaller size" in browser.post(url, form_fields(browser, url)).content.decode()


def test_a_failed_export_shows_the_reason(browser, project, version, api):
    fail(api.post(EXPORTS, {"version": version.pk}).json()["id"], "CASME II/s1/of s1: no face in frame 10.")
    page = browser.get(reverse("version-export", args=[project.slug, version.pk])).content.decode()
    assert "CASME II/s1/of s1: no face in frame 10." in page


def test_viewers_cannot_open_the_export_page(client, project, version, bob):
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    client.force_login(bob)
    assert client.get(reverse("version-export", args=[project.slug, version.pk])).status_code == 403
    page = client.get(reverse("version", args=[project.slug, version.pk])).content.decode()
    assert reverse("samples-csv", args=[version.pk]) not in page
