"""Saved views of the leaderboard: save, open, overwrite, rename, delete, and a default."""

import pytest
from django.urls import reverse

from mer_platform.experiments.models import SavedView
from mer_platform.projects.models import Membership, Role
from tests.api.leaderboard_lab import run_with_errors
from tests.pictures import freeze_pictures

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def run(project, alice):
    return run_with_errors(freeze_pictures(project), 4, alice)


@pytest.fixture
def runs_page(project) -> str:
    return reverse("runs", args=[project.slug])


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def save(signed_in, project, runs_page):
    def post(name: str, query: str = "state=finished&ordering=-uar", **data: str):
        address = reverse("save-view", args=[project.slug])
        return signed_in.post(address, {"name": name, "query": query, "next": runs_page, **data}, follow=True)

    return post


@pytest.fixture
def change(signed_in, project):
    def post(view: SavedView, **data: str):
        return signed_in.post(reverse("change-view", args=[project.slug, view.pk]), data, follow=True)

    return post


def test_a_view_keeps_the_address_without_ticks(save, run, runs_page):
    answer = save("Best  on pictures", f"state=finished&ordering=-uar&run={run.pk}&open=3&page=2")
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("Best on pictures", "state=finished&ordering=-uar")
    assert answer.redirect_chain[-1][0] == f"{runs_page}?state=finished&ordering=-uar&view={view.pk}"
    assert "View: Best on pictures" in answer.content.decode()
    assert "(changed)" not in answer.content.decode()


def test_a_null_character_is_no_part_of_a_name(save, change, run):
    save("Best\0of all")
    view = SavedView.objects.get()
    assert view.name == "Best of all"
    change(view, name="Bet\0ter")
    view.refresh_from_db()
    assert view.name == "Bet ter"


def test_a_changed_view_can_be_overwritten(save, change, signed_in, run, runs_page):
    save("Best")
    view = SavedView.objects.get()
    shown = signed_in.get(f"{runs_page}?state=finished&ordering=uf1&view={view.pk}").content.decode()
    assert "(changed)" in shown
    assert "Overwrite “Best” with this table" in shown
    change(view, query="state=finished&ordering=uf1")
    view.refresh_from_db()
    assert view.query == "state=finished&ordering=uf1"


def test_views_are_renamed_and_deleted(save, change, run):
    save("Best")
    view = SavedView.objects.get()
    change(view, name="Better")
    view.refresh_from_db()
    assert view.name == "Better"
    assert (
        "The view “Better” was deleted. The runs are unchanged."
        in change(view, delete="yes").content.decode()
    )
    assert not SavedView.objects.exists()


def test_the_page_of_runs_opens_with_the_default_view(save, change, signed_in, run, runs_page):
    save("One")
    save("Two", "ordering=-created")
    one, two = SavedView.objects.order_by("pk")
    change(one, default="yes")
    change(two, default="yes")
    assert signed_in.get(runs_page)["Location"] == f"{runs_page}?ordering=-created&view={two.pk}"
    assert SavedView.objects.filter(is_default=True).count() == 1
    shown = signed_in.get(f"{runs_page}?state=failed").content.decode()
    assert 'href="?ordering=-uf1"' in shown  # not the bare address, which is the view
    change(two, default="no")
    assert signed_in.get(runs_page).status_code == 200


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("", "state=finished", "A view needs a name."),
        ("x" * 81, "state=finished", "The name has 81 characters; at most 80 are allowed."),
        ("best", "state=finished", "There is already a view “best”."),
        ("New", "state=asleep", "“asleep” is not a state."),
        ("New", "q=" + "x" * 20_000, "at most 10,000 characters"),
    ],
)
def test_bad_views_are_refused_in_words(save, run, name, query, sentence):
    save("Best")
    assert sentence in save(name, query).content.decode()
    assert SavedView.objects.count() == 1


def test_only_researchers_change_views_and_strangers_see_none(client, bob, save, project, run, runs_page):
    save("Best")
    view = SavedView.objects.get()
    client.force_login(bob)
    address = reverse("change-view", args=[project.slug, view.pk])
    assert client.post(address, {"delete": "yes"}).status_code == 404
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    assert client.post(address, {"delete": "yes"}).status_code == 403
    shown = client.get(runs_page).content.decode()
    assert "Best" in shown
    assert "Save this table as" not in shown


def test_a_view_of_another_project_is_not_found(signed_in, save, run, other_project, alice):
    Membership.objects.create(project=other_project, user=alice, role=Role.OWNER)
    save("Best")
    address = reverse("change-view", args=[other_project.slug, SavedView.objects.get().pk])
    assert signed_in.post(address, {"delete": "yes"}).status_code == 404
