"""The list of clips: its filters on annotations, and where it stands in the navigation."""

import re

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Annotation, Assignment, Consensus

pytestmark = pytest.mark.django_db
MARKS = {"onset": 10, "apex": 20, "offset": 30, "emotion": "disgust"}


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def names(answer) -> set[str]:
    return {clip.name for clip in answer.context["page"]}


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("", {"mine", "theirs", "agreed", "assigned"}),
        ("queue", {"assigned"}),
        ("todo", {"theirs", "agreed", "assigned"}),
        ("done", {"agreed"}),
        ("none", {"assigned"}),
    ],
)
def test_clips_are_filtered_by_what_is_annotated(browser, project, make_clip, alice, bob, label, shown):
    mine, theirs, agreed, assigned = (make_clip(name) for name in ("mine", "theirs", "agreed", "assigned"))
    Annotation.objects.create(clip=mine, coder=alice, **MARKS)
    Annotation.objects.create(clip=theirs, coder=bob, **MARKS)
    Consensus.objects.create(clip=agreed, origin="adopted", **MARKS)
    Assignment.objects.create(clip=assigned, coder=alice)
    assert names(browser.get(reverse("clips", args=[project.slug]), {"label": label})) == shown


def test_clips_are_found_by_name_subject_and_database(browser, project, make_clip):
    make_clip("EP01", "sub01")
    make_clip("EP02", "sub02")
    url = reverse("clips", args=[project.slug])
    assert names(browser.get(url, {"q": "ep01"})) == {"EP01"}
    assert names(browser.get(url, {"q": "sub02 EP"})) == {"EP02"}
    assert names(browser.get(url, {"database": "999999"})) == {"EP01", "EP02"}


def test_an_htmx_request_gets_only_the_list(browser, project, clip):
    answer = browser.get(
        reverse("clips", args=[project.slug]), headers={"HX-Request": "true"}
    ).content.decode()
    assert "EP01" in answer
    assert "<html" not in answer


@pytest.mark.parametrize(("name", "current"), [("clips", "Clips"), ("clip", "Clips"), ("coding", "Coding")])
def test_the_navigation_marks_where_the_page_belongs(browser, project, clip, name, current):
    arguments = [project.slug, clip.pk] if name == "clip" else [project.slug]
    page = browser.get(reverse(name, args=arguments)).content.decode()
    navigation = re.search(r'<nav class="nav-tabs".*?</nav>', page, re.DOTALL)[0]
    assert re.findall(r'aria-current="page">\s*(\w+)', navigation) == [current]
