"""A disk or a storage that fails for a while fails no clip, no item and no job: the work waits and is done later."""

import errno
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.files.base import File
from django.core.files.storage import default_storage

from mer_platform.clips.models import Clip
from mer_platform.clips.services import add_clip
from mer_platform.free_space import NoSpace
from mer_platform.jobs.models import Job
from mer_platform.storage import ContentStorage
from models_ml.video.contained import ProcessLimits, ingest_contained
from tests.lab import barcode_clips
from workers import runner

pytestmark = [pytest.mark.services]
FULL = OSError(errno.ENOSPC, "No space left on device")
AWAY = EndpointConnectionError(endpoint_url="http://store")


@contextmanager
def storage_that(error: BaseException, method: str, monkeypatch):
    def fail(*_args, **_kwargs):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(ContentStorage, method, fail)
        yield


@pytest.fixture
def made(tmp_path):
    return next(clip for clip in barcode_clips(tmp_path) if clip.path.suffix == ".mp4")


@pytest.fixture
def uploaded(transactional_db, made, database, alice) -> Clip:
    with made.path.open("rb") as file:
        return add_clip(database, "s1", File(file, made.path.name), alice)


def again(queue: str) -> None:
    """Let the queue's waiting jobs be due now."""
    Job.objects.filter(queue=queue).update(not_before=None)
    runner.take_next(queue)


@pytest.mark.parametrize("error", [FULL, AWAY, NoSpace(1, 2, 3)], ids=["full", "away", "floor"])
def test_a_clip_waits_while_its_pack_cannot_be_stored_and_is_ready_afterwards(
    work, uploaded, monkeypatch, error
):
    with storage_that(error, "_save", monkeypatch):
        assert not runner.take_next("ingest")
        again("ingest")
    job = Job.objects.get(kind="ingest")
    assert (job.state, job.outages, job.unexpected_errors) == (Job.State.QUEUED, 2, 0)
    assert job.error.startswith("Waits: the ")
    uploaded.refresh_from_db()
    assert uploaded.state == Clip.State.PROCESSING
    again("ingest")
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.DONE, "")
    uploaded.refresh_from_db()
    assert uploaded.state == Clip.State.READY


def test_spotting_waits_while_the_clip_cannot_be_read(work, uploaded, monkeypatch):
    runner.take_next("ingest")
    with monkeypatch.context() as patch:
        patch.setattr("workers.spotting.track_face", _raise(AWAY))
        runner.take_next("features")
    spot = Job.objects.get(kind="spot")
    assert (spot.state, spot.outages) == (Job.State.QUEUED, 1)
    again("features")
    spot.refresh_from_db()
    assert spot.state == Job.State.DONE


def test_each_outage_doubles_the_wait_up_to_a_limit(uploaded):
    job = Job.objects.get(kind="ingest")
    waits = []
    for outages in (0, 1, 2, 5, 30):
        Job.objects.update(outages=outages, not_before=None, state=Job.State.QUEUED)
        waits.append(Job.claim(job.pk, "host:1").postpone("Waits."))
    assert waits == [2, 4, 8, 64, 300]


def test_outages_do_not_count_as_ended_worker_processes(uploaded):
    Job.objects.update(attempt=200, outages=195)
    job = Job.objects.get(kind="ingest")
    assert Job.claim(job.pk, "host:1").attempt == 201
    assert not Job.objects.filter(Job.worn_out()).exists()


def test_an_internal_error_after_an_outage_is_still_tried_again(uploaded, monkeypatch):
    with storage_that(AWAY, "_save", monkeypatch):
        runner.take_next("ingest")
    with storage_that(ValueError("a bug"), "_save", monkeypatch):
        again("ingest")
    job = Job.objects.get(kind="ingest")
    assert (job.state, job.unexpected_errors) == (Job.State.QUEUED, 1)
    again("ingest")
    job.refresh_from_db()
    assert job.state == Job.State.DONE


def test_the_decoder_process_reports_a_full_disk_as_one(made, tmp_path):
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        ingest_contained(made.path, full, limits=ProcessLimits())
    assert caught.value.errno == errno.ENOSPC


def test_a_disk_that_gives_no_bytes_is_not_a_damaged_clip(work, uploaded, monkeypatch):
    path = Path(default_storage.path(uploaded.file))
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    monkeypatch.setattr("workers.ingest.check_readable", _raise(OSError(errno.EIO, "Input/output error")))
    try:
        runner.take_next("ingest")
    finally:
        path.write_bytes(whole)  # clips of other tests share the file
    uploaded.refresh_from_db()
    assert uploaded.state == Clip.State.PROCESSING


def _raise(error: BaseException):
    def fail(*_args, **_kwargs):
        raise error

    return fail
