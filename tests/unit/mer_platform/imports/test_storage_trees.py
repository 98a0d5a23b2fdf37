"""Prefixes of the storage as trees: which files are listed, and that no path leads out of the prefix."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from mer_platform.imports.storage_trees import StorageTree
from models_ml.errors import InputError


def test_all_files_below_a_prefix_are_listed() -> None:
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
def test_a_prefix_that_is_empty_or_leads_up_is_refused(prefix: str) -> None:
    with pytest.raises(InputError):
        StorageTree(prefix)
