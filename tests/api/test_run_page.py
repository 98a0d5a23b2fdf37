"""The page of a finished run: its protocol, its network, its epochs, and the leaky scores."""

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Database
from mer_platform.composites.services import freeze
from mer_platform.experiments.runs.epochs import chosen_epochs, oracle_of
from mer_platform.experiments.runs.serializers import LeakyOracleSerializer, ResultsSerializer
from models_ml.classes import CLASSES
from tests.api.finished_runs import finished

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
WORDS = ["disgust", "happiness", "surprise"]
TRUE = [0, 1, 2] * 2 + [0, 1] * 2  # two subjects of CASME II, two of SMIC


@pytest.fixture
def version(project, database, make_clip, alice):
    smic = Database.objects.create(project=project, name="SMIC", fps=100, emotions=WORDS)
    for number, true in enumerate(TRUE):
        of_smic = number >= 6
        clip = make_clip(
            f"clip{number:02}", f"s{number // (2 if of_smic else 3)}", smic if of_smic else database
        )
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=WORDS[true], origin="adopted")
    words = dict(zip(WORDS, CLASSES, strict=True))
    return freeze(project, "Ten", [database, smic], {database.name: words, "SMIC": words}, alice)


@pytest.fixture
def page(client, alice, project):
    client.force_login(alice)

    def get(run) -> str:
        return client.get(reverse("run", args=[project.slug, run.pk])).content.decode()

    return get


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "Leave one subject out, on"),
        ({"protocol": "lodo"}, "Leave one database out, on"),
        ({"protocol": "kfold", "folds": 2}, "2 folds of whole subjects, on"),
        (
            {"protocol": "cross", "train_on": ["SMIC"], "test_on": ["CASME II"]},
            "Trained on SMIC, tested on CASME II, on",
        ),
    ],
)
def test_each_protocol_is_described_in_words(page, version, alice, config, words):
    assert words in page(finished(version, TRUE, alice, **config))


def test_it_shows_the_facts_and_settings_of_the_network(page, version, alice):
    shown = page(finished(version, TRUE, alice, net={"name": "ststnet"}, ensemble=3))
    for fact in (
        "STSTNet",
        "Liong et al., FG 2019",
        "1,683",
        "390,000 per sample of 28×28",
        "Networks per fold",
    ):
        assert fact in shown
    assert "Placement" not in shown


def test_a_database_of_one_subject_has_no_interval(page, version, alice):
    config = {"protocol": "cross", "train_on": ["CASME II"], "test_on": ["SMIC"]}
    run = finished(version, TRUE, alice, **config)
    run.predictions.filter(sample__subject="s4").delete()
    assert "no interval" in page(run)


def test_chosen_epochs_and_validation_losses_are_shown(client, page, project, version, alice):
    run = finished(version, TRUE, alice, train={"epochs": 3, "epoch_choice": "validation"})
    run.folds.update(losses=[3, 2, 1], validation_losses=[2, 1, 2], epoch=2)
    assert chosen_epochs(run) == {2: 4}
    assert "Chosen epochs" in page(run)
    assert client.get(reverse("figure", args=[project.slug, run.pk, "epochs"])).json()["data"][0]["y"] == [4]
    losses = client.get(reverse("figure", args=[project.slug, run.pk, "losses"])).json()["data"]
    named = {trace["name"]: trace["y"] for trace in losses if "name" in trace}
    assert named == {"training, mean of the folds": [3, 2, 1], "validation, mean of the folds": [2, 1, 2]}


@pytest.fixture
def watched(version, alice):
    """A run that predicts negative for each sample; its second epoch would have been correct for all."""
    run = finished(version, [0] * 10, alice, train={"epochs": 2, "oracle": True})
    for fold in run.folds.all():
        labels = [CLASSES.index(p.sample.label) for p in fold.predictions.order_by("sample__index")]
        fold.oracle = [[0] * len(labels), labels]
        fold.save()
    return run


def test_oracle_scores_are_shown_as_leaky(page, watched):
    oracle = oracle_of(watched)
    assert (oracle.common_epoch, oracle.common.uf1, oracle.fold_epochs) == (2, 1.0, [2, 2, 2, 2])
    assert "Leaky: epochs chosen on the test subjects, only for comparison with papers that do so." in page(
        watched
    )


def test_the_api_marks_oracle_scores_as_leaky(api, watched):
    results = api.get(f"/api/v1/runs/{watched.pk}/").json()["results"]
    leaky = results["leaky_oracle"]
    assert "the run's own results do not use it" in leaky["note"]
    assert (leaky["common_epoch"], leaky["common"]["uf1"], leaky["per_fold"]["uf1"]) == (2, 1.0, 1.0)
    assert results["accuracy"] == 0.4
    assert results.keys() == ResultsSerializer().fields.keys()
    assert leaky.keys() == LeakyOracleSerializer().fields.keys()


def test_there_are_no_oracle_scores_if_none_were_recorded(api, page, version, alice):
    run = finished(version, TRUE, alice)
    assert api.get(f"/api/v1/runs/{run.pk}/").json()["results"]["leaky_oracle"] is None
    assert "leaky" not in page(run)
