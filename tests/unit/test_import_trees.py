"""The folders imports read from: what is listed, what is not, and that nothing leads out of them."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.imports.trees import FolderTree, StorageTree
from models_ml.errors import InputError


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
def test_a_path_that_climbs_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError, match="is not a path within the folder"):
        FolderTree(tmp_path).open(path)


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        FolderTree(tmp_path / "none")


def test_one_file_is_a_tree_of_itself(tmp_path: Path) -> None:
    (tmp_path / "a.eaf").write_text("a")
    (tmp_path / "b.eaf").write_text("b")
    assert FolderTree(tmp_path / "a.eaf").files() == ["a.eaf"]


def test_a_prefix_of_the_storage_is_walked() -> None:
    for name in ("drop/one/a.txt", "drop/b.txt", "dropped/c.txt"):
        if not default_storage.exists(name):
            default_storage.save(name, ContentFile(name.encode()))
    tree = StorageTree("drop/")
    assert tree.files() == ["b.txt", "one/a.txt"]
    assert tree.open("one/a.txt").read() == b"drop/one/a.txt"
    assert tree.name == "drop"


def test_links_out_of_a_prefix_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    default_storage.save("linked/a.txt", ContentFile(b"a"))
    folder = Path(default_storage.path("linked"))
    (folder / "out").symlink_to(tmp_path)
    (folder / "round").symlink_to(folder)
    tree = StorageTree("linked")
    assert "out/secret.txt" not in tree.files()
    with pytest.raises(InputError, match="leads out of the prefix"):
        tree.open("out/secret.txt")


@pytest.mark.parametrize("prefix", ["", "/", "..", "a/../..", "nothing-here"])
def test_a_prefix_that_is_empty_or_climbs_is_refused(prefix: str) -> None:
    with pytest.raises(InputError):
        StorageTree(prefix)
