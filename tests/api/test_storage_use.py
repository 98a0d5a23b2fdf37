"""What each project stores, by kind: the command, the page of administrators and the rules for old rows."""

import io
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from mer_platform.deletion.models import Removal, StorageUse
from mer_platform.deletion.retention import forget_old_jobs, remove_old_exports
from mer_platform.deletion.usage import count_next
from mer_platform.exports.models import PaperBundle
from mer_platform.jobs.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def administrator(client):
    client.force_login(User.objects.create_superuser("root"))
    return client


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("storage", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_counts_each_project_by_kind(project, other_project, clip):
    default_storage.save(clip.file, ContentFile(b"x" * 500))
    found = json.loads(command("use", "--json"))
    assert found[project.slug]["clips"] == {"files": 1, "bytes": 500}
    assert found[project.slug]["packs"]["files"] == 2  # the pack and its index: this clip has no thumbnail
    assert found[other_project.slug] == {}
    assert "uploaded clips" in command("use", "--project", project.slug)
    with pytest.raises(CommandError, match="not found"):
        command("use", "--project", "nothing")


def test_the_page_shows_the_last_count_and_the_orphans(administrator, project, clip):
    address = reverse("administration-storage")
    assert "Not counted yet" in administrator.get(address).content.decode()
    default_storage.save(clip.file, ContentFile(b"x" * 500))
    default_storage.save(clip.thumbnail_name, ContentFile(b"z"))
    default_storage.save(f"clips/00/{'0' * 64}.mp4", ContentFile(b"y" * 100))
    command("use")
    command("check")
    page = administrator.get(address).content.decode()
    assert project.name in page.replace("&#x27;", "'")
    assert "uploaded clips 500" in page
    assert "1 of uploaded clips, 100" in page


def test_the_page_is_for_administrators(client, alice):
    client.force_login(alice)
    assert client.get(reverse("administration-storage")).status_code == 403


def test_upkeep_counts_one_project_after_the_other_once_a_day(project, other_project):
    assert [count_next(), count_next(), count_next()] == [True, True, False]
    StorageUse.objects.filter(project=project).update(counted_at=timezone.now() - timedelta(hours=25))
    assert [count_next(), count_next()] == [True, False]


def test_old_exports_and_jobs_go_if_an_administrator_says_so(settings, project):
    long_ago = timezone.now() - timedelta(days=40)
    old, new = (
        PaperBundle.objects.create(
            project=project, runs=[1], key=key, state="done", file=f"exports/00/{key * 64}.zip"
        )
        for key in "ab"
    )
    PaperBundle.objects.filter(pk=old.pk).update(created_at=long_ago)
    ended = {"kind": "x", "queue": "ingest", "project": project, "group": "g", "finished_at": long_ago}
    for state in (Job.State.DONE, Job.State.RUNNING):
        Job.objects.create(key=state, state=state, **ended)
    assert (remove_old_exports(), forget_old_jobs()) == (0, 0)
    settings.EXPORT_DAYS = settings.JOB_DAYS = 30
    assert (remove_old_exports(), forget_old_jobs()) == (1, 1)
    assert list(PaperBundle.objects.all()) == [new]
    assert [removal.name for removal in Removal.objects.all()] == [old.file]
    assert Job.objects.get().state == Job.State.RUNNING
