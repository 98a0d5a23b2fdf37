"""Launching and cancelling runs; results come from stored predictions."""

import pytest

from mer_platform.annotation.models import Consensus
from mer_platform.composites.services import freeze
from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Role
from tests.api.finished_runs import finished
from tests.api.problems import errors_of, field_errors

pytestmark = [pytest.mark.django_db, pytest.mark.services]
URL = "/api/v1/runs/"
# (subject, true class, predicted class): the ten samples of the example in models_ml.evaluation.metrics
HAND_WORKED = [
    ("a", 0, 0), ("a", 0, 0), ("b", 0, 0), ("b", 0, 0), ("b", 0, 1),
    ("c", 1, 1), ("c", 1, 1), ("d", 1, 2), ("d", 2, 2), ("e", 2, 0),
]  # fmt: skip
WORDS = ["disgust", "happiness", "surprise"]
CLASSES = ["negative", "positive", "surprise"]


@pytest.fixture
def version(project, database, make_clip, alice):
    for number, (subject, true, _) in enumerate(HAND_WORKED):
        clip = make_clip(f"clip{number:02}", subject)
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=WORDS[true], origin="adopted")
    label_map = {database.name: dict(zip(WORDS, CLASSES, strict=True))}
    return freeze(project, "Ten", [database], label_map, alice)


@pytest.fixture
def finished_run(version, alice):
    return finished(version, [predicted for _, _, predicted in HAND_WORKED], alice)


def test_it_launches_a_run_with_one_fold_per_subject(api, version):
    answer = api.post(URL, {"version": version.pk, "config": {"seed": 7}})
    assert answer.status_code == 202
    run = Run.objects.get(pk=answer.json()["id"])
    assert list(run.folds.values_list("name", flat=True)) == [f"CASME II/{s}" for s in "abcde"]
    assert run.config["seed"] == 7
    assert run.config["net"]["kernels"] == [2, 3, 4, 5, 6]
    assert Job.objects.filter(group=run.group, kind="features").exists()


@pytest.mark.parametrize(
    ("config", "place", "words"),
    [
        ({"net": {"kernels": [2, 9]}}, "net.kernels.1", "Kernel 9 is larger than the 6×6 map after layer 2"),
        ({"net": {"placement": 4}}, "net.placement", "after the last layer"),
        ({"train": {"epochs": 0}}, "train.epochs", "Must be 1 or more, not 0."),
        ({"trane": {}}, "trane", "This setting does not exist."),
        ("fast", "config", ""),
    ],
)
def test_errors_of_a_configuration_name_the_setting(api, version, config, place, words):
    answer = api.post(URL, {"version": version.pk, "config": config})
    assert answer.status_code == 400
    assert words in errors_of(answer, f"config.{place}".removesuffix(".config"))[0]
    assert not Run.objects.exists()


def test_it_reports_all_errors_at_once(api, project):
    wrong = {"net": {"kernels": [2, 9]}, "train": {"epochs": 0}}
    answer = api.post(URL, {"version": 999, "config": wrong})
    assert set(field_errors(answer)) == {"/version", "/config/net/kernels/1", "/config/train/epochs"}


def test_the_metrics_equal_the_hand_worked_example(api, finished_run):
    results = api.get(f"{URL}{finished_run.pk}/").json()["results"]
    assert results["uf1"] == pytest.approx((0.8 + 2 / 3 + 0.5) / 3)
    assert results["uar"] == pytest.approx((4 / 5 + 2 / 3 + 1 / 2) / 3)
    assert results["accuracy"] == pytest.approx(0.7)
    assert results["confusion"] == [[4, 1, 0], [0, 2, 1], [1, 0, 1]]
    low, high = results["intervals_95"]["uf1"]
    assert low <= results["uf1"] <= high


def test_each_sample_has_one_prediction(api, finished_run):
    predictions = api.get(f"{URL}{finished_run.pk}/predictions/").json()["results"]
    assert [p["sample"] for p in predictions] == list(range(10))


def test_it_cancels_a_run_and_its_waiting_jobs(api, version):
    run = api.post(URL, {"version": version.pk}).json()
    answer = api.post(f"{URL}{run['id']}/cancel/")
    assert answer.json()["state"] == "cancelled"
    group = Run.objects.get(pk=run["id"]).group
    assert set(Job.objects.filter(group=group).values_list("state", flat=True)) == {"cancelled"}


def test_a_finished_run_cannot_be_cancelled(api, finished_run):
    assert api.post(f"{URL}{finished_run.pk}/cancel/").status_code == 409


def test_annotators_do_not_see_true_labels(project, finished_run, member):
    answer = member(project, "carol", Role.ANNOTATOR).get(f"{URL}{finished_run.pk}/predictions/")
    assert answer.status_code == 403


def test_annotators_cannot_launch(project, version, member):
    assert member(project, "carol", Role.ANNOTATOR).post(URL, {"version": version.pk}).status_code == 403


def test_it_offers_the_schema_of_a_configuration(api):
    schema = api.get("/api/v1/run-config-schema/").json()
    assert schema["$defs"]["VggMSpp"]["properties"]["kernels"]["description"]
