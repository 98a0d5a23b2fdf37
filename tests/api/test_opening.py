"""How the labeler opens a clip: what the page's head fetches before any script, and which clip follows."""

import json
import re

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from mer_platform.annotation.models import Annotation
from mer_platform.clips.opening import HEAD_BYTES, STATIC, labeler_modules
from mer_platform.projects.models import Membership, Role


@pytest.fixture
def browser(client, alice) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def large_clip(make_clip):
    """Four frames of 200 KB."""
    clip = make_clip("large")
    size = 200_000
    default_storage.save(clip.pack_name, ContentFile(bytes(4 * size)))
    index = {"version": 1, "count": 4, "offsets": [size * i for i in range(5)]}
    default_storage.save(clip.index_name, ContentFile(json.dumps(index).encode()))
    return clip


def page_of(browser, clip, query: str = "") -> str:
    return browser.get(reverse("clip", args=[clip.project.slug, clip.pk]) + query).content.decode()


@pytest.mark.parametrize(("query", "first", "last"), [("", 0, 199_999), ("?frame=2", 400_000, 599_999)])
def test_the_head_names_the_bytes_of_the_frame_to_open_at(browser, large_clip, query, first, last):
    assert 200_000 < HEAD_BYTES < 400_000
    assert f'href="/api/v1/clips/{large_clip.pk}/frames.bin?first={first}&amp;last={last}"' in page_of(
        browser, large_clip, query
    )


@pytest.mark.parametrize("frame", ["-3", "99999999999999999999", "x", "4"])
def test_any_frame_in_the_address_opens(browser, large_clip, frame):
    assert "<mer-labeler" in page_of(browser, large_clip, f"?frame={frame}")


def test_a_clip_whose_index_is_lost_still_has_a_page_that_can_say_so(browser, clip):
    default_storage.delete(clip.index_name)
    assert 'head-url=""' in page_of(browser, clip)


def test_every_module_that_a_module_imports_is_preloaded():
    listed = set(labeler_modules())
    assert "js/labeler/decode-worker.js" not in listed
    for name in listed:
        path = STATIC / name
        for target in re.findall(r'^import .* from "(\..*)";', path.read_text(), re.M):
            assert (path.parent / target).resolve().relative_to(STATIC).as_posix() in listed


def test_a_part_of_the_pack_has_an_address_of_its_own(api, clip):
    answer = api.get(f"/api/v1/clips/{clip.pk}/frames.bin?first=10&last=19")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == bytes(range(10, 20))
    assert answer["ETag"].endswith('-10-19"')


def test_the_next_clip_is_the_next_without_my_marks(browser, project, make_clip, alice):
    first, marked, third = (make_clip(name) for name in ("a", "b", "c"))
    Annotation.objects.create(clip=marked, coder=alice, onset=1)
    answer = browser.get(reverse("clip-next", args=[project.slug, first.pk])).json()
    assert (answer["clip"], answer["name"]) == (third.pk, "c")
    assert answer["page_url"] == reverse("clip", args=[project.slug, third.pk])
    assert answer["next_url"] == reverse("clip-next", args=[project.slug, third.pk])
    assert answer["readonly"] is False


def test_after_the_last_clip_there_is_none(browser, project, clip):
    answer = browser.get(reverse("clip-next", args=[project.slug, clip.pk])).json()
    assert answer == {"clip": None, "page_url": reverse("clips", args=[project.slug])}


def test_a_viewer_opens_the_next_clip_readonly_and_a_stranger_not_at_all(client, project, make_clip, bob):
    first, _ = make_clip("a"), make_clip("b")
    url = reverse("clip-next", args=[project.slug, first.pk])
    client.force_login(bob)
    assert client.get(url).status_code == 404
    Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    assert client.get(url).json()["readonly"] is True


def test_the_index_tells_where_the_face_is(api, clip):
    clip.faces = {"frame_count": 100, "boxes": [[0, 10, 10, 40, 40], [99]], "coverage": [[0, 0]]}
    clip.save()
    assert api.get(f"/api/v1/clips/{clip.pk}/frames/").json()["faces"] == [[0, 10, 10, 40, 40], [99]]
