"""Imports of annotations show all coders' marks, so none of their addresses opens for users who still have clips to code."""

import pytest
from django.urls import reverse

from mer_platform.annotation.exchange import urls
from mer_platform.annotation.exchange.models import AnnotationImport
from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.urls import router
from tests.api.exchange_lab import *  # noqa: F403
from tests.api.exchange_lab import CHANGED, checked, confirmed

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]

PAGES = sorted(str(page.name) for page in urls.urlpatterns if "imports/<int:pk>" in str(page.pattern))
ACTIONS = sorted(
    {
        (str(route.name), method, action)
        for route in router.urls
        if str(route.name).startswith("annotation-import-")
        for method, action in route.callback.actions.items()
        if action not in ("list", "create")  # one shows no marks; the other is tested with the uploads
    }
)


@pytest.fixture
def batch(api, project, ours) -> AnnotationImport:
    """A checked import of a sheet with a column map, which would change ``ours``."""
    made = AnnotationImport.objects.get(pk=checked(api, project, "lab.csv", CHANGED)["id"])
    made.columns = {"columns": {"clip": "Filename"}}
    made.save()
    return made


@pytest.fixture
def queue(samm_clip, alice, batch) -> Assignment:
    return Assignment.objects.create(clip=samm_clip, coder=alice)


def test_the_addresses_are_found():
    assert {"annotation-file", "annotation-file-choose", "annotation-file-column-map"} <= set(PAGES)
    assert {"retrieve", "destroy", "confirm", "undo", "recheck"} <= {action for *_, action in ACTIONS}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_of_an_import_opens_with_clips_to_code(client, alice, project, batch, queue, ours, name):
    client.force_login(alice)
    url = reverse(name, args=[project.slug, batch.pk])
    answers = [client.get(url), client.post(url)]
    assert 403 in {answer.status_code for answer in answers}
    assert {answer.status_code for answer in answers} <= {403, 405}
    assert all("to be coded blind" in a.content.decode() for a in answers if a.status_code == 403)
    assert untouched(batch, ours)


@pytest.mark.parametrize("name", PAGES)
def test_each_page_of_an_import_opens_without_a_queue(client, alice, project, batch, name):
    client.force_login(alice)
    url = reverse(name, args=[project.slug, batch.pk])
    answers = {client.get(url).status_code, client.post(url).status_code} - {405}
    assert answers <= {200, 302, 422}  # a form without its fields


@pytest.mark.parametrize(("name", "method", "action"), ACTIONS)
def test_no_action_of_the_api_answers_with_clips_to_code(api, batch, queue, ours, name, method, action):
    answer = getattr(api, method)(reverse(name, args=[batch.pk]), {}, format="json")
    assert answer.status_code == 403
    assert "your queue still has 1 clip to be coded blind" in answer.json()["detail"]
    assert untouched(batch, ours)


@pytest.mark.parametrize(("name", "method", "action"), ACTIONS)
def test_each_action_of_the_api_answers_without_a_queue(api, batch, name, method, action):
    answer = getattr(api, method)(reverse(name, args=[batch.pk]), {}, format="json")
    # The column map here fits no sheet, and what was not confirmed is not undone.
    assert answer.status_code in (200, 204, 400, 409)


def test_a_confirmed_import_is_not_undone_with_clips_to_code(api, samm_clip, project, ours, alice):
    batch = confirmed(api, checked(api, project, "lab.csv", CHANGED))
    Assignment.objects.create(clip=samm_clip, coder=alice)
    assert api.post(f"/api/v1/annotation-imports/{batch['id']}/undo/").status_code == 403
    assert Annotation.objects.get().offset == 31


def untouched(batch: AnnotationImport, ours: Annotation) -> bool:
    """Return whether the import is as it was checked, and the annotation as it was before."""
    batch.refresh_from_db()
    ours.refresh_from_db()
    return batch.state == AnnotationImport.State.CHECKED and ours.offset == 30
