"""A full disk: clips wait for it, and become ready with the same bytes."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models_ml.video.ingest import ingest
from tests.lab import barcode_clips
from tests.live import LivePlatform, wait_until

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(900)]


@pytest.fixture
def platform(tmp_path) -> Iterator[LivePlatform]:
    live = LivePlatform(tmp_path, MER_WORKERS="2")
    yield live
    live.close()


class Clips:
    """Clips of a lab that are uploaded, and the frame packs that an undisturbed computer makes of them."""

    def __init__(self, platform: LivePlatform, folder: Path) -> None:
        self._platform, self._made = platform, barcode_clips(folder, 1, 2)
        self._api = platform.api()
        project = self._api.post("projects/", {"name": "Outages"})["id"]
        fields = {"project": project, "name": "Lab", "fps": 200}
        self._database = self._api.post("databases/", fields)["id"]
        self.expected = {self._pack(clip.path, folder) for clip in self._made}

    @staticmethod
    def _pack(path: Path, folder: Path) -> str:
        pack = folder / "expected.bin"
        with pack.open("w+b") as file:
            ingest(path, file, fps=200 if path.suffix == ".zip" else None)
        return hashlib.sha256(pack.read_bytes()).hexdigest()

    def upload(self) -> None:
        for clip in self._made:
            with clip.path.open("rb") as file:
                fields = {"database": self._database, "subject": clip.spec.subject}
                self._api.post("clips/", fields, {"file": (clip.path.name, file)})

    def states(self) -> list[str]:
        return [clip["state"] for clip in self._api.get("clips/")["results"]]

    def check_all_ready(self) -> float:
        """Wait until all clips are ready; return the seconds. Compare the packs bit for bit with the undisturbed ones."""
        began = time.monotonic()

        def over() -> bool:
            states = self.states()
            assert "failed" not in states
            return states == ["ready"] * len(self._made)

        wait_until(over, "all clips", 300)
        packs = (self._platform.folder / "data" / "media" / "packs").rglob("*.bin")
        assert {hashlib.sha256(pack.read_bytes()).hexdigest() for pack in packs} == self.expected
        return time.monotonic() - began


def test_clips_wait_for_a_full_disk(platform, tmp_path, capsys):
    media = platform.folder / "data" / "media"
    media.mkdir(parents=True)
    media.parent.chmod(0o700)
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256m,mode=700", "tmpfs", media], check=False
    ).returncode:
        pytest.skip("this process may not mount a disk")
    try:
        clips = Clips(platform.start(), tmp_path)
        for pid in platform.pool():
            os.kill(pid, signal.SIGSTOP)  # until the disk is full
        clips.upload()
        filler = media / "filler"
        with filler.open("wb") as file:
            free = shutil.disk_usage(media).free
            file.write(b"\0" * (free - 64 * 1024))
        for pid in platform.pool():
            os.kill(pid, signal.SIGCONT)
        time.sleep(20)
        assert set(clips.states()) == {"processing"}
        filler.unlink()
        seconds = clips.check_all_ready()
    finally:
        platform.close()
        subprocess.run(["umount", "-l", media], check=True)
    report(capsys, f"disk full 20 s: all clips ready {seconds:.0f} s later, no bit changed")


def report(capsys, line: str) -> None:
    with capsys.disabled():
        print(f"\n{line}")
