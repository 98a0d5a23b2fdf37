"""Each type of video and image that the pages name is accepted and becomes ready."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from models_ml.video.filetypes import IMAGES, VIDEOS
from tests.unit.models_ml.video.made_clips import numbered_frames, numbered_members, write_video, write_zip

pytestmark = pytest.mark.services_in_faults


def test_each_type_is_accepted(api, database, work, tmp_path):
    paths = [
        write_video(
            tmp_path / f"v{n}{suffix}",
            numbered_frames(4),
            codec="libvpx-vp9" if suffix == ".webm" else "libx264",
        )
        for n, suffix in enumerate(VIDEOS)
    ]
    paths += [
        write_zip(tmp_path / f"i{n}.zip", numbered_members(4, "{}" + suffix))
        for n, suffix in enumerate(IMAGES)
    ]
    states = {}
    for path in paths:
        file = SimpleUploadedFile(path.name, path.read_bytes())
        data = {"file": file, "database": database.pk, "subject": "s"}
        answer = api.post("/api/v1/clips/", data, format="multipart")
        assert answer.status_code in (201, 409), answer.json()  # .tif and .tiff: the same content
        if answer.status_code == 201:
            states[path.name] = answer.json()["id"]
    work()
    found = {name: api.get(f"/api/v1/clips/{pk}/").json() for name, pk in states.items()}
    assert {name: (clip["state"], clip["problem"]) for name, clip in found.items()} == dict.fromkeys(
        states, ("ready", "")
    )
    assert len(states) >= len(paths) - 4


def test_the_upload_page_names_them(client, alice, database, project):
    client.force_login(alice)
    page = client.get(reverse("upload", args=[project.slug])).content.decode()
    assert f'accept="{",".join([*VIDEOS, ".zip"])}"' in page
