"""Resumable uploads: the protocol tus, and what becomes of an upload."""

import base64
import hashlib
import io
import zipfile
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.utils import timezone

from mer_platform.clips.models import Clip
from mer_platform.deletion.scan import scan
from mer_platform.projects.models import Role
from mer_platform.storage import stored_names
from mer_platform.uploads import services
from mer_platform.uploads.models import Upload, UploadPart

pytestmark = [pytest.mark.django_db, pytest.mark.services]
TUS = {"Tus-Resumable": "1.0.0"}


def zipped(size: int = 5000) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("img1.jpg", bytes(i * 7 % 251 for i in range(size)))
    return file.getvalue()


CONTENT = zipped()


def metadata(**facts: object) -> str:
    return ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in facts.items())


def announce(client, project, size: int = len(CONTENT), filename: str = "clip.zip", **more):
    facts = metadata(filename=filename, project=project.pk, **more)
    return client.post(
        "/api/v1/uploads/", headers={**TUS, "Upload-Length": str(size), "Upload-Metadata": facts}
    )


def send(client, url: str, start: int, data: bytes, **headers: str):
    return client.patch(
        url, data, content_type="application/offset+octet-stream",
        headers={**TUS, "Upload-Offset": str(start), **headers},
    )  # fmt: skip


@pytest.fixture
def url(api, project) -> str:
    return announce(api, project)["Location"]


@pytest.fixture
def complete(api, url) -> Upload:
    send(api, url, 0, CONTENT[:2000])
    assert send(api, url, 2000, CONTENT[2000:]).status_code == 204
    return Upload.objects.get()


def test_a_file_arrives_in_parts_and_becomes_a_clip(api, complete, database, alice):
    answer = api.post(
        "/api/v1/clips/", {"upload": str(complete.pk), "database": database.pk, "subject": "s1"}
    )
    assert answer.status_code == 201, answer.content
    clip = Clip.objects.get()
    assert (clip.original_name, clip.name, clip.size) == ("clip.zip", "clip", len(CONTENT))
    assert clip.sha256 == hashlib.sha256(CONTENT).hexdigest()
    with default_storage.open(clip.file) as file:
        assert file.read() == CONTENT


@pytest.mark.django_db(transaction=True)
def test_a_used_upload_leaves_no_bytes_and_is_gone(api, complete, database):
    fields = {"upload": str(complete.pk), "database": database.pk, "subject": "s1"}
    assert api.post("/api/v1/clips/", fields).status_code == 201
    assert list(stored_names(complete.folder)) == []
    assert api.head(f"/api/v1/uploads/{complete.pk}/", headers=TUS).status_code == 410
    again = api.post("/api/v1/clips/", {**fields, "subject": "s2"})
    assert again.status_code == 400
    assert "was used already" in str(again.json())


def test_a_refused_clip_leaves_the_upload_for_another_try(api, complete, database):
    fields = {"upload": str(complete.pk), "database": database.pk}
    assert api.post("/api/v1/clips/", {**fields, "subject": "x" * 61}).status_code == 400
    assert api.post("/api/v1/clips/", {**fields, "subject": "s1"}).status_code == 201


def test_head_says_where_to_continue(api, url):
    assert send(api, url, 0, CONTENT[:1234])["Upload-Offset"] == "1234"
    answer = api.head(url, headers=TUS)
    assert (answer.status_code, answer["Upload-Offset"], answer["Upload-Length"]) == (
        200,
        "1234",
        str(len(CONTENT)),
    )
    assert answer["Cache-Control"] == "no-store"
    assert answer["Upload-Expires"].endswith("GMT")
    assert answer["Upload-Metadata"].startswith("filename ")


def test_options_says_what_the_server_can_do(api):
    answer = api.options("/api/v1/uploads/")
    assert answer.status_code == 204
    assert (answer["Tus-Version"], answer["Tus-Resumable"]) == ("1.0.0", "1.0.0")
    assert answer["Tus-Extension"] == "creation,expiration,checksum,termination"
    assert answer["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert int(answer["Tus-Max-Size"]) > 0


def test_another_offset_is_409_with_the_right_one(api, url):
    send(api, url, 0, CONTENT[:100])
    answer = send(api, url, 50, CONTENT[50:])
    assert answer.status_code == 409
    assert answer.json()["offset"] == 100
    assert "starts there, not at 50" in answer.json()["detail"]


def test_of_two_requests_with_the_same_bytes_one_is_kept(api, url):
    """The second has read the row before the first stored its part."""
    upload = Upload.objects.get()
    stale = Upload.objects.get()
    services.append(upload, 0, 100, io.BytesIO(CONTENT[:100]).read, None)
    with pytest.raises(services.Conflict):
        services.append(stale, 0, 200, io.BytesIO(CONTENT[:200]).read, None)
    assert len(list(stored_names(upload.folder))) == UploadPart.objects.count() == 1


def test_what_arrived_before_the_connection_broke_is_kept(url):
    upload = Upload.objects.get()
    pieces = iter([CONTENT[:70], CONTENT[70:90]])

    def read(size: int) -> bytes:
        try:
            return next(pieces)
        except StopIteration:
            raise OSError("connection reset") from None

    assert services.append(upload, 0, 1000, read, None).offset == 90


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_bytes_with_another_checksum_are_460_and_not_kept(api, url, algorithm):
    right = base64.b64encode(hashlib.new(algorithm, CONTENT[:100]).digest()).decode()
    wrong = send(api, url, 0, CONTENT[1:101], **{"Upload-Checksum": f"{algorithm} {right}"})
    assert wrong.status_code == 460
    assert Upload.objects.get().offset == 0
    assert send(api, url, 0, CONTENT[:100], **{"Upload-Checksum": f"{algorithm} {right}"}).status_code == 204


@pytest.mark.parametrize("text", ["md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1", "sha1 ???"])
def test_a_checksum_it_cannot_read_is_400(api, url, text):
    assert send(api, url, 0, b"abc", **{"Upload-Checksum": text}).status_code == 400


def test_a_file_with_another_hash_than_announced_is_refused(api, project, database):
    url = announce(api, project, sha256="0" * 64)["Location"]
    send(api, url, 0, CONTENT)
    fields = {"upload": url.split("/")[-2], "database": database.pk, "subject": "s1"}
    answer = api.post("/api/v1/clips/", fields)
    assert answer.status_code == 400
    assert "SHA-256 is not the one" in str(answer.json())


def test_a_lost_part_is_noticed(api, complete, alice):
    default_storage.delete(complete.parts.last().file)
    with pytest.raises(ValidationError, match="parts of it are missing"):
        services.take(complete.pk, alice)


def test_a_taken_file_is_removed_when_it_is_closed(complete, alice):
    with services.take(complete.pk, alice) as file:
        assert file.read() == CONTENT
        assert file.path.exists()
    assert not file.path.exists()


def test_an_incomplete_upload_cannot_be_used(api, url, database):
    send(api, url, 0, CONTENT[:7])
    fields = {"upload": url.split("/")[-2], "database": database.pk, "subject": "s1"}
    assert f"Only 7 of the {len(CONTENT):,} bytes" in str(api.post("/api/v1/clips/", fields).json())


def test_an_upload_belongs_to_a_project(api, alice, complete):
    from mer_platform.projects.services import create_project

    with pytest.raises(ValidationError, match="in the project “Other”"):
        services.take(complete.pk, alice, create_project("Other", alice))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"size": 0}, 400),
        ({"size": 3 * 1024**3}, 413),
        ({"filename": "notes.txt"}, 400),
        ({"filename": ""}, 400),
        ({"filename": "a" * 300 + ".mp4"}, 400),
        ({"sha256": "abc"}, 400),
        ({"project": SimpleNamespace(pk=10**12)}, 400),
        ({"project": SimpleNamespace(pk="1 OR 1=1")}, 400),
    ],
)
def test_what_cannot_become_a_clip_is_refused_before_any_byte(api, project, change, status):
    answer = announce(api, **{"project": project, **change})
    assert answer.status_code == status, answer.content
    assert Upload.objects.count() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Length": "-1"},
        {"Upload-Length": "1e9"},
        {"Upload-Length": "9" * 40},
        {"Upload-Metadata": "filename ???"},
        {"Upload-Metadata": "x" * 5000},
        {"Upload-Metadata": f"{metadata(filename='a.mp4')},{metadata(filename='b.mp4')}"},
        {"Upload-Metadata": metadata(filename="a\0.mp4", project=1)},
    ],
)
def test_headers_it_cannot_read_are_400(api, project, headers):
    usual = {**TUS, "Upload-Length": "5", "Upload-Metadata": metadata(filename="a.mp4", project=project.pk)}
    assert api.post("/api/v1/uploads/", headers={**usual, **headers}).status_code == 400


def test_a_length_of_many_digits_is_called_too_large(api, project):
    answer = api.post("/api/v1/uploads/", headers={**TUS, "Upload-Length": "9" * 40})
    assert "at most 2,147,483,648 bytes; this number has 40 digits" in answer.json()["detail"]


def test_a_request_of_another_version_is_412(api, project):
    answer = api.post("/api/v1/uploads/", headers={"Tus-Resumable": "0.2.2", "Upload-Length": "5"})
    assert (answer.status_code, answer["Tus-Version"]) == (412, "1.0.0")


def test_more_bytes_than_announced_are_413(api, url):
    assert send(api, url, 0, CONTENT + b"x").status_code == 413


def test_a_request_cannot_carry_more_than_one_part(api, project, monkeypatch):
    monkeypatch.setattr(services, "MOST_PART_BYTES", 1000)
    answer = send(api, announce(api, project)["Location"], 0, CONTENT)
    assert answer.status_code == 413
    assert "at most 1,000 bytes" in answer.json()["detail"]


def test_a_file_cannot_arrive_in_countless_parts(api, url, monkeypatch):
    monkeypatch.setattr(services, "MOST_PARTS", 2)
    assert [send(api, url, n, b"PK\3"[n : n + 1]).status_code for n in range(3)] == [204, 204, 413]


def test_a_user_cannot_fill_the_storage_with_uploads(api, project, settings):
    settings.MAX_CLIP_BYTES = 100
    assert {announce(api, project, size=100).status_code for _ in range(20)} == {201}
    answer = announce(api, project, size=1)
    assert answer.status_code == 409
    assert "Use or delete some of them" in answer.json()["detail"]


def test_another_type_of_body_is_415(api, url):
    answer = api.patch(url, b"x", content_type="text/plain", headers={**TUS, "Upload-Offset": "0"})
    assert answer.status_code == 415


def test_a_post_can_stand_for_a_patch(api, url):
    answer = api.post(
        url, CONTENT[:10], content_type="application/offset+octet-stream",
        headers={**TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"},
    )  # fmt: skip
    assert (answer.status_code, answer["Upload-Offset"]) == (204, "10")


@pytest.mark.django_db(transaction=True)
def test_a_deleted_upload_is_gone_with_its_bytes(api, complete):
    url = f"/api/v1/uploads/{complete.pk}/"
    assert api.delete(url, headers=TUS).status_code == 204
    assert list(stored_names(complete.folder)) == []
    assert api.head(url, headers=TUS).status_code == 410
    assert send(api, url, 0, b"x").status_code == 410


def test_only_the_creator_sees_an_upload(api, project, complete, member):
    carol = member(project, "carol", Role.OWNER)
    assert api.get("/api/v1/uploads/").json()["results"][0]["offset"] == len(CONTENT)
    assert carol.get("/api/v1/uploads/").json()["results"] == []
    for method in ("head", "get", "delete"):
        assert getattr(carol, method)(f"/api/v1/uploads/{complete.pk}/", headers=TUS).status_code == 404


def test_an_annotator_cannot_upload(project, member):
    assert announce(member(project, "carol", Role.ANNOTATOR), project).status_code == 403


def test_upkeep_removes_what_expired(api, complete):
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert api.head(f"/api/v1/uploads/{complete.pk}/", headers=TUS).status_code == 410
    services.remove_expired()
    assert Upload.objects.count() == UploadPart.objects.count() == 0
    assert list(stored_names(complete.folder)) == []


def test_the_storage_check_knows_parts(complete):
    def orphans() -> list[str]:
        return [
            found.name for found in scan(young_hours=0)["uploads"].orphans if complete.folder in found.name
        ]

    assert orphans() == []
    Upload.objects.all().delete()
    assert len(orphans()) == 2


def test_a_clip_takes_a_file_or_an_upload(api, complete, database):
    fields = {"database": database.pk, "subject": "s1"}
    assert "Send a file, or the id of an upload" in str(api.post("/api/v1/clips/", fields).json())
