"""Where an import reads: a folder on the server, a prefix in the storage, or one uploaded file.

Over the web, only folders below ``MER_IMPORT_DIR`` and prefixes below ``import/`` can be named, because the rest of the
storage contains other projects' clips; and of those, only what an administrator assigned to the project. A tree itself
never leaves its root, not even through links.
"""

from dataclasses import replace
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage

from mer_platform.imports.folders import STORAGE_ROOT, Place, assigned, check_prefix, not_assigned
from mer_platform.imports.models import Import
from mer_platform.imports.storage_trees import StorageTree, UploadTree
from mer_platform.projects.models import Project
from models_ml.errors import InputError
from models_ml.formats.base import Sheet, Tree
from models_ml.formats.folder_tree import FolderTree
from models_ml.formats.mapping import column_map
from models_ml.formats.sheets import load_sheet, sheet_names


def import_root() -> Path:
    """Return the folder that contains databases to import, with links resolved."""
    return Path(settings.IMPORT_DIR).resolve()


def is_assigned(project: Project, path: Path) -> bool:
    """Return whether a path with links resolved is in a folder of the project."""
    return any(
        path.is_relative_to((import_root() / own).resolve()) for own in assigned(project, Place.FOLDER)
    )


def folder_within(text: str, project: Project) -> Path:
    """Return the folder that a researcher named, absolute or relative to the import folder.

    Raises ValidationError if it is outside the import folder or the folders of the project, also through a link, or
    does not exist.
    """
    root = import_root()
    try:
        folder = (root / text.strip()).resolve()
        inside = folder.is_relative_to(root)
        if inside and not is_assigned(project, folder):
            raise not_assigned(project, Place.FOLDER, text)
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


def subfolders(text: str, project: Project) -> list[str]:
    """Return the sorted names of a folder's subfolders; of the import folder, the paths that the project may read.

    Raises ValidationError as ``folder_within`` does.
    """
    root, own = import_root(), assigned(project, Place.FOLDER)
    if not text and "." not in own:
        return [
            path for path in own if (root / path).is_dir() and (root / path).resolve().is_relative_to(root)
        ]
    folder = folder_within(text, project)
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if not entry.name.startswith(".") and entry.is_dir() and entry.resolve().is_relative_to(root)
    )


def open_tree(batch: Import) -> Tree:
    """Return the files that an import reads. Raises InputError if they do not exist, or no longer."""
    if batch.place == Import.SourceType.FILE:
        return UploadTree(batch.sheet_name, batch.source)
    try:
        if batch.place == Import.SourceType.STORAGE:
            return StorageTree(check_prefix(batch.project, batch.source) if batch.confined else batch.source)
        if not batch.confined:
            return FolderTree(batch.source)
        return FolderTree(folder_within(batch.source, batch.project), batch.source)
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
