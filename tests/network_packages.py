"""Packages with networks, installed into a folder as pip would, without building them."""

import os
import shutil
import tomllib
from pathlib import Path

from models_ml.nets.plugins import GROUP

EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "network-package"


def install(source: Path, target: Path) -> None:
    """Copy the packages of a source tree, and write the metadata that its pyproject.toml declares."""
    project = tomllib.loads((source / "pyproject.toml").read_text())
    for package in project["tool"]["setuptools"]["packages"]:
        shutil.copytree(source / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    about = project["project"]
    register(target, about["name"], about["version"], about["entry-points"][GROUP])


def register(target: Path, name: str, version: str, points: dict[str, str]) -> None:
    """Write the metadata of a package with these entry points."""
    folder = target / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"[{GROUP}]", *(f"{key} = {value}" for key, value in points.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")


def environment(target: Path) -> dict[str, str]:
    """Return the environment of a process that finds the packages in this folder."""
    return {**os.environ, "PYTHONPATH": f"{target}{os.pathsep}{Path(__file__).resolve().parents[1]}"}
