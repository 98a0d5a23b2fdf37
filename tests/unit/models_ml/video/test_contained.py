"""Ingest in a process of its own: the same result, and no clip can use more than it may or end the caller."""

import os
import signal
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.video import contained
from models_ml.video.contained import LimitExceeded, ProcessLimits, ingest_contained
from models_ml.video.ingest import IngestResult, ingest
from tests.unit.models_ml.video.made_clips import numbered_frames, write_video

SIDE = 4096  # the largest that a frame may be


@pytest.fixture
def contain(tmp_path: Path):
    pack = tmp_path / "frames.bin"

    def run(path: Path, on_progress=None, **limits) -> IngestResult:
        pack.write_bytes(b"")
        fps = 100 if path.suffix == ".zip" else None
        return ingest_contained(path, pack, limits=ProcessLimits(**limits), on_progress=on_progress, fps=fps)

    return run


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", numbered_frames(12))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that states no length, as a live one, and takes seconds to ingest."""
    path = tmp_path_factory.mktemp("long") / "long.mkv"
    return write_video(path, numbered_frames(400, 640, 480), container={"live": "1"})


def black_images(path: Path, count: int, values: type = np.uint8) -> Path:
    """Write images of the largest size in few bytes."""
    data = cv2.imencode(".png", np.zeros((SIDE, SIDE, 3), values))[1].tobytes()
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            archive.writestr(f"img{number}.png", data)
    return path


def decoder_pid() -> int:
    return contained._own[os.getpid()].pid


def test_the_result_is_that_of_ingest(contain, clip, tmp_path):
    here = tmp_path / "here.bin"
    with here.open("w+b") as file:
        expected = ingest(clip, file)
    assert contain(clip) == expected
    assert (tmp_path / "frames.bin").read_bytes() == here.read_bytes()


def test_one_process_takes_one_clip_after_another(contain, clip, tmp_path):
    contain(clip)
    first = decoder_pid()
    (tmp_path / "diary.mp4").write_bytes(b"Dear diary, this is not a video." * 40)
    with pytest.raises(InputError, match="neither a video"):
        contain(tmp_path / "diary.mp4")
    contain(clip)
    assert decoder_pid() == first


def test_a_bomb_of_images_stops_at_the_memory_limit(contain, clip, tmp_path):
    with pytest.raises(LimitExceeded, match="more than 30 MB of memory") as stopped:
        contain(black_images(tmp_path / "bomb.zip", 2), memory=30 * 2**20)
    assert stopped.value.limit == "memory"
    assert contain(clip).frame_count == 12


def test_a_video_of_huge_frames_stops_at_the_memory_limit(contain, tmp_path):
    black = [np.zeros((SIDE, SIDE, 3), np.uint8)] * 3
    with pytest.raises(LimitExceeded, match="more than 40 MB of memory"):
        contain(write_video(tmp_path / "huge.mp4", black), memory=40 * 2**20)


def test_a_bomb_of_images_stops_at_the_time_limit(contain, clip, tmp_path):
    with pytest.raises(LimitExceeded, match="1 s of processor time") as stopped:
        contain(black_images(tmp_path / "bomb.zip", 8, np.uint16), seconds=1)
    assert stopped.value.limit == "seconds"
    assert contain(clip).frame_count == 12


def test_a_recording_without_length_stops_at_the_time_limit(contain, long):
    with pytest.raises(LimitExceeded, match="1 s of processor time"):
        contain(long, seconds=1)


def test_few_pixels_get_less_time_than_the_limit(contain, clip, monkeypatch):
    granted: list[int] = []
    monkeypatch.setattr(contained, "_limit", lambda _name, value: granted.append(value))
    budget = contained._Budget(ProcessLimits(seconds=10_000))
    granted.clear()
    budget.grow(40_000_000)
    budget.grow(41_000_000)  # too little to matter
    budget.grow(80_000_000)
    assert len(granted) == 2
    assert granted[1] - granted[0] == 10


def test_frames_stop_at_the_output_limit(contain, clip):
    with pytest.raises(LimitExceeded, match="more than 1 MB, which is the limit") as stopped:
        contain(write_video(clip, numbered_frames(60, 640, 480)), output=2**20)
    assert stopped.value.limit == "output"


def test_a_member_that_inflates_to_the_largest_size_of_an_image_is_only_refused(contain, tmp_path):
    with zipfile.ZipFile(tmp_path / "deflate.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("img1.png", bytes(64 * 2**20))
    with pytest.raises(InputError, match="not a JPEG, PNG") as refused:
        contain(tmp_path / "deflate.zip", memory=200 * 2**20)
    assert not isinstance(refused.value, LimitExceeded)


def signalling(number: int):
    return lambda _frames: os.kill(decoder_pid(), number)


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGSEGV, "crashed the decoder .SIGSEGV"), (signal.SIGKILL, "ran out of memory")],
)
def test_a_decoder_that_dies_is_a_sentence_after_a_second_try(contain, clip, long, number, words):
    contain(clip)  # so that the process has been used
    with pytest.raises(InputError, match=words):
        contain(long, on_progress=signalling(number))
    assert contain(clip).frame_count == 12


def test_a_decoder_that_waits_without_end_is_stopped(contain, clip, long, monkeypatch):
    monkeypatch.setattr(contained, "_WALL_SECONDS", 2)
    monkeypatch.setattr(contained, "_WALL_FACTOR", 0)
    with pytest.raises(LimitExceeded, match="did not end within"):
        contain(long, on_progress=signalling(signal.SIGSTOP))
    monkeypatch.undo()
    assert contain(clip).frame_count == 12


def test_an_exception_of_the_caller_stops_the_decoder(contain, clip, long):
    def cancelled(_frames: int) -> None:
        raise KeyError("cancelled")

    with pytest.raises(KeyError):
        contain(long, on_progress=cancelled)
    assert os.getpid() not in contained._own
    assert contain(clip).frame_count == 12
