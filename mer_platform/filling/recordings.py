"""Databases, subjects, clips with their finished jobs, and flow pictures."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from secrets import token_hex

from django.utils import timezone

from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.filling.plan import Filling, count_stored, store
from mer_platform.jobs.models import Job

EMOTIONS = ["happiness", "surprise", "disgust", "repression", "fear", "sadness", "others"]
# Name, frames per second and share of the clips.
DATABASES = (
    ("CASME II", 200, 0.3),
    ("SAMM", 200, 0.2),
    ("SMIC", 100, 0.2),
    ("CAS(ME)3", 30, 0.2),
    ("Own recordings", 500, 0.1),
)
FAILED = 0.005  # share of clips that could not be read
PICTURES = 0.005  # flow pictures per clip


def fill(into: Filling) -> list[Clip]:
    """Store databases with subjects and clips; return the clips."""
    clips: list[Clip] = []
    run = token_hex(4)  # two filled projects share no content
    for name, fps, share in DATABASES:
        database = Database.objects.create(project=into.project, name=name, fps=fps, emotions=EMOTIONS)
        subjects = store(
            Subject,
            (
                Subject(database=database, name=f"s{n:04}")
                for n in range(max(2, round(into.sizes.subjects * share)))
            ),
        )
        rows = _clips(into, subjects, fps, round(into.sizes.clips * share), f"{run}{len(clips):08x}")
        clips += store(Clip, rows)
        count_stored(
            FlowPicture, _pictures(subjects, round(into.sizes.clips * share * PICTURES), f"{run}{len(clips)}")
        )
    count_stored(Job, _jobs(into, clips))
    return clips


def _clips(into: Filling, subjects: Sequence[Subject], fps: int, count: int, prefix: str) -> Iterator[Clip]:
    for number in range(count):
        subject = subjects[number % len(subjects)]
        frames = int(into.random.integers(60, 400))
        is_failed = into.random.random() < FAILED
        name = f"{subject.name}_{number:06}"
        sha256 = f"{prefix}{number:016x}".rjust(64, "f")
        yield Clip(
            project=into.project,
            subject=subject,
            name=name,
            sha256=sha256,
            file=f"clips/{sha256}.avi",
            original_name=f"{name}.avi",
            size=10**6,
            uploaded_by=into.owner,
            state=Clip.State.FAILED if is_failed else Clip.State.READY,
            problem="The file is damaged." if is_failed else "",
            codec="ffv1",
            width=640,
            height=480,
            frame_count=0 if is_failed else frames,
            fps=f"{fps}/1",
            file_fps="25/1",
            frame_steps="",
            face_frames=[] if is_failed else [[0, frames - 1]],
            fingerprint="" if is_failed else f"1:{into.random.bytes(60).hex()}",
        )


def _pictures(subjects: Sequence[Subject], count: int, prefix: str) -> Iterator[FlowPicture]:
    for number in range(count):
        key = f"{prefix}{number:x}".rjust(64, "e")
        yield FlowPicture(
            subject=subjects[number % len(subjects)],
            name=f"picture {number}",
            emotion=EMOTIONS[number % len(EMOTIONS)],
            sha256=key,
            file=f"pictures/{key}.png",
            width=28,
            height=84,
        )


def _jobs(into: Filling, clips: Sequence[Clip]) -> Iterator[Job]:
    now = timezone.now()
    for clip in clips:
        yield Job(
            kind="ingest",
            queue="ingest",
            project=into.project,
            key=f"ingest:{clip.pk}",
            group=clip.group(),
            payload={"clip": clip.pk},
            state=Job.State.FAILED if clip.state == Clip.State.FAILED else Job.State.DONE,
            attempt=1,
            started_at=now - timedelta(seconds=2),
            finished_at=now,
        )
