"""The Django project: what is stored and what the web shows."""

import tomllib
from pathlib import Path

_PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
__version__: str = tomllib.loads(_PYPROJECT.read_text("utf-8"))["project"]["version"]
