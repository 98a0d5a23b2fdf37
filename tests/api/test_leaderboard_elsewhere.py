"""The first lines of leaderboards on the pages of a version, an experiment and a project."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mer_platform.experiments.leaderboard import page as short
from mer_platform.experiments.models import Run
from tests.api.leaderboard_lab import run_with_errors
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def runs(version, alice) -> list[Run]:
    """Three seeds, the best first, and the seed of another protocol."""
    first = [run_with_errors(version, wrong, alice, seed=wrong) for wrong in (4, 8, 12)]
    return [*first, run_with_errors(version, 2, alice, protocol="lodo")]


@pytest.fixture
def get(client, alice, project):
    client.force_login(alice)

    def page(name: str, *args: int) -> str:
        answer = client.get(reverse(name, args=[project.slug, *args]))
        assert answer.status_code == 200
        return answer.content.decode()

    return page


def listed(page: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'id="run-(\d+)"', page)]


def test_a_version_lists_its_best_runs_by_protocol(get, version, runs):
    shown = get("version", version.pk)
    assert listed(shown) == [runs[3].pk, runs[0].pk, runs[1].pk, runs[2].pk]
    assert "On 2 pairs of version and protocol, each with ranks of its own" in " ".join(shown.split())
    assert f"{runs[0].stored_results.uf1:.3f}" in shown
    assert f'href="{reverse("runs", args=[version.project.slug])}?version={version.pk}"' in shown


def test_archived_runs_are_not_among_them(get, version, runs):
    Run.objects.filter(pk=runs[3].pk).update(archived_at=timezone.now())
    assert listed(get("version", version.pk)) == [run.pk for run in runs[:3]]


def test_more_runs_are_on_the_page_of_runs(get, version, runs, monkeypatch):
    monkeypatch.setattr(short.short_context, "__defaults__", (2,))
    assert "2 more runs, with filters and columns" in get("version", version.pk)


def test_an_experiment_lists_its_runs(get, runs):
    experiment = runs[0].experiment
    Run.objects.filter(pk=runs[1].pk).update(experiment=experiment)
    shown = get("runs-of-experiment", experiment.pk)  # which its page loads
    assert listed(shown) == [runs[0].pk, runs[1].pk]
    assert f"?experiment={experiment.pk}" in shown


def test_the_overview_lists_the_latest_runs_with_their_scores(get, runs):
    shown = get("project")
    assert listed(shown) == [run.pk for run in reversed(runs)]
    assert f"{runs[2].stored_results.uf1:.3f}" in shown
    assert "Rank" not in shown.partition("Latest runs")[2].partition("</section>")[0]


def test_pages_without_runs_say_so(get, version):
    for shown in (get("version", version.pk), get("project")):
        assert "No runs yet. A run needs a frozen composite version." in shown


def test_these_pages_ask_as_much_for_more_runs(get, version, runs, alice):
    def queries(*page: object) -> int:
        get(*page)
        with CaptureQueriesContext(connection) as found:
            get(*page)
        return len(found)

    pages = [("version", version.pk), ("project",)]
    before = [queries(*page) for page in pages]
    for seed in range(20, 24):
        run_with_errors(version, seed - 10, alice, seed=seed)
    assert [queries(*page) for page in pages] == before
