"""Coders, their assignments and their annotations, as the tests of coding need them."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from mer_platform.annotation.models import Annotation, Assignment
from mer_platform.clips.models import Clip
from mer_platform.projects.models import Role

MARKS = {"onset": 10, "apex": 20, "offset": 30, "emotion": "disgust", "action_units": "4"}


@pytest.fixture
def carol(project, member):
    return member(project, "carol", Role.ANNOTATOR)


@pytest.fixture
def dave(project, member):
    return member(project, "dave", Role.ANNOTATOR)


def user(name: str) -> User:
    return User.objects.get(username=name)


def annotate(clip: Clip, name: str, **fields) -> Annotation:
    """Store a complete annotation of this user; ``fields`` replace the usual ones."""
    return Annotation.objects.create(clip=clip, coder=user(name), **{**MARKS, **fields})


def assign(clip: Clip, *names: str, done: bool = False) -> list[Assignment]:
    done_at = timezone.now() if done else None
    return [
        Assignment.objects.create(clip=clip, coder=user(name), position=clip.pk, done_at=done_at)
        for name in names
    ]
