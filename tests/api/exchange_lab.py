"""Annotations that are hard to exchange: gaps in the numbering, a varying frame rate, overlapping expressions."""

from fractions import Fraction

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from mer_platform.annotation.models import Annotation
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import write_index
from mer_platform.projects.models import Membership, Role
from tests.fake_packs import fake_index

HEAD = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion,Coder"


def sheet(*rows: str, head: str = HEAD) -> str:
    return "\n".join([head, *rows])


CHANGED = sheet("6,006_1_2,5572,5583,5594,4,Happiness,alice")  # ``ours`` with offset 31 and action unit 4


def with_index(clip: Clip, source: list[int], pts: list[int], time_base: str) -> Clip:
    """Give the clip the index of a real frame pack."""
    fields = {"source": tuple(source), "pts": tuple(pts), "time_base": Fraction(time_base)}
    write_index(clip, fake_index(len(pts), **fields))
    return clip


@pytest.fixture
def samm_clip(make_clip) -> Clip:
    """Frame images numbered from 5562 with one number missing, at 200 fps."""
    clip = make_clip("006_1_2", "006", first_source_number=5562)
    source = [5562 + i + (i >= 15) for i in range(clip.frame_count)]
    return with_index(clip, source, list(range(clip.frame_count)), "1/200")


@pytest.fixture
def vfr_clip(make_clip) -> Clip:
    """A video whose first time stamp is not 0 and whose frames last 5, 33 or 8 ms."""
    clip = make_clip("EP02_01f", "sub01")
    pts = [70 + 138 * (i // 9) * 1 + (i % 9) * 15 for i in range(clip.frame_count)]
    return with_index(clip, list(range(1, clip.frame_count + 1)), pts, "1/3000")


@pytest.fixture
def anna(project) -> User:
    user = User.objects.create_user("anna@lab", password="correct horse 4")
    Membership.objects.create(project=project, user=user, role=Role.ANNOTATOR)
    return user


@pytest.fixture
def coded(samm_clip, vfr_clip, alice, anna) -> list[Annotation]:
    """Annotations of two coders: complete, incomplete and overlapping, several per clip, each with its first version."""
    rows = [
        (samm_clip, alice, {"onset": 10, "apex": 20, "offset": 30, "emotion": "happiness", "action_units": "R12A+14"}),
        (samm_clip, alice, {"onset": 25, "apex": 25, "offset": 40, "emotion": "disgust", "kind": "macro"}),
        (samm_clip, alice, {"onset": 28, "apex": 35, "offset": 35, "emotion": "", "action_units": "4+L10"}),
        (samm_clip, anna, {"onset": 12, "emotion": "surprise", "note": "=1+1\nunsure", "confidence": 2}),
        (samm_clip, anna, {"apex": 50}),
        (samm_clip, anna, {"onset": 60, "apex": 62}),
        (samm_clip, anna, {"apex": 70, "offset": 99, "emotion": "disgust"}),
        (vfr_clip, alice, {"onset": 0, "apex": 8, "offset": 9, "emotion": "happiness"}),
        (vfr_clip, alice, {"onset": 42, "apex": 42, "offset": 42, "emotion": "happiness", "confidence": 5}),
        (vfr_clip, anna, {"onset": 17, "offset": 98, "emotion": "surprise", "action_units": "1+2+5"}),
    ]  # fmt: skip
    made = [Annotation.objects.create(clip=clip, coder=coder, **fields) for clip, coder, fields in rows]
    for annotation in made:
        annotation.keep_version(annotation.coder, "labeler")
    return made


@pytest.fixture
def ours(samm_clip, alice) -> Annotation:
    """A complete annotation of alice."""
    made = Annotation.objects.create(
        clip=samm_clip, coder=alice, onset=10, apex=20, offset=30, emotion="happiness", note="kept"
    )
    made.keep_version(alice, "labeler")
    return made


def content(*extra: str) -> list[tuple]:
    """Return the content of all annotations, without their ids."""
    fields = (
        "clip__name",
        "coder__username",
        "onset",
        "apex",
        "offset",
        "kind",
        "emotion",
        "action_units",
        *extra,
    )
    return sorted(Annotation.objects.values_list(*fields), key=str)


def export(api, project, kind: str, **query) -> bytes:
    answer = api.get(f"/api/v1/projects/{project.pk}/annotations.{kind}", query)
    assert answer.status_code == 200, answer.content
    return answer.getvalue()


def upload(api, project, name: str, data: bytes | str, coders: str = "names", **more: str):
    file = SimpleUploadedFile(name, data.encode() if isinstance(data, str) else data)
    fields = {"project": project.pk, "file": file, "coders": coders, **more}
    return api.post("/api/v1/annotation-imports/", fields, format="multipart")


def checked(api, project, name: str, data: bytes | str, coders: str = "names") -> dict:
    answer = upload(api, project, name, data, coders)
    assert answer.status_code == 201, answer.json()
    return answer.json()


def confirmed(api, batch: dict) -> dict:
    answer = api.post(f"/api/v1/annotation-imports/{batch['id']}/confirm/")
    assert answer.status_code == 200, answer.json()
    return answer.json()
