"""A lab's work with the client that needs no worker: annotations, versions, predictions of other code, comparison."""

import pandas as pd
import pytest

from mer_client import Conflict, MerError, PredictionLog, Version, WorkFailed
from models_ml.config import RunConfig
from models_ml.nets.build import build
from models_ml.training.model import TrainedModel

LABELS = {"happiness": "positive", "disgust": "negative", "surprise": "surprise"}
EMOTIONS = ("happiness", "disgust", "surprise")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(mer, database, make_clip) -> Version:
    """Two subjects with three expressions each."""
    for subject in ("sub01", "sub02"):
        for number, emotion in enumerate(EMOTIONS):
            clip = make_clip(f"EP{number}", subject)
            mer.annotate(clip.pk, 10, 20, 30, emotion=emotion)
    return mer.compose("Six", [database.name], label_map={database.name: LABELS})


def predictions(mer, version: Version, right: int) -> pd.DataFrame:
    """Return predictions of all samples, the first ones right."""
    path = mer.download(f"composite-versions/{version.id}/samples.csv", "samples.csv")
    samples = pd.read_csv(path, encoding="utf-8-sig")
    table = samples[["index", "label", "subject"]].rename(columns={"index": "sample", "label": "predicted"})
    table.loc[right:, "predicted"] = "negative"
    return table


def test_predictions_of_other_code_are_stored_and_compared(mer, version, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = predictions(mer, version, 4)
    plain = table[["sample", "predicted"]]
    assert mer.log_predictions(version, plain, "Theirs", dry_run=True)["run"] is None
    theirs = mer.log_predictions(version, plain, "Theirs")["run"]["id"]
    assert mer.log_predictions(version, plain, "Theirs")["run"]["id"] == theirs  # stored once
    with mer.prediction_log(version, "By folds") as log:
        for fold, rows in table.groupby("subject"):
            log.add(rows[["sample", "predicted"]], fold=str(fold))
    assert not log.path.exists()

    compared = mer.compare([theirs, log.run["id"]])
    assert list(compared["run"]) == [theirs, log.run["id"]]
    assert compared["uf1"][0] == compared["uf1"][1]
    assert compared["uf1_difference"][1] == 0
    assert {"uf1_low", "uf1_high", "uar", "uar_p", "reason"} <= set(compared.columns)
    assert len(mer.predictions(theirs)) == 6
    assert [run.name for run in mer.runs(state="finished")] != []


def test_incomplete_predictions_are_refused_and_stay_in_the_log(mer, version, tmp_path):
    log = mer.prediction_log(version, "Half", tmp_path / "half.jsonl")
    log.add([{"sample": 0, "predicted": "positive"}], fold="sub01")
    with pytest.raises(MerError, match=r"Nothing was stored\.\n.*sample"):
        log.store()
    assert len(PredictionLog(mer, version, "Half", tmp_path / "half.jsonl").rows) == 1


def test_annotations_go_out_and_come_back(mer, version, tmp_path):
    sheet = mer.export_annotations(tmp_path / "coding.xlsx", "casme2.xlsx")
    report = mer.import_annotations(sheet, coders="names", dry_run=True)
    assert report["problems"] == []
    assert mer.import_annotations(sheet)["state"]
    assert len(list(mer.annotations())) == 6


def test_a_change_does_not_overwrite_another(mer, clip):
    mark = mer.annotate(clip.pk, 1, 2, 3)
    changed = mer.change_annotation(mark, apex=1)
    assert (changed.apex, changed.revision) == (1, mark.revision + 1)
    with pytest.raises(Conflict) as caught:
        mer.change_annotation(mark, apex=2)
    assert (caught.value.status, caught.value.data["current"]["apex"]) == (412, 1)


def test_a_clip_that_cannot_be_read_is_an_error_in_words(mer, database, work, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    clip = mer.upload(broken, database=database.id, subject="s1")
    work()
    with pytest.raises(WorkFailed, match="“broken” cannot be used"):
        mer.wait_for_clip(clip)


def test_a_model_is_imported_in_parts_and_checked(connect, project, work, tmp_path):
    def work_while_it_waits(request, number):
        if request.method == "GET" and "/models/" in str(request.url):
            work()
        return ""

    config = RunConfig.model_validate({"net": {"name": "majority"}})
    path = tmp_path / "model.safetensors"
    path.write_bytes(TrainedModel(config, build(config.net).eval()).save_bytes())
    client = connect(work_while_it_waits)
    model = client.import_model(path, project.pk, name="Theirs", origin="Lab B")
    assert (model.name, model.data["state"], model.data["imported"]) == ("Theirs", "ready", True)
    assert client.line.bytes_sent() == path.stat().st_size
    with pytest.raises(MerError, match="the same weights"):
        client.import_model(path, project.pk)


def test_a_log_survives_a_kill_in_the_middle_of_a_line(tmp_path):
    path = tmp_path / "log.jsonl"
    log = PredictionLog(None, 3, "Theirs", path)
    log.add([{"sample": 0, "predicted": "positive"}], fold="s1")
    with path.open("a") as file:
        file.write('[{"sample": 1, "pre')
    again = PredictionLog(None, 3, "Theirs", path)
    assert again.folds == {"s1"}
    again.add([{"sample": 1, "predicted": "negative"}], fold="s2")
    assert PredictionLog(None, 3, "Theirs", path).folds == {"s1", "s2"}
    with pytest.raises(MerError, match="another version or method"):
        PredictionLog(None, 4, "Theirs", path)
    with pytest.raises(MerError, match="there already"):
        again.add([], fold="s1")
