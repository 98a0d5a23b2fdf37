"""The platform is killed right after a deletion: the files go after its next start."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow_lab import flow_version
from tests.live import LivePlatform, wait_until

pytestmark = [pytest.mark.services]


@pytest.fixture
def platform(tmp_path) -> Iterator[LivePlatform]:
    live = LivePlatform(tmp_path, MER_WORKERS="1", MER_UPKEEP_SECONDS="5")
    try:
        yield live.start()
    finally:
        live.close()


def test_files_of_a_deleted_project_go_although_the_platform_was_killed(platform: LivePlatform):
    api = platform.api()
    flow_version(platform, api, 3, 1)
    media = platform.folder / "data" / "media"
    assert len(stored(media)) == 3
    for file in stored(media):  # what was stored a moment ago is removed only minutes later
        os.utime(file, (time.time() - 86_400,) * 2)
    [project] = api.get("projects/")["results"]
    api.delete(f"projects/{project['id']}/")
    platform.kill_workers()
    platform.wait()
    platform.start()
    wait_until(lambda: not stored(media), "the files to be removed")
    assert "orphan:" not in platform.manage("storage", "check")


def stored(media: Path) -> list[Path]:
    return [file for file in media.rglob("*") if file.is_file()]
