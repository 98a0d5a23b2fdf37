"""The leaderboard, baselines and saved views in the API, and leaderboards as tables for papers."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.annotation.models import Assignment
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments import services
from mer_platform.experiments.models import Baseline, Run, SavedView
from mer_platform.experiments.results import paired_with_first
from mer_platform.projects.models import Role
from models_ml.config import RunConfig
from tests.api.leaderboard_lab import run_with_errors
from tests.api.problems import errors_of
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def version(project) -> CompositeVersion:
    return freeze_pictures(project)


@pytest.fixture
def runs(version, alice) -> list[Run]:
    """Two seeds of STSTNet (4 and 6 errors), another network (16), and one on another protocol (0)."""
    return [
        run_with_errors(version, 4, alice, net={"name": "ststnet"}),
        run_with_errors(version, 6, alice, net={"name": "ststnet"}, seed=1),
        run_with_errors(version, 16, alice, net={"name": "majority"}),
        run_with_errors(version, 0, alice, net={"name": "majority"}, protocol="lodo"),
    ]


@pytest.fixture
def board(api, project):
    def get(query: str = "", status: int = 200, client=api) -> dict:
        answer = client.get(f"/api/v1/projects/{project.pk}/leaderboard/?{query}")
        assert answer.status_code == status, answer.content
        return answer.json()

    return get


def ids(found: dict) -> list[int]:
    return [run["id"] for entry in found["results"] for run in entry["runs"]]


def test_runs_are_ranked_within_version_and_protocol(board, runs, version):
    found = board()
    assert [(entry["rank"], entry["protocol"]) for entry in found["results"]] == [
        (1, "leave one database out"),
        (1, "leave one subject out"),
        (2, "leave one subject out"),
        (3, "leave one subject out"),
    ]
    assert [(section["protocol"], section["runs"]) for section in found["sections"]] == [
        ("leave one database out", 1),
        ("leave one subject out", 3),
    ]
    assert found["sections"][0]["version_name"] == str(version)


def test_values_and_intervals_are_those_of_the_runs(board, runs):
    found = board("columns=uf1&columns=f1.negative&columns=uar.SMIC&columns=train.epochs&state=finished")
    assert [column["key"] for column in found["columns"]] == [
        "uf1",
        "f1.negative",
        "uar.SMIC",
        "train.epochs",
    ]
    entry = next(entry for entry in found["results"] if entry["runs"][0]["id"] == runs[0].pk)
    stored = runs[0].stored_results
    assert entry["values"] == {
        "uf1": stored.uf1,
        "f1.negative": stored.evaluation["per_class"]["negative"]["f1"],
        "uar.SMIC": stored.evaluation["per_database"]["SMIC"]["uar"],
        "train.epochs": 30,
    }
    assert entry["intervals_95"]["uf1"] == list(stored.intervals["overall"]["uf1"])
    assert entry["intervals_95"]["f1.negative"] == list(stored.intervals["per_class"]["negative"]["f1"])


def test_the_same_filters_and_orders_as_on_the_page(board, runs):
    assert ids(board("where=seed=1")) == [runs[1].pk]
    assert ids(board("network=majority&ordering=uf1&protocol=leave one subject out")) == [runs[2].pk]
    assert ids(board("ordering=-created")) == [run.pk for run in reversed(runs)]
    assert board("q=nothing")["results"] == []


def test_seeds_are_grouped(board, runs):
    found = board("group=seeds&network=ststnet&columns=uf1")["results"]
    assert len(found) == 1
    scores = [run.stored_results.uf1 for run in runs[:2]]
    assert found[0]["values"]["uf1"] == pytest.approx(sum(scores) / 2)
    assert found[0]["seeds"]["uf1"]["low"] == min(scores)
    assert found[0]["seeds"]["uf1"]["runs"] == 2
    assert found[0]["intervals_95"] == {}


def test_differences_from_a_pinned_baseline(api, board, runs):
    assert api.put(f"/api/v1/runs/{runs[2].pk}/baseline/").status_code == 204
    found = {entry["runs"][0]["id"]: entry["difference"] for entry in board()["results"]}
    expected = paired_with_first([runs[2], runs[0]])[0].differences["uf1"]
    assert found[runs[0].pk]["uf1"] == expected.value
    assert found[runs[0].pk]["interval_95"] == list(expected.interval)
    assert found[runs[0].pk]["p"] == expected.p
    assert found[runs[0].pk]["verdict"] == "better"
    assert found[runs[2].pk] is None
    assert found[runs[3].pk] is None  # its section has no baseline
    assert api.delete(f"/api/v1/runs/{runs[2].pk}/baseline/").status_code == 204
    refused = api.delete(f"/api/v1/runs/{runs[2].pk}/baseline/")
    assert (refused.status_code, refused.json()["detail"]) == (409, f"{runs[2]} is not a baseline.")


def test_a_run_without_scores_cannot_be_the_baseline(api, version, alice):
    waiting = services.launch(version, RunConfig(), alice)
    answer = api.put(f"/api/v1/runs/{waiting.pk}/baseline/")
    assert answer.status_code == 409
    assert "it has no scores; it is computing features" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query", ["ordering=colour", "where=uf1", "columns=colour", "state=asleep", "since=soon", "version=x"]
)
def test_what_cannot_be_read_is_an_error(board, runs, query):
    assert query.partition("=")[2] in board(query, 400)["detail"]


def test_pages(board, runs):
    first = board("page_size=3&ordering=-created")
    assert (first["count"], len(first["results"]), first["previous"]) == (4, 3, None)
    assert "page=2" in first["next"]
    second = board("page_size=3&ordering=-created&page=2")
    assert ids(second) == [runs[0].pk]
    board("page_size=-3", status=400)
    board("page_size=99999999999999999999999", status=400)


def test_strangers_and_viewers(board, api, bobs_api, member, project, runs):
    board(status=404, client=bobs_api)
    viewer = member(project, "vic", Role.VIEWER)
    assert len(board(client=viewer)["results"]) == 4
    assert viewer.put(f"/api/v1/runs/{runs[0].pk}/baseline/").status_code == 403
    assert bobs_api.put(f"/api/v1/runs/{runs[0].pk}/baseline/").status_code == 404
    assert not Baseline.objects.exists()


def test_scores_are_hidden_while_clips_wait_to_be_coded(make_clip, board, version, runs, alice):
    clip = make_clip()
    version.samples.filter(index=0).update(picture=None, clip=clip, onset=1, apex=2)
    Assignment.objects.create(clip=clip, coder=alice)
    found = board("columns=uf1&columns=f1.negative&columns=samples")
    assert found["hidden"].startswith("Scores are hidden")
    assert {value for entry in found["results"] for value in entry["values"].values()} == {None}
    assert {entry["rank"] for entry in found["results"]} == {None}


def test_queries_do_not_grow(board, runs, version, alice, api):
    api.put(f"/api/v1/runs/{runs[2].pk}/baseline/")

    def queries() -> int:
        board("state=finished")
        with CaptureQueriesContext(connection) as found:
            board("state=finished")
        return len(found)

    before = queries()
    for seed in range(10, 14):
        run_with_errors(version, seed, alice, seed=seed)
    assert queries() == before <= 15


def test_saved_views_are_a_resource(api, bobs_api, member, project, runs):
    made = api.post(
        "/api/v1/saved-views/",
        {"project": project.pk, "name": "Best", "query": "?ordering=-uar&run=3", "is_default": True},
        format="json",
    )
    assert made.status_code == 201
    assert made.json()["query"] == "ordering=-uar"
    assert (made.json()["author"], made.json()["is_default"]) == ("alice", True)
    address = f"/api/v1/saved-views/{made.json()['id']}/"
    changed = api.patch(address, {"name": "Better", "is_default": False}, format="json")
    assert (changed.json()["name"], changed.json()["is_default"]) == ("Better", False)
    assert [view["name"] for view in api.get("/api/v1/saved-views/").json()["results"]] == ["Better"]
    assert bobs_api.get(address).status_code == 404
    viewer = member(project, "vic", Role.VIEWER)
    assert viewer.get(address).status_code == 200
    assert viewer.delete(address).status_code == 403
    assert api.delete(address).status_code == 204
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("data", "field", "sentence"),
    [
        ({"name": "best"}, "name", "There is already a view “best”."),
        ({"name": "x" * 90}, "name", "The name has 90 characters; at most 80 are allowed."),
        ({"name": ""}, "name", "Must not be empty"),
        ({"name": "New", "query": "state=asleep"}, "query", "“asleep” is not a state."),
        ({"name": "New", "project": 999}, "project", "Project 999 not found."),
    ],
)
def test_bad_views_are_refused(api, project, data, field, sentence):
    given = {"project": project.pk, "query": "ordering=uar"}
    assert api.post("/api/v1/saved-views/", {**given, "name": "Best"}, format="json").status_code == 201
    answer = api.post("/api/v1/saved-views/", {**given, **data}, format="json")
    assert answer.status_code == 400
    assert sentence in str(errors_of(answer, field))
    assert SavedView.objects.count() == 1


def test_the_table_is_a_file_for_papers(client, alice, api, project, runs, version):
    client.force_login(alice)
    api.put(f"/api/v1/runs/{runs[2].pk}/baseline/")
    address = reverse("runs-table", args=[project.slug])
    query = {"protocol": "leave one subject out", "columns": ["uf1", "difference", "net.name", "created"]}
    text = client.get(address, {**query, "format": "csv"}).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Rank"] for row in rows] == ["1", "2", "3"]
    assert float(rows[0]["UF1"]) == runs[0].stored_results.uf1
    assert rows[2]["UF1 − baseline"] == "baseline"
    assert rows[0]["Network"] == "STSTNet"
    latex = client.get(address, {**query, "format": "tex"}).content.decode()
    assert version.content_hash[:12] in latex
    assert "leave one subject out" in latex
    assert r"\toprule" in latex


def test_the_table_of_grouped_seeds_has_deviations(client, alice, project, runs):
    client.force_login(alice)
    query = {"group": "seeds", "network": "ststnet", "columns": "uf1"}
    text = client.get(reverse("runs-table", args=[project.slug]), query).content.decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert row["Run"].endswith("(2 seeds)")
    scores = [run.stored_results.uf1 for run in runs[:2]]
    assert float(row["UF1 SD"]) == pytest.approx(abs(scores[0] - scores[1]) / 2**0.5)
