# ruff: noqa: F811  (fixtures of another module)
"""The figures of a comparison, each with its table: matrices, subjects, curves, and configurations over their seeds."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.annotation.models import Assignment
from mer_platform.composites.models import Sample
from mer_platform.composites.services import freeze
from mer_platform.experiments.comparison.subjects import by_subject
from mer_platform.experiments.comparison.views import FIGURES, TABLES_OF
from mer_platform.experiments.curves import curves_of_runs
from mer_platform.experiments.models import Run
from mer_platform.experiments.results import results_of
from mer_platform.projects.models import Role
from tests.api.external_runs import external
from tests.api.finished_runs import finished
from tests.api.test_comparison import GOOD, POOR, TRUE, browser, good, poor, version  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
OTHER = [0, 1, 1, 0, 1, 2, 2, 1, 2, 0, 1, 2]


@pytest.fixture
def figure(browser, project):
    def get(name: str, *runs: Run, **query) -> dict:
        address = reverse("compare-figure", args=[project.slug, name])
        answer = browser.get(address, {"run": [run.pk for run in runs], **query})
        assert answer.status_code == 200
        return answer.json()

    return get


@pytest.fixture
def on_eight(project, database, version, alice) -> Run:
    """A run on a version without surprise."""
    maps = {database.name: {"disgust": "negative", "happiness": "positive"}}
    return finished(freeze(project, "Eight", [database], maps, alice), [0, 1] * 4, alice)


def test_every_figure_has_axis_titles_and_a_table_with_its_origin(figure, poor, good, version, alice):
    again = [finished(version, pred, alice, seed=1, net={"name": "vgg_m"}) for pred in (GOOD, OTHER)]
    runs = [poor, good, again[0], finished(version, OTHER, alice, seed=1)]
    for name in FIGURES:
        found = figure(name, *runs)
        assert found["data"], name
        assert len(found["tables"]) == len(TABLES_OF.get(name, [name]))
        for table in found["tables"]:
            assert version.content_hash[:12] in table["caption"], name
            assert "leave one subject out" in table["caption"]
            assert table["rows"], name
            assert {len(row) for row in table["rows"]} == {len(table["columns"])}
        for axis in ("xaxis", "yaxis"):
            assert found["layout"][axis]["title"]["text"], name


def test_matrices_share_one_scale(figure, poor, good):
    counts = figure("confusion-counts", poor, good)
    assert [panel["z"] for panel in counts["data"]] == [
        [[4, 0, 0], [4, 0, 0], [4, 0, 0]],
        [[4, 0, 0], [1, 3, 0], [0, 0, 4]],
    ]
    assert {(panel["zmin"], panel["zmax"]) for panel in counts["data"]} == {(0, 4)}
    shares = figure("confusion-shares", poor, good)
    assert shares["data"][1]["z"][1] == [0.25, 0.75, 0]
    assert {(panel["zmin"], panel["zmax"]) for panel in shares["data"]} == {(0, 1)}


def test_differences_from_the_reference_have_a_symmetric_scale_and_signs(figure, poor, good):
    found = figure("confusion-differences", poor, good)
    [panel] = found["data"]
    assert panel["z"][1] == [-0.75, 0.75, 0]
    assert (panel["zmin"], panel["zmax"]) == (-1, 1)
    texts = [note["text"] for note in found["layout"]["annotations"]]
    assert "−75" in texts
    assert "+75" in texts
    assert {note["font"]["color"] for note in found["layout"]["annotations"] if note["text"] == "0"} == {
        "var(--ink-on-diverging-0.500)"
    }


def test_panels_fit_the_width_that_the_page_states(figure, version, alice):
    runs = [finished(version, GOOD, alice, seed=seed) for seed in range(5)]
    for across, columns in (("2", 2), ("5", 5), ("1", 1), ("x", 4), ("0", 4), ("999", 5)):
        layout = figure("confusion-counts", *runs, across=across)["layout"]
        starts = {
            axis["domain"][0]
            for name, axis in layout.items()
            if name.startswith("xaxis") and "domain" in axis
        }
        assert len(starts) == columns


def test_a_class_that_a_version_does_not_have_is_blank(figure, on_eight, alice):
    other = finished(on_eight.version, [0, 0] * 4, alice, seed=1)
    found = figure("confusion-shares", on_eight, other)
    assert found["data"][0]["z"][2] == [None, None, None]
    assert figure("confusion-differences", on_eight, other)["data"][0]["z"][2] == [None, None, None]
    assert figure("roc", on_eight, other, of="surprise")["data"] == []


def test_what_cannot_be_compared_with_the_reference_is_left_out_in_words(figure, poor, good, on_eight):
    for name in ("confusion-differences", "subjects"):
        found = figure(name, poor, on_eight, good)
        assert found["notes"] == [
            f"{poor} is on Twelve v1, {on_eight} on Eight v1. Runs are compared sample by sample, so choose runs on the "
            "same version."
        ]
    assert len(figure("confusion-differences", poor, on_eight)["data"]) == 0
    assert len(figure("confusion-counts", poor, on_eight)["data"]) == 2


def test_runs_by_another_protocol_are_shown_but_not_subtracted(figure, version, poor, alice):
    other = finished(version, GOOD, alice, protocol="kfold", folds=2)
    assert "choose runs with the same protocol" in figure("subjects", poor, other)["notes"][0]
    assert len(figure("scores", poor, other)["data"]) == 2


def test_subjects_are_sorted_by_disagreement(poor, good, version, alice):
    third = finished(version, OTHER, alice, seed=4)
    found = by_subject([poor, good, third])
    for row in found.rows:
        samples = [int(row.subject[-1]) * 3 + k for k in range(3)]
        right = [[pred[k] == TRUE[k] for k in samples] for pred in (POOR, GOOD, OTHER)]
        pairs = [(0, 1), (0, 2), (1, 2)]
        expected = sum(right[a][k] != right[b][k] for a, b in pairs for k in range(3)) / 3
        assert row.disagreement == pytest.approx(expected)
        assert row.correct == [sum(own) for own in right]
        assert row.samples == 3
    amounts = [row.disagreement for row in found.rows]
    assert amounts == sorted(amounts, reverse=True)


def test_a_researcher_sees_the_names_of_samples_and_others_do_not(
    figure, client, project, poor, good, member
):
    shown = figure("subjects", poor, good)["data"][0]["customdata"]
    assert any("wrong: clip01 (positive, predicted negative)" in text for line in shown for text in line)
    member(project, "vera", Role.VIEWER)
    client.logout()
    client.login(username="vera", password="correct horse 3")
    found = figure("subjects", poor, good)["data"][0]["customdata"]
    assert {text for line in found for text in line} <= {f"{n} of 3 correct" for n in range(4)}


def test_all_subjects_are_shown_on_request(figure, poor, good, monkeypatch):
    monkeypatch.setattr("mer_platform.experiments.comparison.subjects.MOST", 2)
    assert len(figure("subjects", poor, good)["data"][0]["y"]) == 2
    assert len(figure("subjects", poor, good, subjects="all")["data"][0]["y"]) == 4


def test_curves_of_one_class_and_runs_without_probabilities(figure, poor, good, version):
    theirs = external(version, GOOD)
    found = figure("roc", poor, good, theirs, of="negative")
    assert len(found["data"]) == 3  # two runs and chance
    assert "no probabilities" in found["notes"][0]
    assert found["tables"][0]["rows"][-1] == [str(theirs), "all samples", "–", "–", "–", "–", "–"]
    assert figure("roc", poor, good, of="nonsense") == figure("roc", poor, good)
    assert len(figure("calibration", poor, good, theirs)["data"]) == 3  # and the diagonal


def test_configurations_are_compared_over_their_seeds(api, figure, version, alice):
    runs = [finished(version, pred, alice, seed=seed) for seed, pred in enumerate((GOOD, OTHER))]
    runs += [
        finished(version, pred, alice, seed=seed, net={"name": "vgg_m"})
        for seed, pred in enumerate((POOR, OTHER, POOR))
    ]
    found = figure("configurations", *runs)
    assert found["layout"]["yaxis"]["ticktext"] == ["VGG-M with SPP (2 seeds)", "VGG-M (3 seeds)"]
    table = found["tables"][0]
    assert [row[1] for row in table["rows"]] == ["0, 1", "0, 1, 2"]
    [first, second] = api.get("/api/v1/runs/compare/", {"run": [run.pk for run in runs]}).json()[
        "configurations"
    ]
    assert first["differences"] is None
    uf1 = [results_of(run).evaluation.uf1 for run in runs]
    assert second["means"]["uf1"]["mean"] == pytest.approx(sum(uf1[2:]) / 3)
    assert second["differences"]["uf1"]["difference"] == pytest.approx(sum(uf1[2:]) / 3 - sum(uf1[:2]) / 2)
    low, high = second["differences"]["uf1"]["interval_95"]
    assert low < second["differences"]["uf1"]["difference"] < high


def test_configurations_with_one_seed_say_what_to_do(figure, browser, project, poor, good):
    found = figure("configurations", poor, good)
    assert found["data"] == []
    assert found["notes"] == ["Each configuration was trained with a single seed."]
    page = browser.get(reverse("compare-runs", args=[project.slug]), {"run": [poor.pk, good.pk]})
    assert "Add seeds on the page of an experiment" in page.content.decode()


def test_figures_and_page_of_twenty_runs_take_as_many_queries_as_those_of_two(
    browser,
    project,
    version,
    alice,
):
    runs = [finished(version, GOOD if seed % 2 else POOR, alice, seed=seed) for seed in range(20)]
    for run in runs:
        results_of(run)
    curves_of_runs(runs)

    def queries(address: str, chosen: list[Run]) -> int:
        with CaptureQueriesContext(connection) as context:
            assert browser.get(address, {"run": [run.pk for run in chosen]}).status_code == 200
        return len(context)

    addresses = [reverse("compare-figure", args=[project.slug, name]) for name in FIGURES]
    addresses += [reverse(name, args=[project.slug]) for name in ("compare-runs", "compare-disagreements")]
    for address in addresses:
        browser.get(address, {"run": [run.pk for run in runs]})
        most = queries(address, runs)
        assert most == queries(address, runs[:2]), address
        assert most <= 15


def test_the_samples_of_others_are_for_researchers(client, project, poor, good, member, bob):
    address = reverse("compare-disagreements", args=[project.slug])
    query = {"run": [poor.pk, good.pk]}
    member(project, "anna", Role.ANNOTATOR)
    client.login(username="anna", password="correct horse 3")
    assert client.get(address, query).status_code == 403
    client.force_login(bob)
    assert client.get(address, query).status_code == 404
    assert client.get(reverse("compare-figure", args=[project.slug, "subjects"]), query).status_code == 404


def test_a_coder_who_still_has_clips_to_code_sees_no_figure(browser, project, poor, good, alice):
    Assignment.objects.create(clip=Sample.objects.filter(version=poor.version).first().clip, coder=alice)
    for name in FIGURES:
        address = reverse("compare-figure", args=[project.slug, name])
        assert browser.get(address, {"run": [poor.pk, good.pk]}).status_code == 404
    assert (
        browser.get(
            reverse("compare-disagreements", args=[project.slug]), {"run": [poor.pk, good.pk]}
        ).status_code
        == 404
    )
