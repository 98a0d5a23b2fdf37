"""File formats of the field, one module per format: databases as their makers publish them, and annotation tools.

``LAYOUTS`` maps the key of each layout that can be imported to the layout. It is derived: a module of this package that
defines ``LAYOUT`` is in it, and no other file names the module. To add a database, copy ``casme2.py``, which describes
a database of frame folders and one coding sheet, and its test. The other modules are what readers share:

- ``base``: the types; ``report``: the problems found while reading
- ``folder_tree``: a folder on disk; ``folders``: its folders of frame images
- ``sheets``: spreadsheets as tables; ``coded_rows``: their rows, checked against the frames; ``errata``: known errors
- ``coded_database``: the reader that databases of frame folders and one coding sheet share
- ``spans``: labelled spans of time, as annotation tools store them; ``csv_text``: text in CSV files
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import get_args

from models_ml.formats.base import Holds, Layout


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


def _defined_layouts() -> Iterator[Layout]:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        layout = getattr(import_module(module.name), "LAYOUT", None)
        if layout is not None:
            yield layout


LAYOUTS = find_layouts()
