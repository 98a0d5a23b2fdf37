"""Composites can be renamed and described, and the number of a version is never used twice."""

from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip
from mer_platform.composites.models import LONGEST_DESCRIPTION, Composite, CompositeVersion
from mer_platform.composites.services import freeze
from mer_platform.deletion.version_services import delete_version
from mer_platform.projects.models import AuditEvent, Role
from tests.api.finished_runs import finished

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def frozen(project, database, make_clip, alice):
    """Freeze the next version of a composite, with one clip more than before."""

    def freeze_one(name: str = "Three") -> CompositeVersion:
        for _ in range(2):
            made.append(clip := make_clip(f"clip {len(made)}", f"s{len(made)}"))
            Consensus.objects.create(
                clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted"
            )
        return freeze(project, name, [database], {database.name: {"disgust": "negative"}}, alice)

    made: list[Clip] = []
    return freeze_one


@pytest.fixture
def browser(client, alice) -> Client:
    client.force_login(alice)
    return client


def url(composite: Composite) -> str:
    return f"/api/v1/composites/{composite.pk}/"


def test_the_number_of_a_deleted_version_is_never_used_again(frozen, alice):
    first, second = frozen(), frozen()
    delete_version(second, alice)
    third = frozen()
    assert (first.number, second.number, third.number) == (1, 2, 3)
    delete_version(first, alice)
    delete_version(third, alice)
    assert frozen().number == 4


def test_composites_of_earlier_releases_continue_after_their_newest_version(frozen):
    composite = [frozen(), frozen()][-1].composite
    empty = Composite.objects.create(project=composite.project, name="Empty")
    Composite.objects.update(last_number=0)
    import_module("mer_platform.composites.migrations.0004_described_composites").number_from_versions(
        apps, None
    )
    composite.refresh_from_db()
    empty.refresh_from_db()
    assert (composite.last_number, empty.last_number) == (2, 0)


def test_a_composite_is_renamed_and_described(api, frozen):
    version = frozen()
    hashed = version.content_hash
    answer = api.patch(
        url(version.composite), {"name": " MEGC ", "description": "Of the challenge.\r\nFrozen 2019."}
    )
    assert answer.status_code == 200, answer.content
    changed = answer.json()
    assert (changed["name"], changed["description"]) == ("MEGC", "Of the challenge.\nFrozen 2019.")
    assert (changed["versions"], changed["last_number"]) == (1, 1)
    shown = api.get(f"/api/v1/composite-versions/{version.pk}/").json()
    assert (shown["name"], shown["composite"], shown["content_hash"]) == (
        "MEGC",
        version.composite_id,
        hashed,
    )
    actions = list(AuditEvent.objects.values_list("action", flat=True)[:2])
    assert actions == ["described MEGC", "renamed the composite “Three” to “MEGC”"]
    assert frozen("MEGC").number == 2


@pytest.mark.parametrize(
    ("body", "at", "words"),
    [
        ({"name": "  "}, "/name", "Must not be empty."),
        ({"name": "n" * 81}, "/name", "80"),
        ({"description": "d" * (LONGEST_DESCRIPTION + 1)}, "/description", "at most 2000"),
        ({"description": 7}, "/description", "Must be a text"),
        ({"last_number": 0}, "/last_number", "no such field"),
    ],
)
def test_what_is_wrong_with_a_change_is_named(api, frozen, body, at, words):
    answer = api.patch(url(frozen().composite), body)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["pointer"].endswith(at), error
    assert words in error["detail"], error


def test_a_name_belongs_to_one_composite_of_a_project(api, frozen):
    one, other = frozen("One").composite, frozen("Other").composite
    answer = api.patch(url(one), {"name": "Other", "description": "lost"})
    assert (answer.status_code, answer.json()["composite"]) == (409, other.pk)
    assert "already has a composite “Other”" in answer.json()["detail"]
    one.refresh_from_db()
    assert (one.name, one.description) == ("One", "")


def test_annotators_see_composites_and_change_none(project, member, frozen):
    composite = frozen().composite
    carol = member(project, "carol", Role.ANNOTATOR)
    assert carol.get(url(composite)).json()["name"] == "Three"
    assert carol.patch(url(composite), {"name": "Mine"}).status_code == 403


def test_the_page_of_a_version_renames_and_describes_its_composite(browser, project, frozen):
    version = frozen()
    frozen("Taken")
    edit = reverse("version-edit", args=[project.slug, version.pk])
    page = reverse("version", args=[project.slug, version.pk])
    assert edit in browser.get(page).content.decode()
    refused = browser.post(edit, {"name": "Taken", "description": "For the paper"})
    assert refused.status_code == 422
    assert "already has a composite “Taken”" in refused.content.decode()
    saved = browser.post(edit, {"name": "Four", "description": "For the paper"}, follow=True).content.decode()
    assert "Four v1" in saved
    assert "For the paper" in saved


def test_the_page_of_a_version_deletes_it_or_says_why_not(browser, project, frozen, alice):
    used, free = frozen(), frozen()
    finished(used, [0] * used.samples.count(), alice)
    address = reverse("version-delete", args=[project.slug, free.pk])
    assert address in browser.get(reverse("version", args=[project.slug, free.pk])).content.decode()
    preview = browser.get(address).content.decode()
    assert "4 samples of the version" in preview
    assert "the next version of “Three” is v3" in preview
    assert "Three v2 was deleted." in browser.post(address, follow=True).content.decode()
    kept = browser.post(reverse("version-delete", args=[project.slug, used.pk]))
    assert kept.status_code == 409
    assert "it is needed by 1 experiment and 1 run" in kept.content.decode()
    assert list(CompositeVersion.objects.all()) == [used]
