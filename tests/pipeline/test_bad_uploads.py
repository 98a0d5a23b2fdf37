"""A file that is not a clip fails with a sentence that a researcher understands, and does not stop the worker."""

import io
import zipfile

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from mer_platform.jobs.models import Job

pytestmark = pytest.mark.services_in_faults


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


@pytest.fixture
def bomb() -> bytes:
    """Black images of the largest size in few bytes."""
    image = cv2.imencode(".png", np.zeros((4096, 4096, 3), np.uint16))[1].tobytes()
    return archive(**{f"img{number}.png": image for number in range(8)})


@pytest.mark.parametrize(
    ("setting", "most", "name"),
    [
        ("DECODE_MEMORY", 30 * 2**20, "MER_DECODE_MEMORY"),
        ("DECODE_SECONDS", 1, "MER_DECODE_SECONDS"),
        ("DECODE_OUTPUT", 2**16, "MER_DECODE_OUTPUT"),
    ],
)
def test_a_bomb_fails_with_the_limit_and_the_next_clip_is_ingested(
    upload, bomb, settings, real_clips, setting, most, name
):
    usual = getattr(settings, setting)
    setattr(settings, setting, most)
    clip = upload(bomb, "bomb.zip")
    assert clip["state"] == "failed"
    assert f"An administrator can raise the limit with {name}." in clip["problem"]
    assert Job.objects.get().attempt == 1
    setattr(settings, setting, usual)
    assert upload((real_clips / "single_face.mp4").read_bytes(), "face.mp4")["state"] == "ready"
