"""Scores and comparisons that the API answers equal scikit-learn, SciPy and statsmodels on the same predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score, recall_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from mer_platform.composites.models import Composite, CompositeVersion, Sample, content_hash
from mer_platform.experiments import services
from mer_platform.experiments.models import Run
from models_ml.classes import CLASSES
from models_ml.config import RunConfig
from tests.api.finished_runs import finished
from tests.api.problems import errors_of
from tests.pictures import add_picture

pytestmark = pytest.mark.django_db
# Database, subject and classes: SMIC has no surprise, and each subject of SAMM has one sample.
PEOPLE = [
    ("CASME II", "sub01", [0, 1, 2, 0]),
    ("CASME II", "sub02", [0, 2, 1]),
    ("CASME II", "sub03", [2, 2, 0]),
    ("SMIC", "s01", [0, 1, 1, 0]),
    ("SMIC", "s02", [1, 0, 0]),
    ("SAMM", "006", [2]),
    ("SAMM", "007", [0]),
    ("SAMM", "009", [1]),
]
PROTOCOLS: list[dict[str, Any]] = [
    {"protocol": "loso"},
    {"protocol": "lodo"},
    {"protocol": "kfold", "folds": 3},
    {"protocol": "cross", "train_on": ["CASME II"], "test_on": ["SMIC", "SAMM"]},
]


@pytest.fixture
def version(project) -> CompositeVersion:
    samples = []
    for database, subject, labels in PEOPLE:
        for number, label in enumerate(labels):
            name = f"{subject}_{number}"
            picture = add_picture(project, database, subject, name, CLASSES[label], len(samples))
            samples.append(
                Sample(
                    index=len(samples),
                    picture=picture,
                    name=name,
                    content_sha256=picture.sha256,
                    database=database,
                    subject=subject,
                    apex_from=Sample.ApexFrom.PICTURE,
                    emotion=CLASSES[label],
                    label=CLASSES[label],
                )
            )
    composite = Composite.objects.create(project=project, name="Uneven")
    version = CompositeVersion.objects.create(
        composite=composite, number=1, label_map={}, content_hash=content_hash(samples)
    )
    for sample in samples:
        sample.version = version
    Sample.objects.bulk_create(samples)
    return version


def guesses(seed: int) -> list[int]:
    rng = np.random.default_rng(seed)
    true = [label for _, _, labels in PEOPLE for label in labels]
    return [int(label if rng.random() < 0.6 else rng.integers(3)) for label in true]


def outcomes(run: Run) -> tuple[list[int], list[int], list[str]]:
    """Return true and predicted classes and the databases of the samples that the run predicted."""
    rows = run.predictions.order_by("sample__index").values_list(
        "sample__label", "predicted", "sample__database"
    )
    return (
        [CLASSES.index(label) for label, _, _ in rows],
        [CLASSES.index(predicted) for _, predicted, _ in rows],
        [database for _, _, database in rows],
    )


def assert_scores(answer: dict[str, Any], true: Sequence[int], predicted: Sequence[int]) -> None:
    either = sorted({*true, *predicted})  # a class that is neither present nor predicted has no F1
    assert answer["samples"] == len(true)
    assert answer["confusion"] == confusion_matrix(true, predicted, labels=range(3)).tolist()
    assert answer["accuracy"] == pytest.approx(accuracy_score(true, predicted))
    assert answer["uf1"] == pytest.approx(f1_score(true, predicted, labels=either, average="macro"))
    present = sorted(set(true))
    assert answer["uar"] == pytest.approx(recall_score(true, predicted, labels=present, average="macro"))


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol["protocol"])
def test_scores_of_a_run_equal_scikit_learns(version, alice, api, protocol):
    run = finished(version, guesses(1), alice, **protocol)
    answer = api.get(f"/api/v1/runs/{run.pk}/").data["results"]
    true, predicted, databases = outcomes(run)
    assert_scores(answer, true, predicted)
    if len(set(true)) == len(CLASSES):
        assert answer["uar"] == pytest.approx(balanced_accuracy_score(true, predicted))
    assert set(answer["per_database"]) == set(databases)
    for database, own in answer["per_database"].items():
        inside = [index for index, name in enumerate(databases) if name == database]
        assert_scores(own, [true[i] for i in inside], [predicted[i] for i in inside])


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol["protocol"])
def test_comparisons_equal_those_of_scipy_and_statsmodels(version, alice, api, protocol):
    runs = [
        finished(version, guesses(seed), alice, **protocol, train={"epochs": 5 + seed}) for seed in range(4)
    ]
    query = "&".join(f"run={run.pk}" for run in runs)
    answer = api.get(f"/api/v1/runs/compare/?{query}").data
    true, first, _ = outcomes(runs[0])
    raw: list[float] = []
    for run, against in zip(runs[1:], answer["against"], strict=True):
        _, second, _ = outcomes(run)
        only_first = sum(a == t != b for t, a, b in zip(true, first, second, strict=True))
        only_second = sum(b == t != a for t, a, b in zip(true, first, second, strict=True))
        test = against["paired"]["mcnemar"]
        assert (test["only_first"], test["only_second"]) == (only_first, only_second)
        table = [[0, only_first], [only_second, 0]]
        assert test["p"] == pytest.approx(mcnemar(table, exact=True).pvalue)
        if only_first + only_second:
            assert test["p"] == pytest.approx(binomtest(only_first, only_first + only_second).pvalue)
        difference = accuracy_score(true, second) - accuracy_score(true, first)
        assert against["paired"]["accuracy"]["difference"] == pytest.approx(difference)
        raw.append(against["paired"]["uf1"]["p"])
    holm = [against["paired"]["uf1"]["p_holm"] for against in answer["against"]]
    assert holm == pytest.approx(multipletests(raw, method="holm")[1])


def test_cancelled_and_failed_runs_have_no_scores_and_are_not_compared(version, alice, api):
    scored = finished(version, guesses(1), alice)
    for state in (Run.State.CANCELLED, Run.State.FAILED):
        run = services.launch(version, RunConfig(seed=7 if state == Run.State.FAILED else 8), alice)
        Run.objects.filter(pk=run.pk).update(state=state)
        assert api.get(f"/api/v1/runs/{run.pk}/").data["results"] is None
        answer = api.get(f"/api/v1/runs/compare/?run={scored.pk}&run={run.pk}")
        assert answer.status_code == 400
        assert f"{run} has no scores to compare; it is {state}" in errors_of(answer, "run")[0]
