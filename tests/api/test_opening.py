"""How the labeler opens a clip: what the page's head fetches before any script, and which clip is next."""

import re
from urllib.parse import quote

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mer_platform.annotation.coding.opening import HEAD_BYTES, STATIC, labeler_modules
from mer_platform.annotation.models import Assignment
from mer_platform.clips.packindex import write_index
from mer_platform.projects.models import Membership, Role
from tests.fake_packs import fake_index


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
    write_index(clip, fake_index(4, offsets=tuple(size * i for i in range(5))))
    return clip


def page_of(browser, clip, query: str = "") -> str:
    return browser.get(reverse("clip", args=[clip.project.slug, clip.pk]) + query).content.decode()


@pytest.mark.parametrize(("query", "first", "last"), [("", 0, 199_999), ("?frame=2", 400_000, 599_999)])
def test_the_head_names_the_bytes_of_the_frame_to_open_at(browser, large_clip, query, first, last):
    assert 200_000 < HEAD_BYTES < 400_000
    address = f"/api/v1/clips/{large_clip.pk}/frames.bin?v={quote(large_clip.frames_version)}"
    assert f'href="{address}&amp;first={first}&amp;last={last}"' in page_of(browser, large_clip, query)


@pytest.mark.parametrize("frame", ["-3", "99999999999999999999", "x", "4"])
def test_any_frame_in_the_address_opens(browser, large_clip, frame):
    assert "<mer-labeler" in page_of(browser, large_clip, f"?frame={frame}")


def test_a_clip_page_opens_without_the_index(browser, clip):
    default_storage.delete(clip.index_name)
    assert 'head-url=""' in page_of(browser, clip)


@pytest.mark.parametrize(("name", "tab"), [("clip", "Clips"), ("clips", "Clips"), ("coding", "Coding")])
def test_the_navigation_marks_the_tab_of_the_page(browser, clip, name, tab):
    slug = clip.project.slug
    url = reverse(name, args=[slug, clip.pk] if name == "clip" else [slug])
    tabs = re.search(r'<nav class="nav-tabs".*?</nav>', browser.get(url).content.decode(), re.S)[0]
    assert re.findall(r'aria-current="page">\s*(\w+)', tabs) == [tab]


def test_every_module_that_a_module_imports_is_preloaded():
    listed = set(labeler_modules())
    assert "js/labeler/frames/decode-worker.js" not in listed
    for name in listed:
        path = STATIC / name
        for target in re.findall(r'^import .* from "(\..*)";', path.read_text(), re.M):
            assert (path.parent / target).resolve().relative_to(STATIC).as_posix() in listed


def test_a_part_of_the_pack_has_an_address_of_its_own(api, clip):
    answer = api.get(f"/api/v1/clips/{clip.pk}/frames.bin?first=10&last=19")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == bytes(range(10, 20))
    assert answer["ETag"].endswith('-10-19"')


def test_coders_continue_with_their_queue_and_viewers_have_none(client, project, clip, bob):
    client.force_login(bob)
    membership = Membership.objects.create(project=project, user=bob, role=Role.VIEWER)
    url = reverse("clip", args=[project.slug, clip.pk])
    opening = client.get(url).context["opening"]
    assert (opening["next_url"], opening["readonly"], opening["database_url"]) == ("", True, "")
    membership.role = Role.ANNOTATOR
    membership.save()
    opening = client.get(url).context["opening"]
    queue = reverse("project-queue", args=[project.pk])
    assert (opening["next_url"], opening["readonly"]) == (f"{queue}?after={clip.pk}", False)


def test_a_finished_clip_opens_read_only(browser, project, clip, alice):
    Assignment.objects.create(clip=clip, coder=alice, done_at=timezone.now())
    assert browser.get(reverse("clip", args=[project.slug, clip.pk])).context["opening"]["readonly"] is True


def test_the_index_contains_the_face_boxes(api, clip):
    clip.faces = {"frame_count": 100, "boxes": [[0, 10, 10, 40, 40], [99]], "coverage": [[0, 0]]}
    clip.save()
    assert api.get(f"/api/v1/clips/{clip.pk}/frames/").json()["faces"] == [[0, 10, 10, 40, 40], [99]]
