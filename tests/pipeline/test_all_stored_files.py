"""Each file that the workers store is known to the storage check, and goes with the project."""

import base64
import io
import os
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from mer_platform.deletion import services
from mer_platform.deletion.kinds import KINDS
from mer_platform.deletion.models import Removal
from mer_platform.deletion.scan import scan
from mer_platform.projects.models import Project
from mer_platform.uploads.services import append, create
from tests.lab import barcode_clips
from tests.pictures import add_picture

pytestmark = [pytest.mark.services]
LABELS = {"happiness": "positive", "disgust": "negative", "repression": "negative", "surprise": "surprise"}
CONFIG = {"net": {"kernels": [2, 3]}, "train": {"epochs": 1, "apex_jitter": 1}}


@pytest.fixture
def media(settings, tmp_path) -> Path:
    """A storage of its own: a scan sees all files, also those of other tests."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def filled(media, api, alice, project, database, work, tmp_path) -> Project:
    """A project that has used everything that stores files."""
    database.emotions = []
    database.save()

    def post(path: str, fields: dict, **options) -> dict:
        answer = api.post(f"/api/v1/{path}", fields, **options)
        assert answer.status_code in (200, 201, 202), answer.content
        work()
        return answer.json() if answer["Content-Type"] == "application/json" else {}

    for clip in barcode_clips(tmp_path):
        spec = clip.spec
        with clip.path.open("rb") as file:
            fields = {"file": file, "database": database.pk, "subject": spec.subject, "fps": 200}
            pk = post("clips/", fields, format="multipart")["id"]
        marks = {"onset": spec.onset, "apex": spec.apex, "offset": spec.offset, "emotion": spec.emotion}
        post("annotations/", {"clip": pk, **marks})
    api.get(f"/api/v1/clips/{pk}/flow/?from={spec.onset}&to={spec.apex}")
    work()
    sheet = SimpleUploadedFile("coding.csv", b"Subject,Filename\n1,EP01\n")
    post(
        "imports/",
        {"project": project.pk, "layout": "manifest", "place": "file", "sheet": sheet},
        format="multipart",
    )
    add_picture(project, "SMIC", "s01", "s01_1", "positive", 3)
    version = post(
        "composite-versions/",
        {
            "project": project.pk,
            "name": "Six",
            "databases": [database.pk],
            "label_map": {database.name: LABELS},
        },
    )["id"]
    run = post("runs/", {"version": version, "config": CONFIG})["id"]
    assert api.get(f"/api/v1/runs/{run}/").json()["state"] == "finished"
    post("scoring-batches/", {"run": run, "items": [{"clip": pk, "onset": 2, "apex": 9}]})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.write(clip.path, clip.path.name)
    sent = {"run": run, "archive": SimpleUploadedFile("clips.zip", archive.getvalue()), "fps": 200}
    post("scoring-batches/", sent, format="multipart")
    name = base64.b64encode(b"late.mp4").decode()
    append(create(project, alice, 20, f"filename {name}"), 0, 10, lambda size: b"x" * size, None)
    post(f"composite-versions/{version}/features/", {"config": {"flow": "dis"}})
    post("feature-exports/", {"version": version, "format": "npz"})
    post(f"runs/{run}/attributions/", {"method": "gradients"})
    return project


def test_every_stored_file_is_known_and_goes_with_the_project(filled, media, alice):
    found = scan(young_hours=24)
    assert {folder: kind.orphans for folder, kind in found.items() if kind.orphans} == {}
    assert {folder: kind.missing for folder, kind in found.items() if kind.missing} == {}
    assert {folder: kind.unknown for folder, kind in found.items() if kind.unknown} == {}
    assert {folder for folder, kind in found.items() if kind.files} == set(KINDS)
    services.delete(filled, alice)
    for file in media.rglob("*"):
        os.utime(file, (0, 0))
    Removal.objects.update(not_before=timezone.now())
    services.remove_files(seconds=60)
    assert [str(file.relative_to(media)) for file in media.rglob("*") if file.is_file()] == []
