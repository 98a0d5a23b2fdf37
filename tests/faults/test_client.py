"""The client and a whole platform: real workers, and servers that are killed in the middle of an upload."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mer_client import Client
from mer_client.operations import uploads
from tests.lab import barcode_clips
from tests.live import ROOT, LivePlatform

LABELS = {"happiness": "positive", "disgust": "negative", "repression": "negative", "surprise": "surprise"}
MEGABYTES = 24


@pytest.fixture(scope="module")
def platform(tmp_path_factory) -> Iterator[LivePlatform]:
    """A platform of these tests alone: they kill it."""
    live = LivePlatform(tmp_path_factory.mktemp("client"))
    try:
        yield live.start()
    finally:
        live.close()


@pytest.fixture
def mer(platform, tmp_path, monkeypatch) -> Iterator[Client]:
    monkeypatch.setenv("MER_STATE_DIR", str(tmp_path / "state"))
    token = platform.manage("create_token", "admin").strip()
    with Client(platform.url, token, retries=10) as client:
        if not list(client.projects()):
            client.create_project("Lab")
        yield client


def large_zip(path: Path) -> str:
    """Write a zip of images that no one can decode, and return its SHA-256: it only has to arrive."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(MEGABYTES):
            archive.writestr(f"img{number}.jpg", os.urandom(1 << 20))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def kill(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def web_workers(platform: LivePlatform) -> list[int]:
    """Return the processes that answer requests; the process that started them starts others in their place."""
    web = [pid for pid in platform.processes() if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    parents = {pid: int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]) for pid in web}
    return [pid for pid in web if parents[pid] in web]


@pytest.mark.campaign
@pytest.mark.parametrize("what", ["web workers", "everything"])
def test_an_upload_survives_sigkill_of_the_server(platform, mer, tmp_path, monkeypatch, what):
    monkeypatch.setattr(uploads, "LARGEST_PART", 1 << 20)
    expected = large_zip(tmp_path / f"{what}.zip")
    database = mer.create_database(f"Killed: {what}", fps=200)
    kills = []

    def progress(arrived: int, size: int) -> None:
        if arrived > size * (len(kills) + 1) / 4 and len(kills) < 3:
            kills.append(arrived)
            if what == "everything":
                kill(platform.processes())
                platform.process.wait()
                platform.start()
            else:
                kill(web_workers(platform))

    clip = mer.upload(tmp_path / f"{what}.zip", database=database, subject="s1", progress=progress)
    assert clip.sha256 == expected
    assert len(kills) == 3


@pytest.mark.campaign
def test_files_become_scores_with_real_workers(platform, mer, tmp_path):
    database = mer.create_database("CASME II", fps=200)
    made = barcode_clips(tmp_path)
    for lab_clip in made:
        spec = lab_clip.spec
        clip = mer.wait_for_clip(
            mer.upload(lab_clip.path, database=database, subject=spec.subject, fps=200), timeout=60
        )
        mer.annotate(clip, spec.onset, spec.apex, spec.offset, emotion=spec.emotion)
    version = mer.compose("Six", [database], label_map={"CASME II": LABELS})
    run = mer.wait_for_run(
        mer.train(version, {"train": {"epochs": 1}, "net": {"kernels": [2, 3]}}), timeout=120
    )
    mer.promote(run, "First", reason="It is the only one.", stage="production", timeout=60)

    videos = [lab_clip.path for lab_clip in made if lab_clip.path.suffix == ".mp4"]
    table = mer.score(videos, timeout=120)
    assert list(table["state"]) == ["done"] * len(videos)
    assert list(table["file"]) == [str(path) for path in videos]

    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "clients/python/src"),
        "MER_URL": platform.url,
        "MER_TOKEN": mer.api.settings.token,
    }
    command = [sys.executable, "-m", "mer_client.cli", "score", *map(str, videos), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [item["state"] for item in json.loads(done.stdout)["items"]] == ["done"] * len(videos)
