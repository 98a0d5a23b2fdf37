"""Imports over the web: who may start one, what it may read, and what the report shows."""

import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mer_platform.imports import services
from mer_platform.imports.checking import check_here
from mer_platform.imports.models import Import, ImportFolder
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from tests.api.problems import errors_of, field_errors, problem_of
from tests.trees.small import small_casme2_tree

pytestmark = [pytest.mark.django_db, pytest.mark.services]
ESCAPES = ["..", "../other", "/etc", "CASME2/../../other", "out", "out/CASME2", "\0", "a" * 5000]


@pytest.fixture
def import_dir(settings, tmp_path, project):
    """The import folder with one database in it, and a link to another database outside."""
    settings.IMPORT_DIR = tmp_path / "import"
    ImportFolder.objects.create(project=project, path=".")
    small_casme2_tree(tmp_path / "import" / "CASME2", apex=99)
    small_casme2_tree(tmp_path / "other")
    (tmp_path / "import" / "out").symlink_to(tmp_path / "other")
    return tmp_path / "import"


@pytest.fixture
def start(api, project):
    def post(**fields):
        return api.post("/api/v1/imports/", {"project": project.pk, "layout": "casme2", **fields})

    return post


@pytest.fixture
def checked(project, alice, import_dir) -> Import:
    """A checked import of a tree whose first row has its apex outside the expression."""
    source = services.ImportSource(Import.SourceType.FOLDER, "CASME2")
    batch = services.start(project, "casme2", source, None, alice, enqueue=False)
    check_here(batch)
    return batch


@pytest.fixture
def browser(alice) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def address(batch: Import, rest: str = "") -> str:
    return f"/projects/{batch.project.slug}/imports/{batch.pk}/{rest}"


def test_an_import_starts_with_a_check_on_the_ingest_queue(start, import_dir):
    answer = start(source="CASME2")
    assert answer.status_code == 202, answer.content
    assert (answer.json()["state"], answer.json()["source"]) == ("checking", "CASME2")
    job = Job.objects.get()
    assert (job.kind, job.queue, job.payload["confirm"]) == ("import-check", "ingest", False)


@pytest.mark.parametrize("source", ESCAPES)
def test_nothing_outside_the_import_folder_is_read(start, import_dir, source):
    answer = start(source=source)
    assert answer.status_code == 400, answer.content
    assert "/source" in field_errors(answer) or "The text at /source" in problem_of(answer)["detail"]
    assert not Import.objects.exists()


def test_a_folder_that_became_a_link_out_is_not_read_by_the_worker(project, alice, import_dir, tmp_path):
    source = services.ImportSource(Import.SourceType.FOLDER, "CASME2")
    batch = services.start(project, "casme2", source, None, alice, enqueue=False)
    (import_dir / "CASME2").rename(tmp_path / "moved")
    (import_dir / "CASME2").symlink_to(tmp_path / "other")
    with pytest.raises(ValueError, match="outside the import folder"):
        check_here(batch)


@pytest.mark.parametrize("path", ESCAPES)
def test_the_folder_chooser_shows_nothing_outside_the_import_folder(browser, project, import_dir, path):
    page = browser.get(f"/projects/{project.slug}/imports/folders/", {"path": path}).content.decode()
    assert "CASME2" in page  # the import folder itself is shown instead
    assert "CASME2_RAW_selected" not in page
    assert ">out<" not in page


@pytest.mark.parametrize("prefix", ["clips", "../clips", "import/../clips", "/clips", ""])
def test_a_storage_prefix_stays_below_import(start, project, prefix):
    ImportFolder.objects.create(project=project, place="storage", path=".")
    default_storage.save("clips/ab/other.zip", ContentFile(b"another project's"))
    answer = start(source=prefix, place="storage")
    if answer.status_code == 202:
        assert answer.json()["source"] == "import/clips"
    else:
        assert "/source" in field_errors(answer) or "The text at /source" in problem_of(answer)["detail"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        (
            {"layout": "casme9", "source": "CASME2"},
            "layout",
            "Layout “casme9” not found. Choose one of casme2",
        ),
        ({"source": ""}, "source", "Enter the folder"),
        ({"source": "nowhere"}, "source", "Folder “nowhere” not found"),
        ({"place": "file"}, "sheet", "Choose the file"),
    ],
)
def test_errors_of_a_request_are_reported_by_field(start, import_dir, fields, field, words):
    answer = start(**fields)
    assert answer.status_code == 400
    assert words in str(errors_of(answer, field))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("sheet.exe", b"MZ", "not in “.exe”"), ("sheet.xlsx", b"", "empty")],
)
def test_a_file_that_cannot_be_a_sheet_is_refused(api, project, import_dir, name, content, words):
    fields = {
        "project": project.pk,
        "layout": "casme2",
        "source": "CASME2",
        "sheet": SimpleUploadedFile(name, content),
    }
    answer = api.post("/api/v1/imports/", fields, format="multipart")
    assert answer.status_code == 400
    assert words in str(errors_of(answer, "sheet"))


def test_the_api_lists_the_rows_of_the_report(api, checked):
    answer = api.get(f"/api/v1/imports/{checked.pk}/").json()
    assert answer["counts"]["waiting"] == 3
    assert answer["problems"]["warning"] == 2
    rows = api.get(f"/api/v1/imports/{checked.pk}/problems/", {"code": "apex-outside"}).json()["results"]
    assert [(row["row"], row["column"], row["subject"], row["clip"]) for row in rows] == [
        (2, "apex", "sub01", "EP02_01f")
    ]
    assert "99" in rows[0]["message"]
    errors = api.get(f"/api/v1/imports/{checked.pk}/problems/", {"severity": "error"}).json()
    assert errors["count"] == 0
    item = api.get(f"/api/v1/imports/{checked.pk}/items/", {"subject": "sub02"}).json()["results"][0]
    marks = item["expressions"][0]
    assert (marks["onset"], marks["apex"], marks["offset"], item["first_number"]) == (0, 3, 6, 9)


def test_confirming_queues_the_clips_and_only_once(api, checked):
    answer = api.post(f"/api/v1/imports/{checked.pk}/confirm/", {})
    assert (answer.status_code, answer.json()["state"]) == (202, "importing")
    assert Job.objects.filter(kind="import").count() == 1
    again = api.post(f"/api/v1/imports/{checked.pk}/confirm/", {})
    assert again.status_code == 409
    assert "is importing" in again.json()["detail"]


def test_an_unknown_correction_is_refused(api, checked):
    answer = api.post(f"/api/v1/imports/{checked.pk}/confirm/", {"accepted": ["casme2/none"]})
    assert answer.status_code == 400
    assert "Correction “casme2/none” not found" in str(errors_of(answer, "accepted"))


def test_an_import_can_be_cancelled_only_once(api, checked):
    api.post(f"/api/v1/imports/{checked.pk}/confirm/", {})
    assert api.post(f"/api/v1/imports/{checked.pk}/cancel/").json()["state"] == "cancelled"
    assert not Job.objects.filter(kind="import", state="queued").exists()
    assert api.post(f"/api/v1/imports/{checked.pk}/cancel/").status_code == 409


@pytest.mark.parametrize("path", ["", "problems/", "items/"])
def test_strangers_and_annotators_cannot_see_imports(checked, bobs_api, member, path):
    """The report shows all marks, and coding is blind."""
    url = f"/api/v1/imports/{checked.pk}/{path}"
    assert bobs_api.get(url).status_code == 404
    annotator = member(checked.project, "carol", Role.ANNOTATOR)
    assert annotator.get(url).status_code == 404
    assert annotator.get("/api/v1/imports/").json()["count"] == 0
    assert member(checked.project, "dave", Role.RESEARCHER).get(url).status_code == 200


def test_an_annotator_cannot_start_an_import(member, project, import_dir):
    annotator = member(project, "carol", Role.ANNOTATOR)
    fields = {"project": project.pk, "layout": "casme2", "source": "CASME2"}
    assert annotator.post("/api/v1/imports/", fields).status_code == 403


@pytest.mark.parametrize("path", ["", "report.json"])
def test_pages_are_for_researchers_of_the_project(checked, client, member, bob, path):
    member(checked.project, "carol", Role.ANNOTATOR)
    for username, status in (("bob", 404), ("carol", 403)):
        client.force_login(type(bob).objects.get(username=username))
        assert client.get(address(checked, path)).status_code == status


def test_the_page_shows_counts_problems_and_the_button(browser, checked):
    page = browser.get(address(checked)).content.decode()
    assert "Import 3 clips" in page
    assert "apex-outside" in page
    assert "sub01" in page
    filtered = browser.get(address(checked) + "?severity=error", headers={"HX-Request": "true"})
    assert filtered.status_code == 200
    part = browser.get(address(checked) + "?part=problems&code=apex-missing", headers={"HX-Request": "true"})
    assert "apex-outside" in part.content.decode()  # the link to the other code
    assert "is outside the expression" not in part.content.decode()


def test_an_import_is_confirmed_and_followed_on_its_page(browser, checked):
    page = browser.post(address(checked, "confirm/"), follow=True).content.decode()
    assert "Waiting for a worker" in page
    assert "0 of 3" in page
    live = browser.get(address(checked) + "?part=live&was=checked", headers={"HX-Request": "true"})
    assert live["HX-Refresh"] == "true"


def test_a_failed_check_says_why_on_its_page(browser, checked):
    Import.objects.filter(pk=checked.pk).update(state="checking")
    services.fail(checked.pk, "“CASME2” contains no clips of CASME II.")
    assert "contains no clips of CASME II." in browser.get(address(checked)).content.decode()


def test_the_report_downloads_as_json(browser, checked):
    answer = browser.get(address(checked, "report.json"))
    assert "attachment" in answer["Content-Disposition"]
    report = json.loads(answer.content)
    assert len(report["items"]) == 3
    assert {row["code"] for row in report["problems"]} == {"apex-outside", "apex-missing"}


def test_the_form_starts_a_check(browser, project, import_dir):
    url = f"/projects/{project.slug}/imports/new/"
    assert "CASME2" in browser.get(url).content.decode()
    answer = browser.post(url, {"layout": "casme2", "place": "folder", "source": "CASME2"})
    assert answer.status_code == 302
    wrong = browser.post(url, {"layout": "casme2", "place": "folder", "source": "../other"})
    assert wrong.status_code == 422
    assert "outside the import folder" in wrong.content.decode()


def test_the_list_starts_empty_and_then_shows_each_import(browser, project, import_dir):
    url = f"/projects/{project.slug}/imports/"
    assert "Nothing imported yet" in browser.get(url).content.decode()
    services.start(project, "casme2", services.ImportSource(Import.SourceType.FOLDER, "CASME2"), None, None)
    assert "CASME2" in browser.get(url).content.decode()
