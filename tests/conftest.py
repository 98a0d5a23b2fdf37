import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_clips() -> Path:
    """The folder of real test clips; they show real people and are not part of the repository."""
    folder = Path(os.environ.get("MER_TEST_CLIPS", ROOT.parent / "shared" / "data" / "clips"))
    if not folder.is_dir():
        pytest.skip(f"no real clips at {folder}: set MER_TEST_CLIPS")
    return folder
