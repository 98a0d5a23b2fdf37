"""Only the platform's user may open the data folder. The tests' own user owns all files, unless a test says otherwise."""

import os
import stat
from pathlib import Path

import pytest

from mer_platform import data_folder
from mer_platform.data_folder import OpenFolder, close_to_others, keep_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def own_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def old_folder(tmp_path) -> Path:
    """A data folder as a version before left it."""
    folder = tmp_path / "data"
    (folder / "media" / "clips").mkdir(parents=True)
    (folder / "import").mkdir()
    for name in ("mer.sqlite3", "mer.sqlite3-wal", "media/clips/face.mp4", "import/sheet.xlsx"):
        (folder / name).write_bytes(b"x")
    return folder


def test_what_an_earlier_version_left_open_is_closed(old_folder):
    closed = close_to_others(old_folder)
    assert closed == 6
    assert mode(old_folder) == mode(old_folder / "media" / "clips") == 0o700
    files = ("mer.sqlite3", "mer.sqlite3-wal", "media/clips/face.mp4")
    assert {mode(old_folder / name) for name in files} == {0o600}
    assert mode(old_folder / "import" / "sheet.xlsx") == 0o644  # not written by the platform


def test_a_closed_folder_is_not_searched_again(old_folder, monkeypatch):
    close_to_others(old_folder)
    monkeypatch.setattr(os, "walk", lambda folder: pytest.fail("it was searched"))
    assert close_to_others(old_folder) == 0


def test_closing_that_was_interrupted_is_finished_at_the_next_start(old_folder, monkeypatch):
    def interrupt(path: Path) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(data_folder, "_close_below", interrupt)
        with pytest.raises(KeyboardInterrupt):
            close_to_others(old_folder)
    assert mode(old_folder) == 0o700
    close_to_others(old_folder)
    assert mode(old_folder / "media" / "clips" / "face.mp4") == 0o600


def test_a_folder_that_cannot_be_closed_is_refused_with_the_command_that_fixes_it(old_folder, monkeypatch):
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(OpenFolder, match=rf"{old_folder} \(drwxr-xr-x\).*“chmod 700 {old_folder}”"):
        close_to_others(old_folder)


def test_a_folder_shared_by_all_users_is_refused_and_left_as_it_is(tmp_path):
    tmp_path.chmod(0o1777)
    with pytest.raises(OpenFolder, match="Choose a folder of the platform's own"):
        close_to_others(tmp_path)
    assert mode(tmp_path) == 0o1777


def test_stored_files_on_a_disk_of_their_own_are_closed(old_folder, tmp_path):
    old_folder.chmod(0o700)
    media = tmp_path / "disk"
    media.mkdir()
    (media / "face.mp4").write_bytes(b"x")
    keep_private(old_folder, media)
    assert (mode(media), mode(media / "face.mp4")) == (0o700, 0o600)


def test_new_files_are_closed_from_the_start(old_folder):
    keep_private(old_folder, old_folder / "media")
    (old_folder / "new").write_bytes(b"x")
    (old_folder / "folder").mkdir()
    assert (mode(old_folder / "new"), mode(old_folder / "folder")) == (0o600, 0o700)


def test_links_are_not_followed(old_folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (old_folder / "media" / "link").symlink_to(outside)
    close_to_others(old_folder)
    assert mode(outside) == 0o755
