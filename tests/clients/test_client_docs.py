"""The Python of the pages about the client runs, against a server that works."""

import re

import pytest

from mer_client import Client
from tests.docs.markdown import Part, blocks
from tests.lab import barcode_clips

PAGES = ("docs/client.md", "docs/recipes-api.md")
LABELS = {"happiness": "positive", "disgust": "negative", "repression": "negative", "surprise": "surprise"}


def python_of(page: str) -> list[Part]:
    return [block for block in blocks("python") if block.place.startswith(f"{page}:")]


@pytest.fixture
def laboratory(live_server, token, project, database, work, tmp_path, monkeypatch) -> Client:
    """A server that works while a client waits, with a version and a model in production; files in the current folder."""
    monkeypatch.setenv("MER_URL", live_server.url)
    monkeypatch.setenv("MER_TOKEN", token)
    monkeypatch.chdir(tmp_path)
    perform = Client._perform

    def with_workers(client: Client, step):
        asks = getattr(step, "method", "") == "GET"
        if asks and ("wait" in (step.params or {}) or re.search(r"/models/\d+/(export/)?$", step.path)):
            work()
        return perform(client, step)

    monkeypatch.setattr(Client, "_perform", with_workers)
    database.emotions = []
    database.save()
    mer = Client()
    (tmp_path / "clips").mkdir()
    made = barcode_clips(tmp_path / "clips", clips_per_subject=2)
    for lab_clip in made:
        spec = lab_clip.spec
        clip = mer.wait_for_clip(
            mer.upload(lab_clip.path, database=database.name, subject=spec.subject, fps=200)
        )
        mer.annotate(clip, spec.onset, spec.apex, spec.offset, emotion=spec.emotion)
    videos = [lab_clip.path for lab_clip in made if lab_clip.path.suffix == ".mp4"]
    for number, path in enumerate(videos[:2], 1):
        (tmp_path / f"EP0{number}.mp4").write_bytes(path.read_bytes())
    version = mer.compose("Six", [database.name], label_map={database.name: LABELS})
    run = mer.wait_for_run(mer.train(version, {"train": {"epochs": 1}, "net": {"kernels": [2, 3]}}))
    mer.promote(run, "First", reason="It is the only one.", stage="production")
    return mer


@pytest.mark.django_db(transaction=True)
def test_the_python_of_both_pages_runs(laboratory, capsys):
    for page in PAGES:
        names = {"__name__": "__main__"}
        for block in python_of(page):
            exec(compile(block.text, block.place, "exec"), names)  # noqa: S102 (our own pages)
    printed = capsys.readouterr().out
    for text in ("Alice's lab owner", "ready", "expression", "2 rows x 14 columns"):
        assert text in printed, printed
