"""The pages that manage runs and experiments: header, forms, notes, lists, many at once, tags."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mer_platform.experiments import services
from mer_platform.experiments.managing.services import archive
from mer_platform.experiments.managing.texts import note_version
from mer_platform.experiments.models import Experiment, Run, Tag
from mer_platform.projects.models import Membership, Role
from mer_platform.scoring.models import ScoringBatch
from models_ml.config import SweepConfig
from tests.api.finished_runs import finished
from tests.pictures import freeze_pictures
from tests.trained_models import model_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def version(project):
    return freeze_pictures(project)


@pytest.fixture
def run(version, alice) -> Run:
    return finished(version, [0] * 24, alice)


@pytest.fixture
def sweep(version, alice) -> Experiment:
    settings = SweepConfig(grid={"net.placement": [1, 2]})
    return services.launch_experiment(version, settings, alice, "Positions")


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def viewer(client, bob, project):
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    client.force_login(bob)
    return client


def url(row, what: str = "") -> str:
    kind = "run" if isinstance(row, Run) else "experiment"
    name = {"": kind, "manage": f"manage-{kind}"}.get(what, f"{kind}-{what}")
    return reverse(name, args=[row.project.slug, row.pk])


def follow(browser, address: str, data: dict) -> str:
    return " ".join(browser.post(address, data, follow=True).content.decode().split())


def test_a_run_and_an_experiment_are_managed_from_their_pages(browser, run, sweep):
    for row in (run, sweep):
        assert "Renamed." in follow(browser, url(row, "name"), {"name": "Base line"})
        assert "Tags saved." in follow(browser, url(row, "tags"), {"tags": "MEGC, draft ,, #Draft"})
        page = follow(browser, url(row, "note"), {"note": "One\r\n<b>two</b>"})
        assert "One &lt;b&gt;two&lt;/b&gt;" in page
        page = follow(browser, url(row, "manage"), {"action": "star"})
        assert 'aria-pressed="true"' in page
        assert page.count('class="tag"') == 2
        page = follow(browser, url(row, "manage"), {"action": "archive"})
        assert "was archived" in page
        row.refresh_from_db()
        assert (row.name, row.notes, row.starred) == ("Base line", "One\n<b>two</b>", True)
        page = follow(browser, url(row, "manage"), {"action": "restore"})
        assert "It is listed again." in page


def test_viewers_see_notes_and_tags_but_no_forms(viewer, alice, run):
    run.tags.add(Tag.objects.create(project=run.project, name="draft"))
    Run.objects.filter(pk=run.pk).update(notes="Read me", starred=True)
    page = viewer.get(url(run)).content.decode()
    assert "Read me" in page
    assert "Tag: </span>draft" in page
    assert "Archive" not in page
    for what, data in (("name", {"name": "x"}), ("manage", {"action": "star"}), ("delete", {})):
        assert viewer.post(url(run, what), data).status_code == 403
    slug = run.project.slug
    for name in ("manage-runs", "runs-delete", "tags"):
        assert viewer.post(reverse(name, args=[slug]), {"ids": run.pk}).status_code == 403
    assert viewer.get(reverse("tags", args=[slug])).status_code == 200


def test_wrong_input_is_shown_again_with_its_reason(browser, run):
    refused = browser.post(url(run, "name"), {"name": "x" * 130})
    assert refused.status_code == 422
    assert "at most 120 characters; this one has 130" in refused.content.decode()
    assert f'value="{"x" * 130}"' in refused.content.decode()
    refused = browser.post(url(run, "name"), {"name": " "})
    assert "A name must not be empty." in refused.content.decode()
    refused = browser.post(url(run, "tags"), {"tags": f"fine, {'y' * 41}"})
    assert "has 41" in refused.content.decode()
    refused = browser.post(url(run, "note"), {"note": "n" * 10_001})
    assert "this one has 10,001" in refused.content.decode()
    assert browser.post(url(run, "manage"), {"action": "explode"}).status_code == 404


def test_a_note_that_someone_changed_is_shown_next_to_the_own_one(browser, run):
    seen = browser.get(url(run, "note")).content.decode()
    assert 'name="seen"' in seen
    Run.objects.filter(pk=run.pk).update(notes="Of someone else")
    refused = browser.post(url(run, "note"), {"note": "Mine", "seen": ""})
    page = refused.content.decode()
    assert refused.status_code == 409
    assert "Of someone else" in page
    assert "Mine" in page
    assert "was changed since you opened it" in page
    current = note_version("Of someone else")
    assert f'value="{current}"' in page
    browser.post(url(run, "note"), {"note": "Both", "seen": current})
    run.refresh_from_db()
    assert run.notes == "Both"


def test_the_list_of_experiments_is_searched_filtered_and_ordered(browser, alice, version, sweep):
    wide = SweepConfig(grid={"net.placement": [1, 2, 3]})
    other = services.launch_experiment(version, wide, alice, "Anchors")
    services.cancel_experiment(other, alice)
    other.tags.add(Tag.objects.create(project=version.project, name="Draft"))
    Experiment.objects.filter(pk=other.pk).update(starred=True, notes="pooling late")
    listed = reverse("experiments", args=[version.project.slug])

    def names(query: str) -> list[str]:
        page = browser.get(f"{listed}{query}")
        return [experiment.name for experiment, _ in page.context["rows"]]

    assert names("") == ["Anchors", "Positions"]
    assert names("?order=oldest") == names("?order=name")[::-1] == ["Positions", "Anchors"]
    assert names("?order=runs") == ["Anchors", "Positions"]
    for query in ("q=anch", "q=late", f"q=%23{other.pk}", "tag=draft", "starred=true", "state=cancelled"):
        assert names(f"?{query}") == ["Anchors"], query
    assert names("?state=running&author=alice") == ["Positions"]
    assert names("?author=bob") == []
    assert names("?state=nonsense&order=nonsense&archived=nonsense") == ["Anchors", "Positions"]
    assert "was archived" in follow(browser, url(other, "manage"), {"action": "archive"})
    assert names("") == ["Positions"]
    assert names("?archived=true") == ["Anchors"]
    assert names("?archived=any") == ["Anchors", "Positions"]


def test_an_experiment_with_one_run_left_stays_in_the_list(browser, sweep):
    sweep.runs.first().delete()
    page = browser.get(reverse("experiments", args=[sweep.project.slug]))
    assert [experiment.pk for experiment, _ in page.context["rows"]] == [sweep.pk]


def test_many_experiments_are_managed_at_once(browser, alice, version, sweep):
    other = services.launch_experiment(version, sweep.settings, alice, "Other")
    slug = version.project.slug
    manage = reverse("manage-experiments", args=[slug])
    ids = [sweep.pk, other.pk]
    page = follow(browser, manage, {"action": "tag", "tags": "a, b", "ids": ids})
    assert "2 experiments tagged with “a” and “b”." in page
    page = follow(browser, manage, {"action": "tag", "tags": "a", "ids": ids})
    assert "2 experiments stayed as they were: These tags are there already." in page
    assert "Give at least one tag." in follow(browser, manage, {"action": "tag", "ids": ids})
    assert "Choose at least one experiment first." in follow(browser, manage, {"action": "star"})
    page = follow(browser, manage, {"action": "star", "ids": f"{sweep.pk},900,901"})
    assert "Experiments 900 and 901 not found in “Alice&#x27;s lab”. Nothing was changed." in page
    data = {"action": "archive", "which": "matching", "matching": "?q=other"}
    assert "1 experiment archived." in follow(browser, manage, data)
    assert list(Experiment.objects.filter(archived_at=None)) == [sweep]
    answer = browser.post(manage, {"action": "star", "ids": sweep.pk, "back": "https://evil.example/"})
    assert answer["Location"] == reverse("experiments", args=[slug])


def test_a_deletion_page_says_what_goes_then_deletes(browser, run, sweep):
    page = browser.get(url(run, "delete")).content.decode()
    for words in ("24 predictions", "folds", "Motion features that nothing else needs"):
        assert words in page
    answer = browser.post(url(run, "delete"), {"confirmed": "yes"}, follow=True)
    assert f"#{run.pk}" in answer.content.decode()
    assert "was deleted. Its files follow within a few minutes." in answer.content.decode()
    assert not Run.objects.filter(pk=run.pk).exists()
    first = sweep.runs.first()
    answer = browser.post(url(first, "delete"), {"confirmed": "yes"})
    assert answer["Location"] == url(sweep)
    assert browser.get(url(sweep)).status_code == 200
    browser.post(url(sweep, "delete"), {"confirmed": "yes"})
    assert not Experiment.objects.exists()


def test_many_runs_are_deleted_after_one_preview_except_those_in_use(browser, run, sweep):
    model = model_of(run)
    batch = ScoringBatch.objects.create(project=run.project, model=model)
    address = reverse("runs-delete", args=[run.project.slug])
    ids = ",".join(str(pk) for pk in [run.pk, *sweep.runs.values_list("pk", flat=True)])
    page = browser.post(address, {"ids": ids}).content.decode()
    assert "Delete 3 runs" in page
    assert "1 of them stays:" in page
    assert f"scored the clips of {batch}" in page
    assert "1 experiment" in page
    assert Run.objects.count() == 3
    page = follow(browser, address, {"ids": ids, "confirmed": "yes"})
    assert "2 runs were deleted. Files follow within a few minutes. Cannot delete run" in page
    assert list(Run.objects.all()) == [run]
    refused = browser.post(address, {"ids": run.pk, "confirmed": "yes"})
    assert refused.status_code == 409
    assert browser.get(address).status_code == 405


def test_tags_are_renamed_merged_and_deleted_on_their_page(browser, run):
    address = reverse("tags", args=[run.project.slug])
    assert "No tags yet" in browser.get(address).content.decode()
    a, b = (Tag.objects.create(project=run.project, name=name) for name in "ab")
    run.tags.add(a)
    page = follow(browser, address, {"tag": a.pk, "action": "rename", "name": "Alpha"})
    assert "The tag “a” is now “Alpha”." in page
    refused = browser.post(address, {"tag": b.pk, "action": "rename", "name": "ALPHA"})
    assert refused.status_code == 422
    assert "There is already a tag “Alpha”." in refused.content.decode()
    refused = browser.post(address, {"tag": a.pk, "action": "merge", "into": ""})
    assert "Choose the tag to merge this one into." in refused.content.decode()
    assert "merged into “b”" in follow(browser, address, {"tag": a.pk, "action": "merge", "into": b.pk})
    assert list(run.tags.all()) == [b]
    assert "was deleted" in follow(browser, address, {"tag": b.pk, "action": "delete"})
    assert browser.post(address, {"tag": b.pk, "action": "delete"}).status_code == 404


def test_many_runs_of_the_leaderboard_are_managed_at_once(browser, run, sweep):
    listed = reverse("runs", args=[run.project.slug])
    manage = reverse("manage-runs", args=[run.project.slug])
    page = browser.get(f"{listed}?run={run.pk}").content.decode()
    assert f'name="ids" value="{run.pk}"' in page
    assert "All 3 runs that match" in " ".join(page.split())
    data = {"which": "matching", "matching": "?state=features", "action": "tag", "tags": "waiting"}
    assert "2 runs tagged with “waiting”." in follow(browser, manage, data)
    data = {"which": "matching", "matching": "?where=nonsense%3E1", "action": "archive"}
    assert "Nothing was changed." in follow(browser, manage, data)
    assert not Run.objects.exclude(archived_at=None).exists()
    page = browser.post(
        reverse("runs-delete", args=[run.project.slug]), {"which": "matching", "matching": "?tag=waiting"}
    )
    assert "Delete 2 runs" in page.content.decode()


def test_overview_and_picker_leave_out_archived_runs_but_compare_them(browser, alice, run, version):
    other = finished(version, [1] * 24, alice, seed=1)
    slug = run.project.slug
    archive([run], alice)
    for name in ("project", "runs"):
        page = browser.get(reverse(name, args=[slug])).content.decode()
        assert url(other) in page
        assert url(run) not in page
    compare = reverse("compare-runs", args=[slug])
    assert f'value="{run.pk}"' not in browser.get(compare).content.decode()
    both = browser.get(f"{compare}?run={run.pk}&run={other.pk}")
    assert both.status_code == 200
    assert url(run) in both.content.decode()


def test_pages_take_few_queries_and_tags_are_offered_when_asked_for(browser, run, sweep):
    for name in ("a", "b"):
        run.tags.add(Tag.objects.create(project=run.project, name=name))
    for address in (url(run), reverse("experiments", args=[run.project.slug])):
        browser.get(address)
        with CaptureQueriesContext(connection) as queries:
            browser.get(address)
        assert len(queries) <= 16, address
    known = browser.get(reverse("tags", args=[run.project.slug]), headers={"HX-Request": "true"})
    assert known.content.decode().strip() == "In use: a, b."
