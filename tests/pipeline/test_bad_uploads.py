"""A file that is not a clip fails with a sentence that a researcher understands, and does not stop the worker."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from mer_platform.jobs.models import Job

pytestmark = [pytest.mark.services]


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def upload(api, database, work):
    def run(content: bytes, name: str) -> dict:
        data = {
            "file": SimpleUploadedFile(name, content),
            "database": database.pk,
            "subject": "s",
            "fps": 100,
        }
        answer = api.post("/api/v1/clips/", data, format="multipart")
        assert answer.status_code == 201
        work()
        return api.get(f"/api/v1/clips/{answer.json()['id']}/").json()

    return run


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"Dear diary, this is not a video." * 40, "diary.mp4"),
        (b"\x00" * 5000, "zeros.avi"),
        (b"PK\x03\x04 and then nothing", "torn.zip"),
        (archive(), "empty.zip"),
        (archive(**{"readme.txt": b"no images here"}), "texts.zip"),
        (archive(**{"../evil.png": b"\x89PNG\r\n\x1a\n"}), "path.zip"),
        (archive(**{"001.jpg": b"\xff\xd8\xff not really"}), "broken image.zip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_file_fails_with_a_sentence(upload, content, name):
    clip = upload(content, name)
    assert clip["state"] == "failed"
    assert len(clip["problem"].split()) >= 4
    assert "Error" not in clip["problem"]
    assert Job.objects.get().attempt == 1


def test_a_truncated_video_says_so(upload, real_clips):
    content = (real_clips / "single_face.mp4").read_bytes()
    clip = upload(content[: len(content) * 2 // 3], "cut.mp4")
    assert clip["state"] == "failed"
    assert any(word in clip["problem"] for word in ("cut", "truncated", "missing", "incomplete"))
