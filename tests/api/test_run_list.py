"""The list of runs: search, filter, and ticked runs that stay ticked."""

import re

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Consensus
from mer_platform.composites.services import freeze
from mer_platform.experiments import services
from mer_platform.experiments.leaderboard import board
from mer_platform.experiments.models import Run
from mer_platform.experiments.search import search_runs
from models_ml.config import RunConfig
from tests.api.finished_runs import finished

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def version(project, database, make_clip, alice):
    for number in range(4):
        clip = make_clip(f"clip{number}", f"s{number // 2}")
        emotion = ["disgust", "happiness"][number % 2]
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion=emotion, origin="adopted")
    return freeze(
        project, "Four", [database], {database.name: {"disgust": "negative", "happiness": "positive"}}, alice
    )


@pytest.fixture
def runs(version, alice) -> list[Run]:
    return [finished(version, [0, 1, 0, seed % 2], alice, seed=seed) for seed in range(4)]


@pytest.fixture
def get(client, alice, project, monkeypatch):
    monkeypatch.setattr(board, "PAGE_SIZE", 2)
    client.force_login(alice)

    def page(query: str = "", **headers: str) -> str:
        return client.get(reverse("runs", args=[project.slug]) + query, headers=headers).content.decode()

    return page


def ticked(page: str, run: Run) -> bool:
    row = page.partition(f'id="tick-{run.pk}"')[2].partition(">")[0]
    return "checked" in row


def test_ticked_runs_stay_ticked_on_every_page(get, runs):
    oldest, *_, newest = runs
    for page in ("1", "2"):
        shown = get(f"?page={page}&run={newest.pk}&run={oldest.pk}")
        assert ticked(shown, oldest)
        assert ticked(shown, newest)
        assert "2 of at most 20 runs selected" in shown
        assert (
            len(re.findall(r'form="compare"\s+name="run"', shown)) == 3
        )  # two rows and the ticked run of the other page


def test_links_to_other_pages_and_filters_keep_them(get, runs):
    shown = get(f"?run={runs[0].pk}")
    assert f'href="?run={runs[0].pk}&amp;page=2"' in shown
    filtered = get(f"?q=nothing&run={runs[0].pk}", **{"HX-Request": "true"})
    assert "<html" not in filtered
    assert ticked(filtered, runs[0])
    assert "No run matches." in filtered


def test_no_more_than_twenty_can_be_ticked(get, version, runs, alice):
    more = [finished(version, [0, 1, 0, 1], alice, seed=seed) for seed in range(4, 21)]
    shown = get("?" + "&".join(f"run={run.pk}" for run in [*runs, *more][:20]))
    row = shown.partition(f'id="tick-{more[-1].pk}"')[2].partition(">")[0]
    assert "disabled" in row


def test_the_state_filters_the_list(get, version, runs, alice):
    waiting = services.launch(version, RunConfig(seed=9), alice)
    shown = get("?state=features")
    assert f'id="run-{waiting.pk}"' in shown
    assert all(f'id="run-{run.pk}"' not in shown for run in runs)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("needle", 1),
        ("NEEDLE four", 1),
        ("vgg_m", 4),
        ("#{pk}", 1),
        ("#{pk} needle", 0),
        ("haystack", 0),
        ("", 4),
    ],
)
def test_each_word_of_a_search_must_occur(runs, text, found):
    Run.objects.filter(pk=runs[0].pk).update(name="The needle")
    assert search_runs(Run.objects.all(), text.format(pk=runs[3].pk)).count() == found
