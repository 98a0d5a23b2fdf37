"""SIGKILL in the middle of a run costs time and nothing else."""

import os
import signal

import pytest

from tests.lab import barcode_clips

pytestmark = [pytest.mark.services]
CONFIG = {"train": {"epochs": 150}, "net": {"kernels": [2, 3]}}


@pytest.fixture(scope="module")
def labelled_version(live_platform, tmp_path_factory):
    """A frozen version of labelled clips of four subjects, made through the API."""
    api = live_platform.api()
    project = api.post("projects/", {"name": "Faults"})
    database = api.post("databases/", {"project": project["id"], "name": "Lab", "fps": 200})
    clips = barcode_clips(tmp_path_factory.mktemp("clips"), subjects=4, clips_a_subject=3)
    uploaded = []
    for clip in clips:
        with clip.path.open("rb") as file:
            uploaded.append(
                api.post(
                    "clips/",
                    {"database": database["id"], "subject": clip.spec.subject, "fps": 200},
                    files={"file": file},
                )
            )
    for row, clip in zip(uploaded, clips, strict=True):
        live_platform.wait_until(
            lambda pk=row["id"]: api.get(f"clips/{pk}/")["state"] == "ready", "a clip to be ready"
        )
        marks = {"onset": clip.spec.onset, "apex": clip.spec.apex, "offset": clip.spec.offset}
        api.post("annotations/", {"clip": row["id"], "emotion": clip.spec.emotion, **marks})
    label_map = {"Lab": {clip.spec.emotion: LABELS[clip.spec.emotion] for clip in clips}}
    return api.post(
        "composite-versions/",
        {"project": project["id"], "name": "Set", "databases": [database["id"]], "label_map": label_map},
    )


LABELS = {"happiness": "positive", "disgust": "negative", "repression": "negative", "surprise": "surprise"}


def test_a_run_whose_workers_are_killed_ends_as_the_undisturbed_one(live_platform, labelled_version):
    api = live_platform.api()

    def launch() -> int:
        return api.post("runs/", {"version": labelled_version["id"], "config": CONFIG})["id"]

    def finished(run: int) -> bool:
        return api.get(f"runs/{run}/")["state"] == "finished"

    undisturbed = launch()
    live_platform.wait_until(lambda: finished(undisturbed), "the undisturbed run", timeout=180)
    disturbed = launch()
    kills = 0
    for folds in (0, 1, 2):
        live_platform.wait_until(
            lambda n=folds: (
                api.get(f"runs/{disturbed}/")["state"] == "training"
                and api.get(f"runs/{disturbed}/")["progress"]["folds_done"] >= n
            ),
            f"{folds} folds to be done",
            timeout=180,
        )
        for pid in live_platform.worker_pids():
            os.kill(pid, signal.SIGKILL)
            kills += 1
    live_platform.wait_until(lambda: finished(disturbed), "the disturbed run", timeout=180)

    assert kills >= 3
    assert api.get(f"runs/{disturbed}/predictions/") == api.get(f"runs/{undisturbed}/predictions/")
    assert api.get(f"runs/{disturbed}/")["progress"]["folds_done"] == 4
    assert weights(api, disturbed) == weights(api, undisturbed)


def weights(api, run: int) -> list[tuple[str, str]]:
    return [(fold["name"], fold["weights_sha256"]) for fold in api.get(f"runs/{run}/folds/")]
