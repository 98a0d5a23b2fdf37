"""The REST API of experiments: launch, estimate, pause and cancel, errors and roles."""

import pytest

from mer_platform.experiments.models import Experiment, Prediction, Run
from mer_platform.jobs.models import Job, Worker
from mer_platform.projects.models import Role
from models_ml.config import NET_CONFIGS
from tests.api.problems import errors_of, field_errors
from tests.pictures import freeze_pictures
from workers import presence

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/experiments/"
GRID = {"net.placement": [1, 2], "net.kernels": [[2, 3], [2, 3, 4]]}


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def launched(api, version) -> dict:
    answer = api.post(URL, {"version": version.pk, "grid": GRID, "seeds": [0, 1], "name": "Pyramids"})
    assert answer.status_code == 202, answer.json()
    return answer.json()


def test_it_launches_every_combination_with_every_seed(launched):
    assert len(launched["runs"]) == 8
    assert launched["runs"][0]["values"] == {"net.placement": 1, "net.kernels": [2, 3], "seed": 0}
    assert (launched["name"], launched["state"], launched["progress"]["folds_total"]) == (
        "Pyramids",
        "running",
        48,
    )


def test_the_list_has_progress_but_no_runs(api, launched):
    [row] = api.get(URL).json()["results"]
    assert row["progress"]["runs_total"] == 8
    assert "runs" not in row
    assert api.get(f"{URL}{launched['id']}/").json()["runs"] == launched["runs"]
    assert api.get(f"/api/v1/runs/?experiment={launched['id']}").json()["count"] == 8


def test_a_preset_can_be_changed(api, version):
    asked = {"version": version.pk, "preset": "peers", "base": {"train": {"epochs": 2}}, "seeds": [3]}
    experiment = Experiment.objects.get(pk=api.post(URL, asked).json()["id"])
    runs = list(experiment.runs.all())
    assert {run.config["net"]["name"] for run in runs} == set(NET_CONFIGS)
    assert {(run.config["train"]["epochs"], run.seed) for run in runs} == {(2, 3)}


@pytest.mark.parametrize(
    ("asked", "place", "words"),
    [
        ({"grid": {"net.kernels": [[2], [3], [2, 9]]}}, "grid.net.kernels.2", "Kernel 9 is larger than the 6×6 map"),
        ({"base": {"train": {"epochs": 0}}}, "base.train.epochs", "Must be 1 or more, not 0."),
        ({"base": "fast"}, "base", "Must be an object with named values, not “fast”."),
        ({"grid": [1]}, "grid", "Must be an object with named values"),
        ({"seeds": [0, "x"]}, "seeds.1", "Must be a whole number, not “x”."),
        ({"seeds": 3, "preset": "peers"}, "seeds", "Must be a list, not 3."),
        ({"base": {"protocol": "kfold", "folds": 7}}, "base.protocol", "7 folds need at least 7 subjects"),
        ({"preset": "nothing"}, "preset", "Must be one of"),
        ({"device": "tpu"}, "device", "Must be one of"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("url", [URL, f"{URL}estimate/"])
def test_errors_name_the_setting(api, version, asked, place, words, url):
    answer = api.post(url, {"version": version.pk, **asked})
    assert answer.status_code == 400
    assert words in errors_of(answer, place)[0]
    assert not Experiment.objects.exists()


def test_it_reports_all_errors_at_once(api, project):
    asked = {
        "version": 999,
        "priority": 11,
        "base": {"train": {"epochs": 0}},
        "grid": {"net.kernels": [[2], [2, 9]]},
        "seeds": [0, "x"],
    }
    wrong = {"/version", "/priority", "/base/train/epochs", "/grid/net.kernels/1", "/seeds/1"}
    assert set(field_errors(api.post(URL, asked))) == wrong


def test_the_priority_has_bounds(api, version):
    answer = api.post(URL, {"version": version.pk, "priority": 11})
    assert "Must be 10 or less" in errors_of(answer, "priority")[0]


def test_an_estimate_stores_nothing(api, version):
    answer = api.post(f"{URL}estimate/", {"version": version.pk, "preset": "spp-study"}).json()
    assert (answer["runs"], answer["folds"], answer["queue"]) == (25, 150, "training")
    assert answer["seconds"] > 0
    assert (answer["features_samples"], answer["features_pictures"], answer["features_seconds"]) == (0, 0, 0)
    assert not Job.objects.exists()


def test_it_is_paused_resumed_and_cancelled(api, launched):
    url = f"{URL}{launched['id']}/"
    for action, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        answer = api.post(f"{url}{action}/")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
        again = api.post(f"{url}{action}/")
        assert again.status_code == 409
        assert f"nothing to {action}" in again.json()["detail"]


def test_seeds_are_added_and_failed_runs_run_again(api, launched):
    url = f"{URL}{launched['id']}/"
    assert len(api.post(f"{url}add-seeds/", {"seeds": [7]}).json()["runs"]) == 12
    assert "already" in errors_of(api.post(f"{url}add-seeds/", {"seeds": [7]}), "seeds")[0]
    assert api.post(f"{url}add-seeds/", {"seeds": ["x"]}).status_code == 400
    assert api.post(f"{url}rerun-failed/").status_code == 409
    Run.objects.update(state=Run.State.FAILED, error="broken")
    assert {run["state"] for run in api.post(f"{url}rerun-failed/").json()["runs"]} == {"features"}


def test_one_failed_run_runs_again_while_the_others_continue(api, launched):
    url = f"/api/v1/runs/{launched['runs'][2]['id']}/rerun/"
    refused = api.post(url)
    assert refused.status_code == 409
    assert "it is computing features. Only failed runs can run again" in refused.json()["detail"]
    Run.objects.filter(pk=launched["runs"][2]["id"]).update(state=Run.State.FAILED, error="broken")
    again = api.post(url)
    assert (again.status_code, again.json()["state"], again.json()["error"]) == (202, "features", "")
    experiment = api.get(f"{URL}{launched['id']}/").json()
    assert (experiment["state"], experiment["progress"]["runs_failed"]) == ("running", 0)


def test_the_final_model_of_a_run_is_trained_on_request(api, launched):
    url = f"/api/v1/runs/{launched['runs'][0]['id']}/train-model/"
    assert api.post(url).status_code == 409
    run = Run.objects.get(pk=launched["runs"][0]["id"])
    Prediction.objects.create(
        run=run,
        fold=run.folds.first(),
        sample=run.version.samples.first(),
        probabilities=[1, 0, 0],
        predicted="negative",
    )
    Run.objects.update(state=Run.State.FINISHED)
    assert api.post(url).json()["state"] == "finishing"


def test_viewers_read_and_researchers_act(project, launched, version, member, bobs_api):
    viewer = member(project, "carol", Role.VIEWER)
    url = f"{URL}{launched['id']}/"
    assert viewer.get(url).status_code == 200
    assert viewer.post(f"{URL}estimate/", {"version": version.pk}).status_code == 200
    for answer in (
        viewer.post(URL, {"version": version.pk}),
        *(viewer.post(f"{url}{name}/") for name in ("pause", "resume", "cancel", "rerun-failed")),
        viewer.post(f"{url}add-seeds/", {"seeds": [9]}),
        viewer.post(f"/api/v1/runs/{launched['runs'][0]['id']}/train-model/"),
        viewer.post(f"/api/v1/runs/{launched['runs'][0]['id']}/rerun/"),
    ):
        assert answer.status_code == 403
    assert bobs_api.get(url).status_code == 404
    assert bobs_api.post(URL, {"version": version.pk}).status_code == 400


def test_workers_are_listed_with_what_they_do_for_the_caller(api, bobs_api, launched):
    presence.register(["training"])
    Worker.objects.update(job=Job.objects.first())
    [mine] = api.get("/api/v1/workers/").json()["results"]
    assert (mine["queues"], mine["busy"], mine["job"]["kind"]) == (["training"], True, "features")
    [seen_by_bob] = bobs_api.get("/api/v1/workers/").json()["results"]
    assert (seen_by_bob["busy"], seen_by_bob["job"]) == (True, None)
