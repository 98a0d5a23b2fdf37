"""File formats of the field, a module each: the layouts in which databases are published, and annotation tools.

``LAYOUTS`` holds what can be imported, by key. A module of this package that defines ``LAYOUT`` is in it; nothing else
needs to name the module.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import get_args

from models_ml.formats.base import Holds, Layout


def find_layouts() -> dict[str, Layout]:
    """Return the layouts of all modules of this package by their key: clips first, annotations last.

    Raises ValueError for two layouts with the same key.
    """
    order = get_args(Holds)
    layouts: dict[str, Layout] = {}
    for layout in sorted(_defined(), key=lambda layout: order.index(layout.holds)):
        if layout.key in layouts:
            raise ValueError(f"two layouts have the key {layout.key}")
        layouts[layout.key] = layout
    return layouts


def _defined() -> Iterator[Layout]:
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        layout = getattr(import_module(module.name), "LAYOUT", None)
        if layout is not None:
            yield layout


LAYOUTS = find_layouts()
