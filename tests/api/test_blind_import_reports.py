"""The report of a database's import hides the official coding of clips that the reader still has to code."""

import pytest
from django.test import Client

from mer_platform.annotation.models import Assignment
from mer_platform.imports.models import Import

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def batch(project, alice, clip, make_clip) -> Import:
    """A checked import of two clips with a coding, whose labels differ from the project's."""
    made = Import.objects.create(
        project=project, layout="casme2", place="folder", state=Import.State.CHECKED, created_by=alice
    )
    for of, emotion in ((clip, "rapture"), (make_clip("EP02"), "serenity")):
        item = made.items.create(
            kind="clip", state="there", database="CASME II", subject="sub01", name=of.name, clip=of,
            reason=f"Other: {emotion}.", files=["a.jpg"],
        )  # fmt: skip
        item.set_expressions([{"onset": 1, "apex": 5, "offset": 9, "emotion": emotion}])
        item.save()
        made.problems.create(
            severity="warning",
            code="labels-differ",
            message=f"It has {emotion}",
            subject="sub01",
            clip=of.name,
        )
    return made


@pytest.fixture
def texts(alice, api, project, batch):
    """Return what each page and answer about the import says."""
    browser = Client()
    browser.force_login(alice)
    own = f"/projects/{project.slug}/imports/{batch.pk}/"
    pages = [own, f"{own}?rows=1", f"{own}report.json", f"{own}problems.csv"]
    answers = [f"/api/v1/imports/{batch.pk}/{rest}/" for rest in ("items", "problems", "problem-groups")]

    def read() -> dict[str, str]:
        found = {url: browser.get(url) for url in pages} | {url: api.get(url) for url in answers}
        assert {answer.status_code for answer in found.values()} == {200}
        return {url: answer.content.decode() for url, answer in found.items()}

    return read


def test_without_a_queue_the_coding_is_shown(texts):
    assert all("rapture" in text for text in texts().values())


def test_the_coding_of_a_clip_in_the_queue_is_shown_nowhere(texts, api, batch, clip, alice):
    Assignment.objects.create(clip=clip, coder=alice)
    found = texts()
    assert not [url for url, text in found.items() if "rapture" in text]
    assert all("serenity" in text for text in found.values())
    hidden, shown = api.get(f"/api/v1/imports/{batch.pk}/items/").json()["results"]
    assert (hidden["expressions"], hidden["emotion"]) == (None, "")
    assert "hidden until you have coded it" in hidden["reason"]
    assert shown["expressions"][0]["emotion"] == "serenity"
    assert batch.items.get(clip=clip).emotion == "rapture"  # hidden, not lost
