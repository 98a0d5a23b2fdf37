"""Where an import reads: a folder of the server, a prefix of the storage, or one uploaded file.

Over the web only what lies below ``MER_IMPORT_DIR``, or below ``import/`` in the storage, can be named: the rest of
the storage holds other projects' clips. (A tree itself never leaves its root, also not through links.)
"""

from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage

from mer_platform.imports.models import Import
from mer_platform.imports.storage_trees import StorageTree, UploadTree
from models_ml.errors import InputError
from models_ml.formats.base import Sheet, Tree
from models_ml.formats.folder_tree import FolderTree

STORAGE_ROOT = "import"


def import_root() -> Path:
    """The folder below which researchers find databases to import, with links resolved."""
    return Path(settings.IMPORT_DIR).resolve()


def folder_within(text: str) -> Path:
    """The folder that a researcher named, absolute or relative to the import folder.

    Raises ValidationError if it lies outside the import folder (also through a link) or is no folder there.
    """
    root = import_root()
    try:
        folder = (root / text.strip()).resolve()
        inside = folder.is_relative_to(root)
        if inside and folder.is_dir():
            return folder
    except (OSError, ValueError, RuntimeError):  # a NUL, a name too long, links in a circle
        inside = True
    if not inside:
        raise ValidationError(
            {
                "source": f"“{text}” lies outside the import folder. Databases are read from folders below it; "
                "whoever runs the server can put them there, or move it (MER_IMPORT_DIR)."
            }
        )
    raise ValidationError({"source": f"There is no folder “{text}” in the import folder."})


def prefix_within(text: str) -> str:
    """A prefix of the storage, below ``import/``. Raises ValidationError for any other."""
    parts = [part for part in PurePosixPath(text.strip().replace("\\", "/")).parts if part != "/"]
    if parts[:1] != [STORAGE_ROOT]:
        parts = [STORAGE_ROOT, *parts]
    if ".." in parts or "\0" in text:
        raise ValidationError({"source": f"“{text}” is not a prefix: it may not contain “..”."})
    return "/".join(parts)


def subfolders(text: str) -> list[str]:
    """Names of the folders in a folder of the import folder, sorted. Raises ValidationError, see ``folder_within``."""
    folder, root = folder_within(text), import_root()
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if not entry.name.startswith(".") and entry.is_dir() and entry.resolve().is_relative_to(root)
    )


def open_tree(batch: Import) -> Tree:
    """The files that an import reads. Raises InputError where they are not, or no longer."""
    if batch.place == Import.SourceType.FILE:
        return UploadTree(batch.sheet_name, batch.source)
    if batch.place == Import.SourceType.STORAGE:
        return StorageTree(batch.source)
    if not batch.confined:
        return FolderTree(batch.source)
    try:
        return FolderTree(folder_within(batch.source))
    except ValidationError as error:
        raise InputError(" ".join(error.messages)) from error


def open_sheet(batch: Import, tree: Tree) -> Sheet | None:
    """The coding sheet that was given, or None for the reader to look for it in the tree."""
    if not batch.sheet:
        return None
    if batch.sheet_name:
        with default_storage.open(batch.sheet) as file:
            return Sheet(batch.sheet_name, file.read())
    with tree.open(batch.sheet) as opened:
        return Sheet(PurePosixPath(batch.sheet).name, opened.read())
