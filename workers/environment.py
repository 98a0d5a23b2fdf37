"""What computed a result: libraries, machine, code and device, to compare when numbers differ."""

import os
import platform
import shutil
import subprocess
import tomllib
from functools import lru_cache
from importlib.metadata import version as library_version
from typing import Any

import torch
from django.conf import settings

from models_ml.nets.registry import PLUGINS

LIBRARIES = ("torch", "numpy", "numba", "opencv-contrib-python-headless", "av", "dlib-bin")


@lru_cache(maxsize=4)
def environment(device: str) -> dict[str, Any]:
    """Return libraries, machine, code and device; ``device`` is "cpu", or "auto" for a GPU if there is one."""
    cuda = device != "cpu" and torch.cuda.is_available()
    return {
        "code": code_commit(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        **{name: library_version(name) for name in LIBRARIES},
        **{f"network {name}": package for name, package in PLUGINS.packages.items()},
    }


def code_commit() -> str:
    """Return the running commit: MER_COMMIT (an image has no repository), the answer of git, or the version."""
    if commit := os.environ.get("MER_COMMIT"):
        return commit
    git = shutil.which("git")
    if git and (settings.BASE_DIR / ".git").exists():
        asked = [
            git,
            "-C",
            str(settings.BASE_DIR),
            "describe",
            "--always",
            "--dirty",
            "--abbrev=40",
            "--exclude=*",
        ]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
        if answer.returncode == 0:
            return answer.stdout.strip()
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    return f"version {project['version']}"
