"""Which folders of the server a project may read, and who decides it."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from rest_framework.test import APIClient

from mer_platform.accounts.models import Installation
from mer_platform.imports import services
from mer_platform.imports.checking import check_here
from mer_platform.imports.models import Import, ImportFolder
from mer_platform.scoring.intake import checked_path
from models_ml.errors import InputError
from tests.api.problems import field_errors, problem_of
from tests.trees.small import small_casme2_tree

pytestmark = pytest.mark.django_db
URL = "/api/v1/import-folders/"


@pytest.fixture
def import_dir(settings, tmp_path):
    """Two licensed databases, and a link from one into the other."""
    settings.IMPORT_DIR = tmp_path / "import"
    for name in ("CASME2", "SAMM"):
        small_casme2_tree(tmp_path / "import" / name)
    (tmp_path / "import" / "CASME2" / "shortcut").symlink_to(tmp_path / "import" / "SAMM")
    return tmp_path / "import"


@pytest.fixture
def root(db) -> User:
    return User.objects.create_superuser("root", password="correct horse 4")


@pytest.fixture
def roots_api(root) -> APIClient:
    client = APIClient()
    client.force_authenticate(root)
    return client


@pytest.fixture
def roots_browser(root) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def casme2(project, import_dir) -> ImportFolder:
    return ImportFolder.objects.create(project=project, path="CASME2")


def start(api, project, source, place="folder"):
    fields = {"project": project.pk, "layout": "casme2", "source": source, "place": place}
    return api.post("/api/v1/imports/", fields)


@pytest.mark.parametrize("source", ["SAMM", "CASME2/../SAMM", "CASME2/shortcut", ".", "nowhere"])
def test_a_project_reads_only_its_folders(api, project, casme2, source):
    answer = start(api, project, source)
    assert answer.status_code == 400
    assert "is not assigned to this project. Its own: CASME2." in str(answer.json())
    assert not Import.objects.exists()


def test_a_project_reads_its_folder(api, project, casme2):
    assert start(api, project, "CASME2").status_code == 202


def test_the_refusal_does_not_say_whether_a_folder_exists(api, project, import_dir):
    texts = [start(api, project, name).json()["detail"].replace(name, "X") for name in ("SAMM", "nowhere")]
    assert texts[0] == texts[1]


def test_a_prefix_of_the_storage_needs_to_be_assigned(api, project, import_dir):
    default_storage.save("import/SAMM/a.txt", ContentFile(b"x"))
    ImportFolder.objects.create(project=project, place="storage", path="CASME2")
    assert start(api, project, "SAMM", "storage").status_code == 400
    assert start(api, project, "CASME2x", "storage").status_code == 400
    assert start(api, project, "CASME2/raw", "storage").status_code == 202


def test_a_worker_does_not_read_a_folder_that_was_withdrawn(alice, project, casme2):
    source = services.ImportSource(Import.SourceType.FOLDER, "CASME2")
    batch = services.start(project, "casme2", source, None, alice, enqueue=False)
    casme2.delete()
    with pytest.raises(InputError, match="not assigned to this project"):
        check_here(batch)


@pytest.mark.parametrize("path", ["SAMM", "SAMM/none.mp4", "CASME2/shortcut", "storage:SAMM"])
def test_paths_to_score_are_in_the_folders_of_the_project(project, casme2, path):
    with pytest.raises(ValidationError, match="not assigned to this project"):
        checked_path(path, project)
    assert checked_path("CASME2", project) == "CASME2"


def test_the_folder_chooser_shows_the_folders_of_the_project(client, alice, project, casme2):
    client.force_login(alice)
    page = client.get(f"/projects/{project.slug}/imports/folders/").content.decode()
    assert ">CASME2<" in page
    assert "SAMM" not in page
    page = client.get(f"/projects/{project.slug}/imports/folders/", {"path": "SAMM"}).content.decode()
    assert "CASME2_RAW" not in page


def test_researchers_see_the_folders_of_their_projects_and_assign_none(api, bobs_api, project, casme2):
    assert [row["path"] for row in api.get(URL).json()["results"]] == ["CASME2"]
    assert bobs_api.get(URL).json()["results"] == []
    answer = api.post(URL, {"project": project.pk, "path": "SAMM"})
    assert (answer.status_code, problem_of(answer)["detail"]) == (
        403, "Only administrators of the installation may do this.",
    )  # fmt: skip
    assert api.delete(f"{URL}{casme2.pk}/").status_code == 403


def test_administrators_assign_and_withdraw_folders(roots_api, project, api, import_dir):
    made = roots_api.post(URL, {"project": project.pk, "path": "SAMM/"})
    assert (made.status_code, made.json()["path"]) == (201, "SAMM")
    assert start(api, project, "SAMM").status_code == 202
    assert "already assigned" in str(roots_api.post(URL, {"project": project.pk, "path": "SAMM"}).json())
    assert roots_api.delete(made.json()["url"]).status_code == 204
    assert start(api, project, "SAMM").status_code == 400
    assert [event.action for event in project.events.filter(user__username="root")] == [
        "withdrew the import folder “SAMM”", "assigned the import folder “SAMM”",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["..", "CASME2/../..", "", " "])
def test_a_path_that_leads_out_is_not_assigned(roots_api, project, path):
    answer = roots_api.post(URL, {"project": project.pk, "path": path})
    assert answer.status_code == 400
    assert "/path" in field_errors(answer)


def test_the_page_assigns_and_withdraws(roots_browser, project):
    url = "/administration/import-folders/"
    form = {"project": project.pk, "place": "storage", "path": "import/SMIC"}
    assert roots_browser.post(url, form).status_code == 302
    assert "import/SMIC" in roots_browser.get(url).content.decode()
    again = roots_browser.post(url, form)
    assert (again.status_code, "already assigned" in again.content.decode()) == (422, True)
    row = ImportFolder.objects.get()
    assert row.path == "SMIC"
    roots_browser.post(f"{url}{row.pk}/withdraw/")
    assert not ImportFolder.objects.exists()


def test_settings_are_changed_on_the_page_and_in_the_api(roots_browser, roots_api, root):
    form = {"projects_by": "administrators", "accounts_by": "everyone", "imports_by": "everyone"}
    assert roots_browser.post("/administration/", form).status_code == 302
    assert "Last changed by root" in roots_browser.get("/administration/").content.decode()
    assert roots_browser.post("/administration/", {**form, "imports_by": "x"}).status_code == 422
    assert roots_api.get("/api/v1/installation/").json() == form
    changed = roots_api.patch("/api/v1/installation/", {"imports_by": "administrators"})
    assert (changed.status_code, Installation.current().imports_by) == (200, "administrators")


def test_what_only_administrators_may_is_refused_to_others(api, roots_api, client, alice, project, casme2):
    only = Installation.By.ADMINISTRATORS
    Installation.objects.create(pk=1, projects_by=only, accounts_by=only, imports_by=only)
    refused = api.post("/api/v1/projects/", {"name": "Mine"})
    assert refused.status_code == 403
    assert "only administrators create projects" in problem_of(refused)["detail"]
    assert roots_api.post("/api/v1/projects/", {"name": "Mine"}).status_code == 201
    assert api.post(f"/api/v1/projects/{project.pk}/members/", {"username": "new"}).status_code == 403
    assert not User.objects.filter(username="new").exists()
    assert start(api, project, "CASME2").status_code == 403
    client.force_login(alice)
    assert "New project</h2>" not in client.get("/").content.decode()
    assert client.post("/", {"name": "Mine"}).status_code == 403
