"""The leaderboard on the page of runs: order, ranks, filters, columns, seeds, and an address that keeps all of it."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mer_platform.annotation.models import Assignment
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments import services
from mer_platform.experiments.models import Run, Tag
from models_ml.config import RunConfig
from tests.api.leaderboard_lab import run_with_errors
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def version(project) -> CompositeVersion:
    return freeze_pictures(project)


@pytest.fixture
def runs(version, alice) -> dict[str, Run]:
    """Five runs: STSTNet with two seeds (4 and 6 errors), majority (12), an SVM on another protocol (0), one waiting."""
    return {
        "good": run_with_errors(version, 4, alice, net={"name": "ststnet"}),
        "fair": run_with_errors(version, 6, alice, net={"name": "ststnet"}, seed=1),
        "poor": run_with_errors(version, 12, alice, net={"name": "majority"}),
        "other": run_with_errors(version, 0, alice, net={"name": "majority"}, protocol="lodo"),
        "waiting": services.launch(version, RunConfig(seed=7), alice),
    }


@pytest.fixture
def get(client, alice, project):
    client.force_login(alice)

    def page(query: str = "", status: int = 200, **headers: str) -> str:
        answer = client.get(reverse("runs", args=[project.slug]) + query, headers=headers)
        assert answer.status_code == status
        return answer.content.decode()

    return page


@pytest.fixture
def listed(get, runs):
    """Return the names of the listed runs in their order."""

    def names(query: str = "") -> list[str]:
        names = {run.pk: name for name, run in runs.items()}
        return [names[int(pk)] for pk in re.findall(r'id="run-(\d+)"', get(query))]

    return names


LOSO = "protocol=leave+one+subject+out"


def test_runs_of_one_protocol_are_ranked_by_uf1(get, listed):
    assert listed(f"?{LOSO}") == ["good", "fair", "poor", "waiting"]
    ranks = re.findall(r'data-label="Rank">(\d*)</td>', get(f"?{LOSO}"))
    assert ranks == ["1", "2", "3", ""]


def test_the_rank_is_the_same_when_the_order_is_reversed(get, listed):
    assert listed(f"?{LOSO}&ordering=uf1") == ["poor", "fair", "good", "waiting"]
    assert re.findall(r'data-label="Rank">(\d*)</td>', get(f"?{LOSO}&ordering=uf1")) == ["3", "2", "1", ""]


def test_protocols_have_sections_and_ranks_of_their_own(get, listed):
    shown = get()
    assert listed() == ["good", "fair", "poor", "waiting", "other"]
    assert re.findall(r'data-label="Rank">(\d*)</td>', shown) == ["1", "2", "3", "", "1"]
    assert "Each has ranks of its own, because scores on" in shown
    assert "?version=" in shown
    assert "protocol=leave+one+database+out" in shown


@pytest.mark.parametrize(
    ("ordering", "first"),
    [
        ("-f1.surprise", "good"),
        ("-uar.SMIC", "good"),
        ("net.name", "poor"),
        ("seed", "good"),
        ("-created", "waiting"),
        ("duration", "good"),
        ("state", "waiting"),
    ],
)
def test_any_score_setting_or_fact_orders_the_runs(listed, ordering, first):
    order = listed(f"?{LOSO}&ordering={ordering}")
    assert len(order) == 4
    assert order[0] == first or ordering in ("seed", "duration", "net.name", "-uar.SMIC")


def test_an_order_that_is_not_a_score_ranks_nothing(get, listed):
    assert listed("?ordering=-created") == ["waiting", "other", "poor", "fair", "good"]
    shown = get("?ordering=-created")
    assert 'data-label="Rank"' not in shown
    assert "so they are listed, not ranked" in shown


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("network=ststnet", {"good", "fair"}),
        ("network=ststnet&network=majority", {"good", "fair", "poor", "other"}),
        ("state=active", {"waiting"}),
        ("state=features&state=finished", {"good", "fair", "poor", "other", "waiting"}),
        ("where=seed=1", {"fair"}),
        ("where=seed=1&where=seed=7", {"fair", "waiting"}),
        ("where=seed>0&where=seed<7", {"fair"}),
        ("where=uf1>=0.6", {"good", "fair", "other"}),
        ("where=uf1.SMIC>0.99", {"good", "fair", "other"}),
        ("where=train.epochs=30", {"good", "fair", "waiting"}),
        ("where=train.epochs!=30", {"poor", "other"}),
        ("where=net.name~spp", {"waiting"}),
        ("where=net.name=STSTNet", {"good", "fair"}),
        ("where=train.flip=yes", {"good", "fair", "waiting"}),
        ("author=alice", {"good", "fair", "poor", "other", "waiting"}),
        ("author=bob", set()),
        ("since=2099-01-01", set()),
        ("until=2099-01-01&network=majority", {"poor", "other"}),
        ("q=majority", {"poor", "other"}),
        ("version=999999", set()),
        ("q=%00%27%22", set()),
    ],
)
def test_filters(listed, query, found):
    assert set(listed(f"?{query}")) == found


def test_archived_runs_are_left_out_unless_asked_for(listed, runs):
    Run.objects.filter(pk=runs["good"].pk).update(archived_at=timezone.now())
    assert "good" not in listed()
    assert listed("?archived=true") == ["good"]
    assert "good" in listed("?archived=any")


def test_starred_and_tagged_runs_are_found(get, listed, runs, project):
    Run.objects.filter(pk=runs["fair"].pk).update(starred=True)
    assert listed("?starred=true") == ["fair"]
    paper, draft = (Tag.objects.create(project=project, name=name) for name in ("paper", "draft"))
    runs["good"].tags.add(paper, draft)
    runs["fair"].tags.add(paper)
    assert set(listed("?tag=paper")) == {"good", "fair"}
    assert listed("?tag=Paper&tag=draft") == ["good"]
    assert "draft, paper" in get("?columns=tags")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("ordering=train.epoch", "Cannot sort by “train.epoch”"),
        ("where=nonsense", "“nonsense” is not a condition."),
        ("where=train.epoch=3", "“train.epoch” is neither a score nor a setting of these runs"),
        ("where=uf1>high", "compares with “high”, which is not a number"),
        ("where=created>2020", "State dates with since and until, for example since=2026-05-01."),
        ("columns=colour", "“colour” is not a column of these runs"),
        ("since=yesterday", "“since” must be a date like 2026-03-31, not “yesterday”."),
        ("state=tired", "“tired” is not a state."),
        ("version=one", "“version” must be the number of a row, not “one”."),
        ("archived=maybe", "“archived” must be “true” or “any”, not “maybe”."),
        ("group=networks", "“group” must be “seeds”, not “networks”."),
    ],
)
def test_what_cannot_be_read_is_named_and_left_out(get, runs, query, sentence):
    shown = get(f"?{query}")
    assert sentence in shown
    assert f'id="run-{runs["good"].pk}"' in shown


def test_usual_columns_are_scores_and_settings_that_differ(get, runs):
    head = get(f"?{LOSO}").partition("<thead>")[2].partition("</thead>")[0]
    titles = re.findall(r'class="sort" href="[^"]*">([^<]+)</a>', head)
    assert titles == ["UF1", "UAR", "Accuracy", "Network", "Seed", "State", "Started"]


def test_columns_are_chosen_in_the_address(get, runs):
    shown = get(
        "?columns=uf1&columns=f1.negative&columns=accuracy.SMIC&columns=train.epochs&columns=duration"
    )
    head = shown.partition("<thead>")[2].partition("</thead>")[0]
    titles = re.findall(r'class="sort" href="[^"]*">([^<]+)</a>', head)
    assert titles == ["UF1", "F1, negative", "Accuracy, SMIC", "Epochs", "Duration"]


def test_seeds_are_grouped_with_mean_and_deviation(get, runs):
    shown = get(f"?{LOSO}&group=seeds&network=ststnet")
    scores = [runs[name].stored_results.uf1 for name in ("good", "fair")]
    mean, sd = sum(scores) / 2, abs(scores[0] - scores[1]) / 2**0.5
    assert "1 configuration of" in shown
    assert f"{mean:.3f} ± {sd:.3f}" in shown
    assert f"{min(scores):.3f}–{max(scores):.3f}" in shown
    assert "2 runs" in shown


def test_the_same_seed_again_is_no_further_seed(get, runs, version, alice):
    run_with_errors(version, 4, alice, net={"name": "ststnet"})  # as “good”
    shown = get(f"?{LOSO}&group=seeds&network=ststnet")
    scores = [runs[name].stored_results.uf1 for name in ("good", "fair")]
    assert f"{sum(scores) / 2:.3f} ± {abs(scores[0] - scores[1]) / 2**0.5:.3f}" in shown
    assert "2 seeds,\n      3 runs" in shown


def test_seeds_without_scores_are_counted(get, runs, version, alice):
    services.launch(version, RunConfig.model_validate({"net": {"name": "ststnet"}, "seed": 5}), alice)
    shown = " ".join(get(f"?{LOSO}&group=seeds&network=ststnet").split())
    assert "3 seeds, 3 runs, 2 with scores" in shown


def test_a_group_opens_to_its_runs(get, runs):
    first = min(runs["good"].pk, runs["fair"].pk)
    closed = get(f"?{LOSO}&group=seeds&network=ststnet")
    assert f"open={first}" in closed
    assert f'id="tick-{runs["good"].pk}"' not in closed
    opened = get(f"?{LOSO}&group=seeds&network=ststnet&open={first}")
    assert 'aria-expanded="true"' in opened
    assert f'id="tick-{runs["good"].pk}"' in opened


def test_the_address_of_a_sort_link_keeps_everything_else(get, runs):
    query = f"q=s&state=finished&where=seed%3C5&group=seeds&columns=uf1&run={runs['good'].pk}"
    links = re.findall(r'class="sort" href="([^"]*)"', get(f"?{query}"))
    for part in query.split("&"):
        assert part in links[0]


def test_the_forms_of_conditions_and_order_lead_to_one_address(client, alice, project, runs):
    client.force_login(alice)
    address = reverse("runs", args=[project.slug])
    added = client.get(f"{address}?network=ststnet&key=seed&operator=%3E&value=0")
    assert added["Location"] == f"{address}?network=ststnet&where=seed%3E0"
    ordered = client.get(f"{address}?sort=train.epochs&direction=up&page=3")
    assert ordered["Location"] == f"{address}?ordering=train.epochs"


def test_htmx_gets_the_table_and_the_address_without_empty_parts(client, alice, project, runs):
    client.force_login(alice)
    address = reverse("runs", args=[project.slug])
    answer = client.get(f"{address}?q=&since=&state=finished&archived=", headers={"HX-Request": "true"})
    assert "<html" not in answer.content.decode()
    assert answer["HX-Replace-Url"] == f"{address}?state=finished"


def test_only_active_runs_are_polled_for(get, runs):
    assert "every 2s" in get()
    assert "every 2s" not in get("?state=finished")


def test_hidden_scores_are_neither_shown_nor_sorted_nor_filtered_by(
    get, make_clip, project, alice, database, listed
):
    clip = make_clip()
    CompositeVersion.objects.first().samples.filter(index=0).update(picture=None, clip=clip, onset=1, apex=2)
    Assignment.objects.create(clip=clip, coder=alice)
    shown = get()
    assert "Scores are hidden: your queue still has 1 clip of this version" in shown
    assert not re.search(r">\s*0\.\d{3}", shown.partition("<tbody>")[2])
    assert listed("?where=uf1>0") == []
    assert listed(f"?{LOSO}&ordering=uf1") == listed(f"?{LOSO}&ordering=-uf1")


def test_other_projects_are_hidden(client, bob, project, runs):
    client.force_login(bob)
    assert client.get(reverse("runs", args=[project.slug])).status_code == 404


def test_long_names_and_markup_are_escaped(get, runs):
    Run.objects.filter(pk=runs["good"].pk).update(name="<b>" + "x" * 117)
    assert "&lt;b&gt;xxx" in get()


def test_queries_do_not_grow_with_the_runs(get, runs, version, alice):
    def queries(query: str) -> int:
        get(query)
        with CaptureQueriesContext(connection) as found:
            get(query)
        return len(found)

    asked = [
        "",
        "?group=seeds&columns=f1.negative&columns=tags&columns=experiment",
        "?ordering=-uf1.SMIC&where=seed<99",
    ]
    before = [queries(query) for query in asked]
    for seed in range(10, 16):
        run_with_errors(version, seed, alice, seed=seed)
        services.launch(version, RunConfig(seed=seed + 50), alice)
    assert [queries(query) for query in asked] == before
    assert max(queries(f"{query or '?'}&state=finished") for query in asked) <= 15


def test_a_deleted_author_is_no_one(get, runs, alice, project):
    carol = User.objects.create_user("carol")
    Run.objects.filter(pk=runs["good"].pk).update(created_by=carol)
    carol.delete()
    assert f'id="run-{runs["good"].pk}"' in get()


def test_runs_are_sorted_and_filtered_by_tested_samples(listed, runs, version):
    total = version.samples.count()
    assert len(listed(f"?where=samples%3D{total}")) == len([run for run in runs.values() if run.scored])
    assert listed("?where=samples>9999") == []
    assert listed("?ordering=-samples&where=samples>0")[0] == "other"


def test_a_condition_on_tags_finds_a_part_of_one(listed, runs, project):
    runs["fair"].tags.add(Tag.objects.create(project=project, name="for the paper"))
    assert listed("?where=tags~paper") == ["fair"]


def test_a_condition_on_the_difference_is_refused_in_words(get, runs):
    assert "is neither a score nor a setting" in get("?where=difference>0")


def test_a_null_character_in_an_address_is_left_out(client, get, project, runs):
    assert "#" in get("?q=%00majority")
    for name in ("experiments", "compare-runs"):
        assert (
            client.get(reverse(name, args=[project.slug]) + "?q=%00x&tag=%00&author=%00").status_code == 200
        )
