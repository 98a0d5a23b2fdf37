"""The clip before and after another one is that of the list, with clips left out and with names that repeat."""

import pytest

from mer_platform.clips.models import Clip, Database
from mer_platform.clips.order import clip_after, clip_before
from tests.platform_fixtures import stored_clip

pytestmark = pytest.mark.django_db


@pytest.fixture
def listed(project, other_project) -> list[Clip]:
    """Clips in their order, of two databases with subjects and clips of equal names; others are in another project."""
    for owner in (project, other_project):
        for name in ("B lab", "a lab"):
            database = Database.objects.create(project=owner, name=name, fps=200, emotions=["disgust"])
            for subject in ("s2", "S1", "s10"):
                for clip in ("two", "One"):
                    stored_clip(database, clip, subject)
    return list(Clip.objects.filter(project=project).select_related("subject__database"))


def test_steps_follow_the_order_of_the_list_in_both_directions(project, listed):
    clips = Clip.objects.filter(project=project)
    ids = [clip.pk for clip in listed]
    assert [clip_after(clips, project.pk, clip) for clip in listed] == [*ids[1:], None]
    assert [clip_before(clips, project.pk, clip) for clip in listed] == [None, *ids[:-1]]
    assert clip_after(clips, project.pk) == ids[0]


def test_steps_leave_out_what_the_list_leaves_out(project, listed):
    kept = listed[1::5]
    clips = Clip.objects.filter(project=project, pk__in=[clip.pk for clip in kept])
    assert clip_after(clips, project.pk) == kept[0].pk
    assert clip_after(clips, project.pk, kept[0]) == kept[1].pk
    assert clip_before(clips, project.pk, kept[2]) == kept[1].pk
    assert clip_after(clips, project.pk, kept[-1]) is None
