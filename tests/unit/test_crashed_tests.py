"""A test that crashes its process fails by name; the other tests still run."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_report_names_the_test_that_crashed(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        "import os\ndef test_that_aborts(): os.abort()\ndef test_other(): pass\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "1",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:django",
        str(tmp_path),
    ]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DJANGO"))
    }
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "crashed while running 'test_one.py::test_that_aborts'" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
