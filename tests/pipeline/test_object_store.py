"""Files in an object store: addresses, and the platform's use of a store, on an S3 server in this process."""

import io
from base64 import b64encode
from datetime import timedelta

import boto3
import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError
from django.utils import timezone
from moto.server import ThreadedMotoServer

from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.deletion import services
from mer_platform.deletion.models import Removal
from mer_platform.deletion.scan import remove, scan
from mer_platform.objectstore import ObjectStorage, storage_of
from mer_platform.serving.preparation import check_storage
from mer_platform.storage import local_copy, store_by_content
from mer_platform.uploads import services as uploads
from models_ml.config import FeatureConfig
from tests.lab import barcode_clips
from tests.pictures import add_picture, picture_bytes
from workers.feature_cache import load_or_compute

BUCKET = "lab"


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def store(endpoint, monkeypatch, settings):
    """An empty bucket that is the platform's storage during a test."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    settings.STORAGE_URL = f"s3://{BUCKET}/mer?endpoint_url={endpoint}&region=us-east-1"
    settings.STORAGES = {**settings.STORAGES, "default": storage_of(settings.STORAGE_URL)}
    yield client
    for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=entry["Key"])
    client.delete_bucket(Bucket=BUCKET)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/srv/media", "must be the address of a bucket, not “/srv/media”: write for example s3://"),
        ("s3:///prefix", "must be the address of a bucket"),
        ("gs://bucket", "must be the address of a bucket"),
        ("s3://key:secret@bucket", "must not contain keys: set AWS_ACCESS_KEY_ID"),
        (
            "s3://bucket?endpoint=http://x",
            "does not take the option “endpoint”, only endpoint_url and region",
        ),
        ("s3://bucket?endpoint_url=minio:9000", "must start with http:// or https://"),
    ],
)
def test_it_says_what_is_wrong_with_an_address(url, words):
    with pytest.raises(ImproperlyConfigured, match=words.replace("?", r"\?")) as caught:
        storage_of(url)
    assert "secret" not in str(caught.value).lower().replace("aws_secret_access_key", "")


def test_an_address_can_be_a_bucket_alone():
    assert storage_of("s3://lab")["OPTIONS"] == {"bucket_name": "lab", "location": ""}


def test_bytes_come_back_under_the_prefix_and_the_same_name_stays_one_file(store):
    for _ in range(2):
        assert default_storage.save("clips/ab/abc.mp4", ContentFile(b"0123456789")) == "clips/ab/abc.mp4"
    assert [e["Key"] for e in store.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["mer/clips/ab/abc.mp4"]
    with default_storage.open("clips/ab/abc.mp4") as file:
        assert file.read() == b"0123456789"
    with local_copy("clips/ab/abc.mp4") as path:
        assert (path.read_bytes(), path.suffix) == (b"0123456789", ".mp4")


def test_a_read_fetches_no_more_than_it_reads_ahead(store, monkeypatch):
    monkeypatch.setattr("mer_platform.objectstore.READ_AHEAD", 16)
    content = bytes(range(256)) * 4
    default_storage.save("packs/x.bin", ContentFile(content))
    asked: list[str] = []
    with default_storage.open("packs/x.bin") as file:
        stored = file.file.raw._object
        get = stored.get
        monkeypatch.setattr(stored, "get", lambda Range: asked.append(Range) or get(Range=Range))
        file.seek(100)
        assert file.read(4) == content[100:104]
        file.seek(-3, io.SEEK_END)
        assert file.read() == content[-3:]
        assert file.read() == b""
    assert asked == ["bytes=100-115", "bytes=1021-1023"]


def test_an_upload_in_parts_is_put_together_and_removed(store, project, alice):
    content = bytes(range(256)) * 40
    facts = "filename " + b64encode(b"a.mp4").decode()
    upload = uploads.create(project, alice, len(content), facts)
    for start in range(0, len(content), 3000):
        part = content[start : start + 3000]
        upload = uploads.append(upload, start, len(part), io.BytesIO(part).read, None)
    with uploads.take(upload.pk, alice, project) as file:
        assert file.read() == content
        stored = store_by_content("clips", file, ".mp4", sha256=file.sha256)
    uploads.remove_bytes(upload)
    keys = [entry["Key"] for entry in store.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == [f"mer/{stored.name}"]


def test_a_missing_file_is_no_file(store):
    assert not default_storage.exists("clips/none.mp4")
    with pytest.raises(FileNotFoundError):
        default_storage.open("clips/none.mp4")


def test_a_clip_is_taken_in_played_and_measured(store, api, database, work, tmp_path):
    made = barcode_clips(tmp_path, subjects=1, clips_per_subject=1)[0]
    with made.path.open("rb") as file:
        fields = {"file": file, "database": database.pk, "subject": "s1", "fps": 200}
        answer = api.post("/api/v1/clips/", fields, format="multipart")
    work()
    clip = Clip.objects.get(pk=answer.json()["id"])
    assert (clip.state, clip.problem) == ("ready", "")
    index = api.get(f"/api/v1/clips/{clip.pk}/frames/").json()
    part = api.get(f"/api/v1/clips/{clip.pk}/frames.bin", HTTP_RANGE=f"bytes=0-{index['offsets'][1] - 1}")
    assert part.status_code == 206
    assert part.getvalue().endswith(b"\xff\xd9")  # a whole JPEG
    picture = load_or_compute(clip, made.spec.onset, made.spec.apex, FeatureConfig())
    again = load_or_compute(clip, made.spec.onset, made.spec.apex, FeatureConfig())
    assert np.array_equal(picture, again)
    kinds = {entry["Key"].split("/")[1] for entry in store.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert kinds == {"clips", "packs", "features"}


def test_a_picture_is_served_and_a_lost_one_is_said_to_be(store, api, project):
    picture = add_picture(project, "SMIC", "s01", "s01_1", "positive", 3)
    answer = api.get(f"/api/v1/flow-pictures/{picture.pk}/file/", HTTP_RANGE="bytes=8-15")
    assert (answer.status_code, answer.getvalue()) == (206, picture_bytes("positive", 3)[8:16])
    FlowPicture.objects.update(file="pictures/gone.png")
    assert api.get(f"/api/v1/flow-pictures/{picture.pk}/file/").status_code == 404


def test_an_object_store_is_compared_with_the_rows(store, project, monkeypatch):
    picture = add_picture(project, "SMIC", "s01", "s01_1", "positive", 3)
    lost = "ab" * 32
    for name in (f"models/ab/{lost}.safetensors", f"layers/ab/{lost}-0-9-3.1.json", "import/theirs.mp4"):
        default_storage.save(name, ContentFile(b"four"))
    found = scan(young_hours=1)
    orphans = [orphan for kind in found.values() for orphan in kind.orphans]
    assert [(orphan.name, orphan.size, orphan.young) for orphan in orphans] == [
        (f"layers/ab/{lost}-0-9-3.1.json", 4, True), (f"models/ab/{lost}.safetensors", 4, True),
    ]  # fmt: skip
    assert not list(remove(orphans, young_hours=1))
    assert found["pictures"].files == 1
    default_storage.delete(picture.file)
    assert [gap.by for gap in scan(young_hours=1)["pictures"].missing] == [str(picture)]
    with pytest.raises(FileNotFoundError):
        default_storage.get_modified_time(picture.file)
    monkeypatch.setattr("mer_platform.deletion.scan.is_young", lambda _name, _seconds: False)
    assert len(list(remove(orphans, young_hours=1))) == 2
    assert [entry["Key"] for entry in store.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        "mer/import/theirs.mp4"
    ]


def test_files_of_a_deleted_picture_leave_the_object_store(store, project, alice, monkeypatch):
    picture = add_picture(project, "SMIC", "s01", "s01_1", "positive", 3)
    services.delete(picture, alice)
    services.remove_files()
    assert default_storage.exists(picture.file)  # stored a moment ago
    monkeypatch.setattr(services, "SETTLE_SECONDS", -60)
    Removal.objects.update(not_before=timezone.now())
    services.remove_files()
    assert not default_storage.exists(picture.file)


def test_the_same_bytes_become_young_when_an_upload_finds_them(store):
    first = store_by_content("clips", ContentFile(b"bytes"), ".mp4")
    assert store_by_content("clips", ContentFile(b"bytes"), ".mp4") == first
    assert default_storage.get_modified_time(first.name) > timezone.now() - timedelta(minutes=1)


def test_the_platform_starts_only_with_a_store_it_can_use(store, settings, endpoint):
    check_storage()
    settings.STORAGES = {
        **settings.STORAGES,
        "default": storage_of(f"s3://nowhere?endpoint_url={endpoint}&region=us-east-1"),
    }
    with pytest.raises(CommandError, match=r"bucket “nowhere” at http://127.*the bucket was not found"):
        check_storage()


def test_a_store_that_does_not_answer_is_named(store):
    away = ObjectStorage(**storage_of("s3://lab?endpoint_url=http://127.0.0.1:9&region=us-east-1")["OPTIONS"])
    assert "Cannot use the bucket “lab” at http://127.0.0.1:9: Could not connect" in away.problem()
