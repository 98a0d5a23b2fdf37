"""Where an import reads: a folder on the server, a prefix in the storage, or one uploaded file.

Over the web, only folders below ``MER_IMPORT_DIR`` and prefixes below ``import/`` can be named, because the rest of the
storage contains other projects' clips. A tree itself never leaves its root, not even through links.
"""

from dataclasses import replace
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage

from mer_platform.imports.models import Import
from mer_platform.imports.storage_trees import StorageTree, UploadTree
from models_ml.errors import InputError
from models_ml.formats.base import Sheet, Tree
from models_ml.formats.folder_tree import FolderTree
from models_ml.formats.mapping import column_map
from models_ml.formats.sheets import load_sheet, sheet_names

STORAGE_ROOT = "import"


def import_root() -> Path:
    """Return the folder that contains databases to import, with links resolved."""
    return Path(settings.IMPORT_DIR).resolve()


def folder_within(text: str) -> Path:
    """Return the folder that a researcher named, absolute or relative to the import folder.

    Raises ValidationError if it is outside the import folder, also through a link, or does not exist.
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
                "source": f"“{text}” is outside the import folder. Databases are read only from folders inside it. The "
                "administrator of the server can put databases there or change the folder (MER_IMPORT_DIR)."
            }
        )
    raise ValidationError({"source": f"Folder “{text}” not found in the import folder."})


def prefix_within(text: str) -> str:
    """Return the prefix in the storage, below ``import/``. Raises ValidationError for any other text."""
    parts = [part for part in PurePosixPath(text.strip().replace("\\", "/")).parts if part != "/"]
    if parts[:1] != [STORAGE_ROOT]:
        parts = [STORAGE_ROOT, *parts]
    if ".." in parts or "\0" in text:
        raise ValidationError({"source": f"A prefix must not contain “..”; “{text}” does."})
    return "/".join(parts)


def subfolders(text: str) -> list[str]:
    """Return the sorted names of a folder's subfolders. Raises ValidationError as ``folder_within`` does."""
    folder, root = folder_within(text), import_root()
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if not entry.name.startswith(".") and entry.is_dir() and entry.resolve().is_relative_to(root)
    )


def open_tree(batch: Import) -> Tree:
    """Return the files that an import reads. Raises InputError if they do not exist, or no longer."""
    if batch.place == Import.SourceType.FILE:
        return UploadTree(batch.sheet_name, batch.source)
    if batch.place == Import.SourceType.STORAGE:
        return StorageTree(batch.source)
    if not batch.confined:
        return FolderTree(batch.source)
    try:
        return FolderTree(folder_within(batch.source), batch.source)
    except ValidationError as error:
        raise InputError(" ".join(error.messages)) from error


def open_sheet(batch: Import, tree: Tree) -> Sheet | None:
    """Return the coding sheet of the import, or None if the reader has to search the tree for it.

    With a column map, it is the named sheet or the only one of the tree. Raises InputError if there are several.
    """
    columns = column_map(batch.columns) if batch.columns else None
    if batch.sheet_name and batch.sheet:
        with default_storage.open(batch.sheet) as file:
            return Sheet(batch.sheet_name, file.read(), columns)
    path = batch.sheet
    if not path and columns is not None:
        names = sheet_names(tree)
        if len(names) != 1:
            raise InputError(
                f"“{tree.name}” contains {len(names) or 'no'} sheets. Choose the sheet that the column map describes."
            )
        path = names[0]
    return replace(load_sheet(tree, path), name=PurePosixPath(path).name, columns=columns) if path else None


def columns_sheet(batch: Import) -> Sheet:
    """Return the sheet whose columns can be chosen. Raises InputError if it no longer exists."""
    tree = open_tree(batch)
    return open_sheet(batch, tree) or load_sheet(tree, batch.columns_sheet)
