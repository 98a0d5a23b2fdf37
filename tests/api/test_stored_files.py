"""New files are moved into the storage as a whole, and leftovers of killed workers are removed."""

import hashlib
import os
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.storage import new_file, remove_unfinished, store_by_content


@pytest.fixture
def unfinished() -> Path:
    return Path(default_storage.path(".unfinished"))


def test_a_new_file_becomes_the_stored_one_without_a_copy(unfinished):
    with new_file(".zip") as file:
        file.write(b"frames")
        made = os.fstat(file.fileno()).st_ino
        default_storage.save("clips/ab/stored.zip", file)
        file.seek(0)
        assert file.read() == b"frames"
    stored = Path(default_storage.path("clips/ab/stored.zip"))
    assert (stored.read_bytes(), stored.stat().st_ino) == (b"frames", made)
    assert list(unfinished.iterdir()) == []


def test_a_file_is_copied_to_a_storage_on_another_disk(monkeypatch):
    def refuse(self, target):
        raise OSError("Invalid cross-device link")

    with new_file() as file:
        file.write(b"frames")
        replace = Path.replace
        monkeypatch.setattr(
            Path, "replace", lambda path, to: (refuse if path == file.path else replace)(path, to)
        )
        default_storage.save("clips/ab/copied.zip", file)
    assert Path(default_storage.path("clips/ab/copied.zip")).read_bytes() == b"frames"


def test_the_same_bytes_are_stored_once_under_their_hash():
    content = b"one version"
    first = store_by_content("models", ContentFile(content), ".safetensors")
    assert first.sha256 == hashlib.sha256(content).hexdigest()
    assert first.name == f"models/{first.sha256[:2]}/{first.sha256}.safetensors"
    path = Path(default_storage.path(first.name))
    written = path.stat().st_ino
    assert store_by_content("models", ContentFile(content), ".safetensors") == first
    assert (path.read_bytes(), path.stat().st_ino) == (content, written)


def test_unfinished_files_of_failed_and_killed_workers_are_removed(unfinished):
    with pytest.raises(RuntimeError), new_file():
        raise RuntimeError
    assert list(unfinished.iterdir()) == []
    old, recent = unfinished / "old", unfinished / "recent"
    old.touch()
    recent.touch()
    os.utime(old, times=(time.time() - 90_000,) * 2)
    remove_unfinished()
    assert list(unfinished.iterdir()) == [recent]
    recent.unlink()


def test_an_unfinished_file_of_a_dead_process_is_removed_at_once(unfinished, monkeypatch):
    with new_file() as file:
        remove_unfinished()
        assert file.path.exists()
        monkeypatch.setattr("mer_platform.processes._start_of", lambda _process: "gone")
        remove_unfinished()
        assert not file.path.exists()
