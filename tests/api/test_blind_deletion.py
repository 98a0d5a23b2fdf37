"""What a deletion would remove says nothing about marks on clips that the asking person still has to code."""

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.composites.services import freeze
from mer_platform.scoring.services import WantedClip, start_batch
from tests.api.finished_runs import finished
from tests.trained_models import model_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def marked(project, database, make_clip, alice, bob):
    """Two clips of a subject, each with a mark of both coders, a consensus and a score; no frozen version has them."""
    for number in range(3):
        made = make_clip(f"of version {number}", f"s{number}")
        Consensus.objects.create(clip=made, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted")
    version = freeze(project, "Three", [database], {database.name: {"disgust": "negative"}}, alice)
    run = finished(version, [0, 0, 0], alice)
    model = model_of(run)
    clips = [make_clip("EP01"), make_clip("EP02")]
    for clip in clips:
        for coder in (alice, bob):
            Annotation.objects.create(clip=clip, coder=coder, onset=1, apex=5, offset=9, emotion="disgust")
        Consensus.objects.create(clip=clip, onset=1, apex=5, offset=9, emotion="disgust", origin="adopted")
    start_batch(model, [WantedClip(clip, 3, 7) for clip in clips], alice)
    return clips


def rows(api, kind: str, pk: int) -> tuple[dict[str, int], int]:
    preview = api.get(f"/api/v1/{kind}/{pk}/deletion/").json()
    names = ("annotations", "consensus", "scores")
    return {name: preview["rows"].get(name, 0) for name in names}, preview["not_counted"]


def test_without_a_queue_all_is_counted(api, marked):
    assert rows(api, "clips", marked[0].pk) == ({"annotations": 2, "consensus": 1, "scores": 1}, 0)
    assert rows(api, "subjects", marked[0].subject_id) == ({"annotations": 4, "consensus": 2, "scores": 2}, 0)


def test_a_clip_to_be_coded_counts_only_own_marks(api, marked, alice, database, project):
    Assignment.objects.create(clip=marked[0], coder=alice)
    assert rows(api, "clips", marked[0].pk) == ({"annotations": 1, "consensus": 0, "scores": 0}, 1)
    assert rows(api, "clips", marked[1].pk) == ({"annotations": 2, "consensus": 1, "scores": 1}, 0)
    assert rows(api, "subjects", marked[0].subject_id) == ({"annotations": 3, "consensus": 1, "scores": 1}, 1)
    assert rows(api, "databases", database.pk) == ({"annotations": 3, "consensus": 4, "scores": 1}, 1)
    assert rows(api, "projects", project.pk) == ({"annotations": 3, "consensus": 4, "scores": 1}, 1)


def test_the_queue_of_another_person_hides_nothing(api, marked, bob):
    Assignment.objects.create(clip=marked[0], coder=bob)
    assert rows(api, "clips", marked[0].pk) == ({"annotations": 2, "consensus": 1, "scores": 1}, 0)


def test_the_page_says_what_is_not_counted(client, marked, alice, project):
    url = reverse("clip-delete", args=[project.slug, marked[0].pk])
    client.force_login(alice)
    assert "2 annotations by coders" in client.get(url).content.decode()
    Assignment.objects.create(clip=marked[0], coder=alice)
    page = client.get(url).content.decode()
    assert "1 annotation by a coder" in page
    assert "expression of the consensus" not in page
    assert "of 1 clip in your queue: not counted here until you have coded it" in page


def test_clips_to_be_coded_can_still_be_deleted(api, marked, alice):
    Assignment.objects.create(clip=marked[0], coder=alice)
    assert api.delete(f"/api/v1/clips/{marked[0].pk}/").status_code == 204
    assert not Annotation.objects.filter(clip=marked[0]).exists()
