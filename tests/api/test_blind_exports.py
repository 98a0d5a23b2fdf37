"""Files and pages that show all marks of a project are closed to users who still have clips to code."""

import pytest
from django.urls import reverse

from mer_platform.annotation.models import Assignment, Consensus
from mer_platform.composites.models import Composite, CompositeVersion, Sample

pytestmark = [pytest.mark.django_db]


@pytest.fixture
def version(project, clip) -> CompositeVersion:
    Consensus.objects.create(clip=clip, onset=1, apex=2, offset=3, emotion="disgust", origin="adopted")
    composite = Composite.objects.create(project=project, name="Lab")
    version = CompositeVersion.objects.create(
        composite=composite, number=1, label_map={}, content_hash="0" * 64
    )
    Sample.objects.create(
        version=version, index=0, clip=clip, name=clip.name, content_sha256=clip.sha256, database="CASME II",
        subject="sub01", onset=1, apex=2, offset=3, emotion="disgust", label="negative",
    )  # fmt: skip
    return version


@pytest.fixture
def addresses(project, version) -> list[str]:
    own = f"/api/v1/composite-versions/{version.pk}/"
    marks = f"/api/v1/projects/{project.pk}/annotations"
    pages = [reverse(name, args=[project.slug, version.pk]) for name in ("version-json", "features")]
    return [
        f"{own}samples.csv", f"{own}diff/?against={version.pk}", f"{own}export/", f"{own}features/",
        f"{marks}.csv", f"{marks}.json", *pages,
    ]  # fmt: skip


def test_a_researcher_without_a_queue_sees_all_marks(client, alice, addresses):
    client.force_login(alice)
    assert {url: client.get(url).status_code for url in addresses} == dict.fromkeys(addresses, 200)


def test_a_researcher_with_clips_to_code_sees_none(client, alice, addresses, clip):
    Assignment.objects.create(clip=clip, coder=alice)
    client.force_login(alice)
    assert {url: client.get(url).status_code for url in addresses} == dict.fromkeys(addresses, 403)
    assert "your queue still has 1 clip to be coded blind" in client.get(addresses[0]).json()["detail"]
