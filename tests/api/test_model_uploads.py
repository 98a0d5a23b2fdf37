"""Models that are uploaded in parts first, and then imported by the id of the upload."""

import pytest

from mer_platform.jobs.models import Job
from mer_platform.registry.models import ModelVersion
from mer_platform.uploads.models import Upload
from models_ml.config import RunConfig
from models_ml.nets.build import build
from models_ml.training.model import TrainedModel
from tests.api.test_uploads import CONTENT, announce, send

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/models/import/"


@pytest.fixture(scope="module")
def weights() -> bytes:
    config = RunConfig.model_validate({"net": {"name": "majority"}})
    return TrainedModel(config, build(config.net).eval()).save_bytes()


def uploaded(client, project, content: bytes, filename: str = "model.safetensors") -> str:
    url = announce(client, project, len(content), filename)["Location"]
    half = len(content) // 2
    for start, part in ((0, content[:half]), (half, content[half:])):
        assert send(client, url, start, part).status_code == 204
    return url.rstrip("/").rpartition("/")[2]


def test_an_upload_in_parts_becomes_a_model_and_is_used_up(api, project, weights):
    pk = uploaded(api, project, weights)
    answer = api.post(URL, {"project": project.pk, "upload": pk, "name": "Theirs", "origin": "Lab B"})
    assert answer.status_code == 202, answer.content
    made = answer.json()
    assert (made["name"], made["state"], made["imported"]) == ("Theirs", "checking", True)
    assert "file “model.safetensors”" in made["history"][0]["reason"]
    assert Job.objects.get().kind == "model-check"
    again = api.post(URL, {"project": project.pk, "upload": pk})
    assert (again.status_code, again.json()["errors"][0]["pointer"]) == (400, "/upload")
    assert "was used already" in again.content.decode()


@pytest.mark.parametrize(
    ("content", "filename", "words"),
    [
        (CONTENT, "package.zip", "Choose a package.zip"),
        (b"\x80\x04cposix\nsystem\n", "model.safetensors", "safetensors"),
    ],
)
def test_an_upload_without_a_model_is_refused_and_stays(api, project, content, filename, words):
    pk = uploaded(api, project, content, filename)
    answer = api.post(URL, {"project": project.pk, "upload": pk})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert Upload.objects.get().state in Upload.OPEN
    assert not ModelVersion.objects.exists()


def test_a_model_takes_a_file_or_an_upload(api, project, weights):
    neither = api.post(URL, {"project": project.pk})
    assert (neither.status_code, "Send a file, or the id of an upload." in neither.content.decode()) == (
        400,
        True,
    )
    unknown = api.post(
        URL, {"project": project.pk, "upload": uploaded(api, project, weights), "pickle": True}
    )
    assert "There is no such field here" in unknown.content.decode()
    assert not ModelVersion.objects.exists()


def test_an_upload_of_someone_else_or_of_another_project_is_not_found(
    api, bobs_api, project, other_project, weights
):
    pk = uploaded(bobs_api, other_project, weights)
    answer = api.post(URL, {"project": project.pk, "upload": pk})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/upload")


def test_a_file_of_a_model_is_no_clip(api, project, database, weights):
    body = {"database": database.pk, "subject": "s1", "upload": uploaded(api, project, weights)}
    answer = api.post("/api/v1/clips/", body)
    assert (answer.status_code, "“.safetensors”" in answer.content.decode()) == (400, True)
