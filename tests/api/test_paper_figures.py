"""Every chart of runs, comparisons and experiments as a file for a paper, at the address that the page draws it from."""

import io

import pytest
from django.urls import reverse
from PIL import Image

from mer_platform.experiments.comparison import views as comparison_views
from mer_platform.experiments.models import Experiment, Run
from mer_platform.experiments.paper.captions import caption_of
from mer_platform.experiments.runs import views as run_views
from mer_platform.experiments.sweeps import views as sweep_views
from mer_platform.experiments.tables import measured, numbers_in_words
from mer_platform.projects.models import Role
from models_ml.config import SweepConfig
from tests.api.finished_runs import finished
from tests.api.finished_sweeps import finished_sweep
from tests.api.paper_lab import *  # noqa: F403
from tests.api.paper_lab import GOOD, TRUE

pytestmark = [pytest.mark.django_db]
FORMS = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}


def addresses(runs: list[Run]) -> dict[str, dict[str, object]]:
    """The address and the query of each chart."""
    slug, run = runs[0].project.slug, runs[0]
    found = {reverse("figure", args=[slug, run.pk, name]): {} for name in run_views.FIGURES}
    chosen = {"run": [run.pk for run in runs]}
    with_data = set(comparison_views.FIGURES) - {"configurations"}  # these have one seed each
    found |= {reverse("compare-figure", args=[slug, name]): chosen for name in sorted(with_data)}
    experiment = reverse("experiment-figure", args=[slug, run.experiment_id, "losses"])
    return {**found, experiment: {"run": run.pk}}


def test_every_chart_of_an_experiment_is_a_file(browser, version, alice):
    grid = {"train.learning_rate": [1e-3, 2e-3], "train.batch_size": [8, 16]}
    sweep = SweepConfig(base={"train": {"epochs": 2}}, grid=grid)
    experiment = finished_sweep(version, sweep, alice, lambda run: TRUE if run.pk % 2 else GOOD)
    for name in sweep_views.FIGURES:
        address = reverse("experiment-figure", args=[version.project.slug, experiment.pk, name])
        query = {"x": "Learning rate", "y": "Batch size"}
        assert browser.get(address, query).json()["data"], name
        for columns in (1, 2):
            answer = browser.get(address, {**query, "format": "svg", "columns": columns})
            assert answer.status_code == 200, (name, answer.content)
        assert caption_of(sweep_views.DRAWN_BY[name]).endswith(".")


def test_every_chart_is_a_file_in_each_format_and_width(browser, runs):
    for address, query in addresses(runs).items():
        for form, start in FORMS.items():
            columns = 2 if form == "pdf" else 1
            answer = browser.get(address, {**query, "format": form, "columns": columns})
            assert answer.status_code == 200, (address, answer.content)
            assert answer.content.startswith(start)
            assert f".{form}" in answer["Content-Disposition"]


def test_twenty_runs_are_drawn_too(browser, version, alice, runs):
    many = [*runs, *(finished(version, GOOD, alice, seed=seed) for seed in range(1, 19))]
    for name in comparison_views.FIGURES:
        address = reverse("compare-figure", args=[version.project.slug, name])
        answer = browser.get(address, {"run": [run.pk for run in many], "format": "svg"})
        assert answer.status_code == 200, (name, answer.content)


def test_the_file_says_which_runs_version_and_protocol_it_is_of(browser, version, runs):
    address = reverse("compare-figure", args=[version.project.slug, "scores"])
    query = {"run": [run.pk for run in runs], "format": "png"}
    said = Image.open(io.BytesIO(browser.get(address, query).content)).info["Description"]
    assert said.startswith("UF1 and UAR of each run, with 95% intervals. Runs #")
    assert f"#{runs[0].pk} {runs[0].name}" in said
    assert version.content_hash[:12] in said
    assert said.endswith(", leave one subject out.")


def test_the_same_chart_is_the_same_file(browser, runs):
    for address, query in addresses(runs).items():
        first, second = (browser.get(address, {**query, "format": "svg"}).content for _ in range(2))
        assert first == second


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"format": "gif"}, "“gif” is not a format of charts. Choose svg, pdf, png or json."),
        ({"format": "svg", "columns": "3"}, "“3” is not a width of charts. Give 1 or 2 columns."),
    ],
)
def test_what_there_is_not_is_refused_in_words(browser, runs, query, why):
    answer = browser.get(reverse("figure", args=[runs[0].project.slug, runs[0].pk, "confusion"]), query)
    assert answer.status_code == 400
    assert answer.content.decode() == why


def test_an_empty_chart_has_no_file(browser, runs):
    experiment = Experiment.objects.get(pk=runs[0].experiment_id)
    experiment.runs.update(state=Run.State.TRAINING)
    address = reverse("experiment-figure", args=[runs[0].project.slug, experiment.pk, "ranking"])
    assert browser.get(address).json()["data"] == []
    assert browser.get(address, {"format": "svg"}).status_code == 404


def test_a_stranger_gets_no_file(client, runs, bob):
    client.force_login(bob)
    for address, query in addresses(runs).items():
        assert client.get(address, {**query, "format": "svg"}).status_code == 404


def test_a_viewer_gets_files(runs, member, client):
    member(runs[0].project, "vera", Role.VIEWER)
    assert client.login(username="vera", password="correct horse 3")
    address = reverse("figure", args=[runs[0].project.slug, runs[0].pk, "confusion"])
    assert client.get(address, {"format": "svg"}).status_code == 200


def test_differences_of_coders_are_a_file_too(browser, project, runs):
    address = reverse("agreement-figure", args=[project.slug])
    answer = browser.get(address, {"format": "svg"})
    assert answer.status_code == 400
    assert "no data to draw" in answer.content.decode()


def test_each_chart_says_in_a_sentence_what_it_shows():
    for draw in [*run_views.FIGURES.values(), *comparison_views.FIGURES.values()]:
        assert caption_of(draw).endswith(".")


def test_captions_of_many_runs_give_their_numbers(version, alice):
    many = [finished(version, GOOD, alice, seed=seed) for seed in range(9)]
    assert measured(many).startswith(f"Runs {numbers_in_words([run.pk for run in many])}: {version}")
    assert measured([]) == ""
