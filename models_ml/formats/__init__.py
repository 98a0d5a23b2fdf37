"""File formats of the field, one module per format: databases as their makers publish them, and annotation tools.

``LAYOUTS`` maps the key of each layout that can be imported to the layout. It is derived: a module of this package that
defines ``LAYOUT`` is in it, and no other file names the module. To add a database, copy ``casme2.py``, which describes
a database of frame folders and one coding sheet, and its test. The other modules are what readers share:

- ``base``: the types; ``report``: the problems found while reading
- ``folder_tree``: a folder on disk; ``folders``: its folders of frame images
- ``sheets``: spreadsheets as tables, read with ``workbooks``, ``opendocument`` and ``csv_text``; ``headers`` finds their
  columns, or a ``mapping`` names them; ``cells``: what a cell holds; ``sheet_writing``: tables as spreadsheets
- ``coded_rows``: the rows of a sheet, checked against the frames; ``errata``: known errors
- ``coded_database``: the reader that databases of frame folders and one coding sheet share
- ``spans``: labelled spans of time, as annotation tools store them; ``zips``: archives
- ``annotations``: recognises the format of a file of annotations

``EXPORTS`` maps the key of each kind of file that annotations can be exported to, to the export. It is derived in the same
way; a writer stands next to the reader of its format.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import get_args

from models_ml.formats.base import Export, Holds, Layout

LOSSLESS = "json"  # the key of the export that holds all stored data


def find_layouts() -> dict[str, Layout]:
    """Return the layout of each module of this package by its key, in the order of ``Holds``.

    Raises ValueError if two layouts have the same key.
    """
    order = get_args(Holds)
    layouts: dict[str, Layout] = {}
    for layout in sorted(_defined_layouts(), key=lambda layout: order.index(layout.holds)):
        if layout.key in layouts:
            raise ValueError(f"two layouts have the key {layout.key}")
        layouts[layout.key] = layout
    return layouts


def find_exports() -> dict[str, Export]:
    """Return the exports of all modules of this package by key: sheets first, what holds all data last."""
    exports = [export for module in _modules() for export in getattr(module, "EXPORTS", ())]
    exports.sort(key=lambda export: (export.key == LOSSLESS, export.suffix not in ("csv", "xlsx")))
    return {export.key: export for export in exports}


def _defined_layouts() -> Iterator[Layout]:
    for module in _modules():
        layout = getattr(module, "LAYOUT", None)
        if layout is not None:
            yield layout


def _modules() -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        yield import_module(module.name)


LAYOUTS = find_layouts()
EXPORTS = find_exports()
