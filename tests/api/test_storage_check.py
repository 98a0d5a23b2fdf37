"""``manage.py storage check``: files that no row refers to, rows whose file is gone, and what is left alone."""

import io
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from mer_platform.annotation.models import Consensus
from mer_platform.clips.layers import FlowLayer
from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.composites.services import freeze
from mer_platform.deletion import services
from mer_platform.features.services import feature_name, request_features
from mer_platform.storage import new_file, store_by_content
from models_ml.config import FeatureConfig

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
LOST = "ab" * 32


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path) -> Path:
    """A storage of its own: a scan sees all files, also those of other tests."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def store(name: str, hours: float = 48) -> str:
    default_storage.save(name, ContentFile(b"four"))
    at = time.time() - hours * 3600
    os.utime(default_storage.path(name), (at, at))
    return name


def check(*options: str) -> dict[str, Any]:
    out = io.StringIO()
    try:
        call_command("storage", "check", "--json", *options, stdout=out)
    except CommandError as error:
        return {**json.loads(out.getvalue()), "error": str(error)}
    return json.loads(out.getvalue())


def text(*options: str) -> str:
    out = io.StringIO()
    call_command("storage", "check", *options, stdout=out)
    return re.sub(r"[ \xa0]+", " ", out.getvalue())


def orphans(found: dict[str, Any]) -> list[str]:
    return sorted(
        orphan["name"] for kind in found.values() if isinstance(kind, dict) for orphan in kind["orphans"]
    )


@pytest.fixture
def stored_clip(make_clip) -> Clip:
    """A clip with all of its files."""
    clip = make_clip()
    clip.file = f"clips/{clip.sha256[:2]}/{clip.sha256}.mp4"
    clip.save()
    for name in (clip.file, clip.pack_name, clip.index_name, clip.thumbnail_name, FlowLayer(clip, 0, 5).name):
        store(name)
    return clip


ORPHANS = [
    f"clips/ab/{LOST}.mp4",
    f"packs/ab/{LOST}.bin",
    f"packs/ab/{LOST}-25.json",
    f"layers/ab/{LOST}-0-10-3.1.json",
    f"features/ab/{LOST}.npy",
    "feature-sets/0123456789abcdef-17-0123456789abcdef/0-u.png",
    f"pictures/ab/{LOST}.png",
    f"models/ab/{LOST}.safetensors",
    f"exports/ab/{LOST}.npz",
    f"sheets/ab/{LOST}.xlsx",
    f"clips/ab/.{LOST}.mp4.0123.part",
    ".unfinished/0123.zip",
]


def test_files_of_a_clip_are_no_orphans_and_nothing_is_missing(stored_clip):
    found = check()
    assert orphans(found) == []
    assert (found["clips"]["files"], found["packs"]["files"], found["layers"]["files"]) == (1, 3, 1)
    assert "error" not in found


@pytest.mark.parametrize("name", ORPHANS)
def test_an_orphan_of_each_kind_is_found_and_removed_on_request(db, name):
    store(name)
    found = check()
    assert orphans(found) == [name]
    assert sum(kind["orphan_bytes"] for kind in found.values()) == 4
    assert default_storage.exists(name)
    check("--remove")
    assert not default_storage.exists(name)
    assert orphans(check()) == []


@pytest.mark.parametrize("name", ["import/CASME/EP01.mp4", "clips/notes.txt", "elsewhere/x.bin"])
def test_files_that_the_platform_did_not_name_stay(db, name):
    store(name)
    assert orphans(check("--remove")) == []
    assert default_storage.exists(name)


def test_files_that_may_still_get_their_row_stay(db):
    with new_file(".zip") as writing:
        writing.write(b"frames")
        writing.flush()
        young = store(f"clips/ab/{LOST}.mp4", hours=2)
        assert "2 of the orphans are younger than 24 hours" in text("--remove")
        assert default_storage.exists(young)
        assert writing.path.exists()
        text("--remove", "--older-than", "1")
        assert (default_storage.exists(young), writing.path.exists()) == (False, True)


def test_an_upload_of_an_orphans_bytes_makes_it_young(db):
    content = ContentFile(b"four")
    name = store_by_content("clips", content, ".mp4").name
    store(name)
    store_by_content("clips", content, ".mp4")  # its row is saved next
    found = check("--remove")
    assert [orphan["young"] for orphan in found["clips"]["orphans"]] == [True]
    assert default_storage.exists(name)


def test_shared_content_is_an_orphan_only_after_its_last_clip(stored_clip, other_project, alice, bob):
    person = Subject.objects.create(
        database=Database.objects.create(project=other_project, name="D"), name="p"
    )
    values = {n: getattr(stored_clip, n) for n in ("name", "sha256", "file", "original_name", "size")}
    twin = Clip.objects.create(project=other_project, subject=person, **values)
    services.delete(stored_clip, alice)
    assert orphans(check()) == []
    services.delete(twin, bob)
    assert len(orphans(check())) == 5


def test_features_of_a_version_are_no_orphans(project, database, make_clip, stored_clip, alice):
    for clip in (stored_clip, make_clip("other", "sub02")):
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted")
    version = freeze(project, "One", [database], {database.name: {"disgust": "negative"}}, alice)
    features = request_features(version, FeatureConfig(), alice)
    store(features.image_name(0, "u"))
    known = [
        store(feature_name(stored_clip.sha256, 1, 5, FeatureConfig(), device)) for device in ("cpu", "cuda")
    ]
    other = store(feature_name(stored_clip.sha256, 1, 6, FeatureConfig(), "cpu"))
    assert len(known) == 2
    assert orphans(check()) == [other]


def test_missing_files_are_named_with_what_needs_them(stored_clip, make_clip):
    default_storage.delete(stored_clip.pack_name)
    make_clip("arriving", state="processing")  # its pack is not made yet
    default_storage.delete(Clip.objects.get(name="arriving").pack_name)
    found = check()
    assert found["packs"]["missing"] == [{"name": stored_clip.pack_name, "needed_by": str(stored_clip)}]
    assert "missing. Restore" in found["error"]
    with pytest.raises(CommandError, match="missing"):
        text()


def test_the_text_counts_files_and_bytes_by_kind(stored_clip):
    store(f"models/ab/{LOST}.safetensors")
    shown = text()
    assert "uploaded clips 1 0 0 bytes 0" in shown
    assert "models 1 1 4 bytes 0" in shown
    assert f"orphan: models/ab/{LOST}.safetensors" in shown
    assert "Removed 1 file (4 bytes)." in text("--remove")


def test_an_age_that_protects_no_upload_is_refused(db):
    with pytest.raises(CommandError, match="must be at least 1"):
        text("--older-than", "0")
