"""The package can be built without a network, and what is installed from it runs."""

import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import missing

SOURCE = Path(__file__).resolve().parents[2] / "clients" / "python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("setuptools") is None:
        missing("setuptools not found: the wheel of mer-client is not built")
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    copy.mkdir()
    for path in (SOURCE / "src").rglob("*"):  # a build leaves files next to the sources
        if path.is_file() and "__pycache__" not in path.parts and "egg-info" not in str(path):
            target = copy / path.relative_to(SOURCE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    for name in ("pyproject.toml", "README.md"):
        (copy / name).write_bytes((SOURCE / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*build, "-w", str(folder), str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_has_all_modules_the_types_and_the_command(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for path in (SOURCE / "src").rglob("*.py"):
        assert path.relative_to(SOURCE / "src").as_posix() in names
    assert "mer_client/py.typed" in names
    points = next(name for name in names if name.endswith("entry_points.txt"))
    assert "mer = mer_client.cli:main" in zipfile.ZipFile(wheel).read(points).decode()


def test_what_is_installed_runs(wheel, tmp_path):
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(tmp_path),
    ]
    subprocess.run([*install, str(wheel)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "bin" / "mer"), "--version"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("mer "), done.stderr
    where = "import mer_client; print(mer_client.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(str(tmp_path))
