"""The finder of plotly.js, which comes in a Python package that is not a Django app."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

NAME = "plotly.min.js"


class PlotlyFinder(BaseFinder):
    """Finds ``vendor/plotly/plotly.min.js`` in the installed plotly package, without importing it."""

    prefix = "vendor/plotly"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        spec = find_spec("plotly")
        folders = (spec.submodule_search_locations if spec else None) or []
        self.storage = FileSystemStorage(location=Path(next(iter(folders), "")) / "package_data")
        # collectstatic copies the file to this folder, as it does for STATICFILES_DIRS with a prefix.
        self.storage.prefix = self.prefix  # type: ignore[attr-defined]

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = path == f"{self.prefix}/{NAME}" and self.storage.exists(NAME)
        if find_all:
            return [self.storage.path(NAME)] if found else []
        return self.storage.path(NAME) if found else None

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        if self.storage.exists(NAME):
            yield NAME, self.storage
