"""Uploads of the client over lines that break, and across restarts of the program."""

import asyncio
import hashlib
import zipfile
from pathlib import Path

import pytest

from mer_client import AsyncClient, Conflict, ConnectionFailed, MerError
from mer_client.operations import uploads
from mer_platform.clips.models import Clip
from mer_platform.uploads.models import Upload

pytestmark = pytest.mark.django_db(transaction=True)
PART = 4000


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST_PART", PART)
    monkeypatch.setattr(uploads, "SMALLEST_PART", PART // 4)


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "EP01.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("img1.jpg", bytes(i * i % 251 for i in range(30_000)))
    return path


@pytest.fixture
def fields(database) -> dict:
    return {"database": database.name, "subject": "sub01"}


def is_part(request) -> bool:
    return request.method == "PATCH"


def stored() -> bytes:
    from django.core.files.storage import default_storage

    with default_storage.open(Clip.objects.get().file) as content:
        return content.read()


def test_a_file_becomes_a_clip_and_progress_is_shown(mer, file, fields):
    seen = []
    clip = mer.upload(file, **fields, progress=lambda *facts: seen.append(facts))
    assert (clip.name, clip.subject, clip.state) == ("EP01", "sub01", "processing")
    assert stored() == file.read_bytes()
    size = file.stat().st_size
    assert seen[0] == (0, size)
    assert seen[-1] == (size, size)
    assert Upload.objects.get().state == "used"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_line_costs_one_part(connect, file, fields, when, pauses):
    """It breaks at each third request; "after": the part arrived, but its answer did not."""
    client = connect(lambda request, number: when if is_part(request) and number % 3 == 0 else "")
    client.upload(file, **fields)
    assert stored() == file.read_bytes()
    assert client.line.bytes_sent() < 2 * file.stat().st_size


def test_another_process_continues_where_this_one_was_stopped(connect, file, fields, pauses):
    first = connect(lambda request, number: "before" if is_part(request) and number > 6 else "", retries=1)
    with pytest.raises(ConnectionFailed, match="the same call continues there"):
        first.upload(file, **fields)
    arrived = Upload.objects.get().offset
    assert arrived > 0
    second = connect()
    second.upload(file, **fields)
    assert second.line.bytes_sent() == file.stat().st_size - arrived
    assert stored() == file.read_bytes()


def test_a_changed_file_starts_again(connect, file, fields, pauses):
    first = connect(lambda request, number: "before" if is_part(request) and number > 6 else "", retries=0)
    with pytest.raises(ConnectionFailed):
        first.upload(file, **fields)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    connect().upload(file, **fields)
    assert Clip.objects.get().sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_upload_that_the_server_has_removed_starts_again(connect, file, fields, pauses):
    first = connect(lambda request, number: "before" if is_part(request) and number > 6 else "", retries=0)
    with pytest.raises(ConnectionFailed):
        first.upload(file, **fields)
    Upload.objects.all().delete()
    connect().upload(file, **fields)
    assert stored() == file.read_bytes()


def test_a_lost_answer_makes_no_second_clip(connect, file, fields, pauses):
    """The clip was made, but its answer did not arrive: the same key gets the same answer."""
    lost = []

    def breaks(request, number: int) -> str:
        if request.method == "POST" and request.url.path.endswith("/clips/") and not lost:
            lost.append(request)
            return "after"
        return ""

    client = connect(breaks)
    clip = client.upload(file, **fields)
    assert Clip.objects.get().pk == clip.id
    keys = {
        request.headers["Idempotency-Key"]
        for request in client.line.sent
        if request.url.path.endswith("/clips/")
    }
    assert (len(lost), len(keys)) == (1, 1)


def test_a_clip_that_is_there_is_a_conflict_or_returned(mer, file, fields):
    clip = mer.upload(file, **fields)
    with pytest.raises(Conflict, match="already in this project"):
        mer.upload(file, **fields)
    assert mer.upload(file, **fields, exist_ok=True).id == clip.id


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("missing.mp4", None, "Cannot read “.*missing.mp4”: No such file"),
        ("empty.mp4", b"", "is empty"),
        ("notes.txt", b"x", "“notes.txt” is not the name of a clip"),
    ],
)
def test_what_cannot_be_sent_is_said_in_words(mer, tmp_path, fields, name, content, text):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(MerError, match=text):
        mer.upload(tmp_path / name, **fields)


def test_an_unknown_database_is_named_with_those_that_exist(mer, file, database):
    with pytest.raises(MerError, match=r"no database “SAMM” in this project\. Its databases are: “CASME II”"):
        mer.upload(file, database="SAMM", subject="s1")


def test_the_async_client_uploads_too(live_server, token, file, fields):
    async def run() -> str:
        async with AsyncClient(live_server.url, token) as client:
            return (await client.upload(file, **fields)).name

    assert asyncio.run(run()) == "EP01"
    assert stored() == file.read_bytes()
