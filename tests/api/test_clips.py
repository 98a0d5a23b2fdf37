"""Uploading, and serving frames by ranges."""

import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from tests.api.problems import errors_of
from tests.fake_packs import fake_index

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/clips/"


@pytest.fixture
def upload(api, database):
    def post(content: bytes = b"video bytes", name: str = "EP01.mp4", **fields):
        data = {
            "file": SimpleUploadedFile(name, content),
            "database": database.pk,
            "subject": "sub01",
            **fields,
        }
        return api.post(URL, data, format="multipart")

    return post


def test_it_stores_the_bytes_unchanged_and_queues_the_ingest(upload):
    answer = upload(b"exactly these bytes")
    assert answer.status_code == 201
    clip = Clip.objects.get(pk=answer.json()["id"])
    assert default_storage.open(clip.file).read() == b"exactly these bytes"
    assert (clip.state, str(clip)) == ("processing", "CASME II/sub01/EP01")
    assert Job.objects.get(group=clip.group()).kind == "ingest"


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": "notes.txt"}, "file", "Upload a video (mp4, m4v, mov, avi, mkv or webm)"),
        ({"content": b""}, "file", "empty"),
        ({"subject": "  "}, "subject", "State whose face this is"),
        ({"subject": "x" * 61}, "subject", "at most 60"),
        ({"database": 999_999}, "database", "not found in your projects"),
        ({"fps": "0"}, "fps", "Must be 1 or more"),
    ],
)
def test_errors_of_an_upload_are_explained(upload, fields, field, words):
    answer = upload(**fields)
    assert answer.status_code == 400
    assert words in str(errors_of(answer, field))
    assert not Clip.objects.exists()


def test_frame_images_need_a_frame_rate(upload, database):
    database.fps = None
    database.save()
    answer = upload(name="frames.zip")
    assert answer.status_code == 400
    assert "frames per second" in str(errors_of(answer, "fps"))


def test_an_upload_needs_a_file(api, database):
    answer = api.post(URL, {"database": database.pk, "subject": "sub01"}, format="multipart")
    assert answer.status_code == 400
    assert errors_of(answer, "file")


@pytest.mark.parametrize("spelling", ["SUB01", "sub 01", "ｓub01"])
def test_another_spelling_of_a_subject_is_rejected(upload, spelling):
    upload(b"one")
    answer = upload(b"two", name="EP02.mp4", subject=spelling)
    assert answer.status_code == 400
    assert "has a subject “sub01”" in str(errors_of(answer, "subject"))


def test_it_answers_409_to_the_same_bytes_and_names_the_clip(upload):
    first = upload().json()
    answer = upload(name="copy.mp4", subject="sub02")
    assert answer.status_code == 409
    assert answer.json()["clip"] == first["id"]
    assert "CASME II/sub01/EP01" in answer.json()["detail"]


def test_it_answers_409_to_another_clip_of_the_same_name(upload):
    upload(b"one")
    assert upload(b"two").status_code == 409


def test_two_projects_may_hold_the_same_clip(upload, bobs_api, other_project):
    upload()
    theirs = other_project.databases.create(name="SMIC", fps=100)
    file = SimpleUploadedFile("EP01.mp4", b"video bytes")
    answer = bobs_api.post(URL, {"file": file, "database": theirs.pk, "subject": "s1"}, format="multipart")
    assert answer.status_code == 201


def test_it_serves_one_range_of_the_pack(api, clip):
    answer = api.get(f"{URL}{clip.pk}/frames.bin", headers={"Range": "bytes=10-19"})
    assert answer.status_code == 206
    assert answer["Content-Range"] == "bytes 10-19/1000"
    assert b"".join(answer.streaming_content) == bytes(range(10, 20))


def test_the_whole_pack_is_cached_privately_and_permanently(api, clip):
    answer = api.get(f"{URL}{clip.pk}/frames.bin")
    assert len(b"".join(answer.streaming_content)) == 1000
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    assert api.get(f"{URL}{clip.pk}/frames.bin", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_it_answers_416_to_a_range_beyond_the_end(api, clip):
    answer = api.get(f"{URL}{clip.pk}/frames.bin", headers={"Range": "bytes=1000-"})
    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */1000")


def test_an_unreadable_range_is_ignored(api, clip):
    answer = api.get(f"{URL}{clip.pk}/frames.bin", headers={"Range": f"bytes={'9' * 5000}-"})
    assert answer.status_code == 200


def test_it_says_that_frames_are_missing_from_the_storage(api, clip):
    default_storage.delete(clip.pack_name)
    answer = api.get(f"{URL}{clip.pk}/frames.bin")
    assert answer.status_code == 404
    assert "missing from the storage" in answer.json()["detail"]


def test_it_says_that_the_index_is_damaged(api, clip):
    default_storage.save(clip.index_name, ContentFile(b'{"version": 1}'))
    answer = api.get(f"{URL}{clip.pk}/frames/")
    assert answer.status_code == 404
    assert "missing from the storage or damaged" in answer.json()["detail"]


def test_times_that_do_not_rise_are_repaired_when_an_earlier_version_stored_them(api, clip):
    stored = fake_index(4).to_json() | {"pts": [0, 0, 33, 33], "time_base": "1/1000"}
    default_storage.save(clip.index_name, ContentFile(json.dumps(stored).encode()))
    answer = api.get(f"{URL}{clip.pk}/frames/").json()
    assert (answer["pts"], answer["time_base"]) == ([0, 16500, 33000, 49500], "1/1000000")


def test_notes_are_in_the_api_and_on_the_page(api, client, alice, make_clip):
    note = "The frame rate varies: frames are shown for 40 to 120 ms."
    noted = make_clip("noted", notes=[note])
    assert api.get(f"{URL}{noted.pk}/").json()["notes"] == [note]
    client.force_login(alice)
    assert note in client.get(f"/projects/{noted.project.slug}/clips/{noted.pk}/").content.decode()


def test_a_failed_clip_has_no_frames_and_a_reason(api, make_clip):
    broken = make_clip("broken", state="failed", problem="It is a text file.")
    answer = api.get(f"{URL}{broken.pk}/frames/")
    assert answer.status_code == 404
    assert "It is a text file." in answer.json()["detail"]
