"""Two users in two projects, and clips as ingest leaves them, without running it."""

import os

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from rest_framework.test import APIClient

from mer_platform.clips.models import Clip, Database, Subject
from mer_platform.clips.packindex import write_index
from mer_platform.projects.models import Membership, Project, Role
from mer_platform.projects.services import create_project
from tests.conforming import conforming_request
from tests.fake_packs import fake_index

FRAMES = 100


@pytest.fixture(autouse=True)
def quick_settings(settings):
    """Hash passwords fast, and serve pages without collected static files."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture(autouse=True)
def answers_as_described(monkeypatch):
    """Compare each answer of the API with the API's description, unless MER_CHECK_ANSWERS=0."""
    if os.environ.get("MER_CHECK_ANSWERS") != "0":
        monkeypatch.setattr(Client, "request", conforming_request)


@pytest.fixture
def alice(db) -> User:
    return User.objects.create_user("alice", password="correct horse 1")


@pytest.fixture
def bob(db) -> User:
    return User.objects.create_user("bob", password="correct horse 2")


@pytest.fixture
def project(alice) -> Project:
    return create_project("Alice's lab", alice)


@pytest.fixture
def other_project(bob) -> Project:
    return create_project("Bob's lab", bob)


@pytest.fixture
def database(project) -> Database:
    return Database.objects.create(
        project=project, name="CASME II", fps=200, emotions=["happiness", "disgust", "surprise"]
    )


@pytest.fixture
def api(alice) -> APIClient:
    client = APIClient(raise_request_exception=True)
    client.force_authenticate(alice)
    return client


@pytest.fixture
def bobs_api(bob, other_project) -> APIClient:
    client = APIClient()
    client.force_authenticate(bob)
    return client


def stored_clip(database: Database, name: str, subject: str, **fields) -> Clip:
    """Store a ready clip of ``FRAMES`` frames, with a fake frame pack of ten bytes per frame."""
    person, _ = Subject.objects.get_or_create(database=database, name=subject)
    sha256 = f"{abs(hash((database.pk, subject, name))):064x}"[-64:]
    values = {
        "state": Clip.State.READY, "frame_count": FRAMES, "fps": "200/1", "width": 64, "height": 48,
        "face_frames": [[0, FRAMES - 1]], **fields,
    }  # fmt: skip
    clip = Clip.objects.create(
        project=database.project, subject=person, name=name, sha256=sha256, file=f"clips/{sha256}.mp4",
        original_name=f"{name}.mp4", size=1, **values,
    )  # fmt: skip
    default_storage.save(clip.pack_name, ContentFile(bytes(i % 256 for i in range(FRAMES * 10))))
    write_index(clip, fake_index(FRAMES))
    return clip


@pytest.fixture
def make_clip(database):
    """Make ready clips of ``FRAMES`` frames, with a fake frame pack of ten bytes per frame."""

    def make(name: str = "EP01", subject: str = "sub01", in_database: Database = database, **fields) -> Clip:
        return stored_clip(in_database, name, subject, **fields)

    return make


@pytest.fixture
def clip(make_clip) -> Clip:
    return make_clip()


@pytest.fixture
def member():
    def add(project: Project, username: str, role: Role) -> APIClient:
        user = User.objects.create_user(username, password="correct horse 3")
        Membership.objects.create(project=project, user=user, role=role)
        client = APIClient()
        client.force_authenticate(user)
        return client

    return add
