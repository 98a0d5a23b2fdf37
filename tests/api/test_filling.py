"""``manage.py fill`` stores a project of any size."""

import pytest
from django.core.management import CommandError, call_command

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip
from mer_platform.experiments.models import Prediction, Run
from mer_platform.projects.models import Project

pytestmark = pytest.mark.django_db


def test_fill_stores_what_was_asked_for_and_the_project_opens(alice, client):
    call_command("fill", project="Filled", owner="alice", clips=100, verbosity=0)
    project = Project.objects.get(name="Filled")
    assert Clip.objects.filter(project=project).count() == 100
    assert Annotation.objects.filter(clip__project=project).count() == pytest.approx(200, rel=0.2)
    assert Consensus.objects.filter(clip__project=project).exists()
    assert Run.objects.filter(project=project).count() == 10
    assert Prediction.objects.filter(run__project=project).exists()
    client.force_login(alice)
    for page in ("", "clips/", "coding/", "imports/", "runs/"):
        assert client.get(f"/projects/{project.slug}/{page}").status_code == 200, page


def test_fill_says_what_it_needs(alice):
    with pytest.raises(CommandError, match="--clips must be at least 100"):
        call_command("fill", owner="alice", clips=5)
    with pytest.raises(CommandError, match="“carol” not found"):
        call_command("fill", owner="carol")
