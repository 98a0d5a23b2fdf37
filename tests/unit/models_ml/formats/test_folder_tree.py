"""Folders as trees: which files are listed, and that no path leads out of the folder."""

import os
from pathlib import Path
from typing import Any

import pytest

from models_ml.errors import InputError
from models_ml.formats.folder_tree import FolderTree


def test_files_are_listed_with_paths_relative_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / "b/c").mkdir(parents=True)
    (tmp_path / "b/c/2.txt").write_text("two")
    (tmp_path / "a.txt").write_text("one")
    tree = FolderTree(tmp_path)
    assert tree.files() == ["a.txt", "b/c/2.txt"]
    assert tree.open("b/c/2.txt").read() == b"two"
    assert tree.name == tmp_path.name


def test_links_out_of_the_folder_are_neither_listed_nor_opened(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.txt").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "inside.txt").write_text("inside")
    (root / "link.txt").symlink_to(tmp_path / "outside/secret.txt")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "circle").symlink_to(root / "circle")
    (root / "same.txt").symlink_to(root / "inside.txt")
    tree = FolderTree(root)
    assert tree.files() == ["inside.txt", "same.txt"]
    for path in ("link.txt", "folder/secret.txt", "circle"):
        with pytest.raises(InputError, match="leads out of the folder"):
            tree.open(path)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd", "", "a\0b", "..\\x"])
def test_a_path_that_leads_up_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError, match="is not a path within the folder"):
        FolderTree(tmp_path).open(path)


def test_a_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was not found"):
        FolderTree(tmp_path / "none")


def test_errors_name_the_folder_as_a_person_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="The folder “lab/none” was not found") as missing:
        FolderTree(tmp_path / "none", "lab/none")
    (tmp_path / "a" / "b").mkdir(parents=True)
    listed = os.scandir

    def scandir(path: str) -> Any:
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(
        InputError, match="The folder “a/b” in “lab” cannot be listed: Permission denied"
    ) as locked:
        FolderTree(tmp_path, "lab").files()
    assert str(tmp_path) not in f"{missing.value}{locked.value}"


def test_a_single_file_is_a_tree_with_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.eaf").write_text("a")
    (tmp_path / "b.eaf").write_text("b")
    assert FolderTree(tmp_path / "a.eaf").files() == ["a.eaf"]
