"""Baselines of the leaderboard: pinned or in the address, and the difference of each line, computed once."""

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.annotation.models import Assignment
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments import services
from mer_platform.experiments.leaderboard import baselines
from mer_platform.experiments.models import Baseline, Run, StoredDifference
from mer_platform.experiments.results import align_predictions, paired_with_first
from mer_platform.projects.models import Membership, Role
from models_ml.config import RunConfig
from models_ml.evaluation.paired import compare_with_first, differences_from_first
from tests.api.leaderboard_lab import run_with_errors
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def version(project) -> CompositeVersion:
    return freeze_pictures(project)


@pytest.fixture
def runs(version, alice) -> list[Run]:
    """Two seeds of STSTNet (4 and 6 errors), and one of another network (16)."""
    return [
        run_with_errors(version, 4, alice, net={"name": "ststnet"}),
        run_with_errors(version, 6, alice, net={"name": "ststnet"}, seed=1),
        run_with_errors(version, 16, alice, net={"name": "majority"}),
    ]


@pytest.fixture
def act(client, alice, project):
    client.force_login(alice)

    def do(name: str, run: Run, status: int = 302, **data: str) -> str:
        answer = client.post(reverse(name, args=[project.slug, run.pk]), data, follow=status == 302)
        assert answer.status_code == (200 if status == 302 else status)
        return answer.content.decode()

    return do


@pytest.fixture
def get(client, alice, project):
    client.force_login(alice)
    return lambda query="": client.get(reverse("runs", args=[project.slug]) + query).content.decode()


def row(page: str, run: Run) -> str:
    return page.partition(f'id="run-{run.pk}"')[2].partition("</tr>")[0]


def test_a_researcher_pins_a_baseline_and_every_row_shows_its_difference(act, runs):
    shown = act("pin-run", runs[2])
    assert f"{runs[2]} is now the baseline of its version and protocol." in shown
    expected = paired_with_first([runs[2], runs[0]])[0].differences["uf1"]
    own = row(shown, runs[0])
    assert f"+{expected.value:.3f}" in own
    assert f"{expected.interval[0]:.3f} to {expected.interval[1]:.3f}" in own
    assert "baseline" in row(shown, runs[2])


def test_differences_are_marked_in_words_and_shape(act, runs):
    shown = act("pin-run", runs[2])
    assert "▲" in row(shown, runs[0])
    assert "better: the interval is above 0" in row(shown, runs[0])
    shown = act("pin-run", runs[0])
    assert "▼" in row(shown, runs[2])
    assert "worse: the interval is below 0" in row(shown, runs[2])


def test_there_is_one_baseline_per_version_and_protocol(act, runs, version, alice):
    act("pin-run", runs[0])
    act("pin-run", runs[2])
    other = run_with_errors(version, 3, alice, protocol="lodo")
    act("pin-run", other)
    assert set(Baseline.objects.values_list("run", flat=True)) == {runs[2].pk, other.pk}
    assert "no longer the baseline" in act("unpin-run", other)
    assert "is not a baseline" in act("unpin-run", other)


def test_the_address_can_name_another_baseline(act, get, runs):
    act("pin-run", runs[2])
    shown = get(f"?baseline={runs[0].pk}")
    assert "baseline" in row(shown, runs[0])
    assert "▼" in row(shown, runs[2])
    assert Baseline.objects.get().run == runs[2]


def test_a_baseline_of_the_address_need_not_match_the_filters(get, runs):
    shown = get(f"?baseline={runs[2].pk}&network=ststnet&q=ststnet")
    assert "▲" in row(shown, runs[0])
    assert f"Compared with {runs[2]}" in shown


def test_a_baseline_that_is_not_there_is_named(get, runs):
    assert "#99999 cannot be the baseline: it is not a run with scores of this project." in get(
        "?baseline=99999"
    )


def test_a_run_without_scores_cannot_be_pinned(act, version, alice):
    waiting = services.launch(version, RunConfig(), alice)
    assert f"Cannot pin {waiting} as the baseline: it has no scores" in act("pin-run", waiting)


def test_differences_are_computed_once_and_only_of_the_page(act, get, runs, monkeypatch):
    act("pin-run", runs[2])
    assert StoredDifference.objects.count() == 2

    def computed(*args):
        raise AssertionError("a difference was computed again")

    monkeypatch.setattr(baselines, "differences_from_first", computed)
    assert "▲" in get()


def test_grouped_seeds_show_the_difference_of_their_mean(act, get, runs):
    act("pin-run", runs[2])
    shown = get("?group=seeds")
    together = align_predictions([runs[2], *runs[:2]])
    [expected] = differences_from_first(
        together.true, together.predicted[0], [together.predicted[1:]], together.subjects
    )
    assert f"+{expected.value:.3f}" in row(shown, runs[1])
    mean = np.mean([run.stored_results.uf1 for run in runs[:2]]) - runs[2].stored_results.uf1
    assert expected.value == pytest.approx(mean)


def test_a_seed_that_was_run_twice_counts_once(api, act, get, runs, version, alice):
    again = run_with_errors(version, 6, alice, net={"name": "ststnet"}, seed=1)
    act("pin-run", runs[2])
    found = api.get(f"/api/v1/projects/{version.project.pk}/leaderboard/?group=seeds").json()["results"][0]
    assert {run["id"] for run in found["runs"]} == {runs[0].pk, runs[1].pk, again.pk}
    scores = [run.stored_results.uf1 for run in runs[:2]]
    assert found["values"]["uf1"] == pytest.approx(np.mean(scores))
    assert found["seeds"]["uf1"]["sd"] == pytest.approx(np.std(scores, ddof=1))
    assert found["seeds"]["uf1"]["runs"] == 2
    assert found["difference"]["uf1"] == pytest.approx(np.mean(scores) - runs[2].stored_results.uf1)


def test_a_repeated_baseline_is_not_compared_with_itself(api, act, runs, version, alice):
    run_with_errors(version, 16, alice, net={"name": "majority"})
    act("pin-run", runs[2])
    found = api.get(f"/api/v1/projects/{version.project.pk}/leaderboard/?group=seeds").json()["results"][1]
    assert (len(found["runs"]), found["seeds"], found["difference"]) == (2, {}, None)
    assert found["intervals_95"]["uf1"] is not None


def test_a_group_of_one_run_is_compared_like_the_run():
    rng = np.random.default_rng(0)
    true, first, second = (rng.integers(3, size=60) for _ in range(3))
    subjects = [f"s{i % 7}" for i in range(60)]
    one = compare_with_first(true, first, [second], subjects, n=500)[0].differences
    for score in ("uf1", "uar", "accuracy"):
        assert differences_from_first(true, first, [[second]], subjects, score, n=500) == [one[score]]


def test_a_baseline_on_other_samples_says_so(act, get, runs, version, alice):
    part = run_with_errors(version, 2, alice, seed=9)
    part.stored_results.predicted = "-" + part.stored_results.predicted[1:]
    part.stored_results.save()
    act("pin-run", runs[0])
    assert f"#{runs[0].pk} was tested on other samples" in row(get(), part)


def test_hidden_scores_have_no_differences(make_clip, act, get, runs, alice, version):
    act("pin-run", runs[2])
    clip = make_clip()
    version.samples.filter(index=0).update(picture=None, clip=clip, onset=1, apex=2)
    Assignment.objects.create(clip=clip, coder=alice)
    assert "▲" not in get().partition("<tbody>")[2]


def test_only_researchers_pin(client, bob, project, runs):
    client.force_login(bob)
    address = reverse("pin-run", args=[project.slug, runs[0].pk])
    assert client.post(address).status_code == 404
    Membership.objects.create(project=project, user=bob, role=Role.ANNOTATOR)
    assert client.post(address).status_code == 403
    shown = client.get(reverse("runs", args=[project.slug])).content.decode()
    assert f"baseline={runs[0].pk}" in shown
    assert "pin/" not in shown


def test_a_foreign_way_back_is_not_followed(client, alice, project, runs):
    client.force_login(alice)
    address = reverse("pin-run", args=[project.slug, runs[0].pk])
    answer = client.post(address, {"next": "https://example.org/"})
    assert answer["Location"] == reverse("runs", args=[project.slug])


def test_a_deleted_baseline_leaves_the_table(act, get, runs):
    act("pin-run", runs[2])
    runs[2].experiment.delete()
    assert not Baseline.objects.exists()
    assert not StoredDifference.objects.exists()
    assert "UF1 − baseline" not in get().partition("<thead>")[2].partition("</thead>")[0]


def test_a_baseline_costs_a_fixed_number_of_queries(act, get, runs, version, alice):
    act("pin-run", runs[2])

    def queries() -> int:
        get("?state=finished")
        with CaptureQueriesContext(connection) as found:
            get("?state=finished")
        return len(found)

    before = queries()
    for seed in range(10, 14):
        run_with_errors(version, seed, alice, seed=seed)
    assert queries() == before <= 15


def test_the_deletion_of_a_run_says_that_a_pinned_baseline_goes(api, client, alice, project, runs):
    assert "baselines" not in api.get(f"/api/v1/runs/{runs[0].pk}/deletion/").json()["rows"]
    Baseline.objects.create(version=runs[0].version, protocol=runs[0].protocol, run=runs[0])
    assert api.get(f"/api/v1/runs/{runs[0].pk}/deletion/").json()["rows"]["baselines"] == 1
    client.force_login(alice)
    page = client.get(reverse("run-delete", args=[project.slug, runs[0].pk])).content.decode()
    assert "1 pinned baseline of a leaderboard" in page
