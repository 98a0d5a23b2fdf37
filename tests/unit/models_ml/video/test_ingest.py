"""Ingest: one pass over a clip gives the pack, the thumbnail, the faces and the motion curve."""

import io
import struct
import subprocess
import tracemalloc
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.errors import InputError
from models_ml.face.detect import Box
from models_ml.synthetic.barcode import read_number
from models_ml.video.decode import open_source
from models_ml.video.framepack import read_pack_frame
from models_ml.video.ingest import ingest
from tests.unit.models_ml.video.made_clips import (
    encoded,
    numbered_frames,
    numbered_members,
    write_video,
    write_zip,
)


class NoFace:
    def detect(self, image: np.ndarray) -> Box | None:
        return None


def test_a_face_is_found_and_its_motion_measured(tmp_path: Path) -> None:
    face = cv2.resize(astronaut()[:230, 110:340], (160, 160), interpolation=cv2.INTER_AREA)
    images = []
    for i in range(24):  # still, then a jolt of 1.5 pixels, then still
        shift = np.array([[1, 0, 1.5 if i >= 12 else 0], [0, 1, 0.0]])
        images.append(cv2.warpAffine(face, shift, (160, 160), borderMode=cv2.BORDER_REFLECT))
    clip = write_video(tmp_path / "face.mp4", images, rate=100)
    result = ingest(clip, io.BytesIO())
    assert result.faces.coverage() == [(0, 23)]
    assert (result.frame_count, result.kind, result.codec, result.is_grey) == (24, "video", "h264", False)
    assert len(result.index.motion) == 24
    assert 11 < int(np.argmax(result.index.motion)) < 17
    assert 0.7 < max(result.index.motion) < 2.0
    assert max(result.index.motion[:12]) < 0.2


def test_the_pack_holds_every_frame_of_the_clip(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(30))
    with (tmp_path / "pack").open("w+b") as file:
        result = ingest(clip, file, detector=NoFace())
        numbers = [read_number(read_pack_frame(file, result.index, i)) for i in range(30)]
    assert numbers == list(range(30))
    assert result.index.source == tuple(range(1, 31))
    assert (result.index.width, result.index.height) == (160, 96)


def test_a_clip_with_more_frames_than_time_stamps_gets_rising_times(tmp_path: Path) -> None:
    clip = write_video(  # Matroska counts milliseconds
        tmp_path / "clip.mkv", numbered_frames(20), codec="mjpeg", pixels="yuvj420p", rate=2000
    )
    with open_source(clip) as source:
        stamps = [frame.pts for frame in source]
    assert len(set(stamps)) < 20
    file = io.BytesIO()
    index = ingest(clip, file, detector=NoFace()).index
    assert [read_number(read_pack_frame(file, index, i)) for i in range(20)] == list(range(20))
    assert (index.fps, index.pts) == (2000, tuple(range(20)))


def test_frame_images_keep_their_source_numbers(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(4, "006_{:05d}.jpg", 5562))
    result = ingest(path, io.BytesIO(), fps=200, detector=NoFace())
    assert (result.kind, result.codec, result.index.fps) == ("images", "jpeg", 200)
    assert result.index.source == (5562, 5563, 5564, 5565)


def test_a_clip_without_a_face_is_not_an_error(tmp_path: Path) -> None:
    result = ingest(write_video(tmp_path / "clip.mp4", numbered_frames(6)), io.BytesIO(), detector=NoFace())
    assert result.faces.coverage() == []
    assert len(result.index.motion) == 6


class FaceIn:
    """Finds a face in images of at least this width; its box is a quarter of the image."""

    def __init__(self, width: int) -> None:
        self.width = width

    def detect(self, image: np.ndarray) -> Box | None:
        height, width = image.shape[:2]
        return Box(0, 0, width // 2, height // 2) if width >= self.width else None


@pytest.mark.parametrize("least", [320, 640])
def test_a_face_box_is_in_frame_pixels_also_if_found_in_a_reduced_copy(tmp_path: Path, least: int) -> None:
    members = {f"img{n}.jpg": encoded(image, ".jpg") for n, image in enumerate(numbered_frames(3, 640, 480))}
    result = ingest(write_zip(tmp_path / "clip.zip", members), io.BytesIO(), fps=200, detector=FaceIn(least))
    assert set(result.faces.boxes.values()) == {Box(0, 0, 320, 240)}


def test_the_thumbnail_is_at_most_320_wide(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(2, 640, 480))
    thumbnail = ingest(clip, io.BytesIO(), detector=NoFace()).thumbnail
    assert thumbnail.startswith(b"\xff\xd8\xff")
    assert cv2.imdecode(np.frombuffer(thumbnail, np.uint8), cv2.IMREAD_COLOR).shape == (240, 320, 3)


def test_progress_is_reported_and_can_stop_the_ingest(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(6))
    reported: list[int] = []
    ingest(clip, io.BytesIO(), detector=NoFace(), on_progress=reported.append)
    assert reported == [1, 2, 3, 4, 5, 6]

    def stop(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(clip, io.BytesIO(), detector=NoFace(), on_progress=stop)


def test_a_truncated_video_is_an_error_with_the_number_of_frames(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(30))
    clip.write_bytes(clip.read_bytes()[:-3000])
    with pytest.raises(InputError, match=r"only \d+ frames could be read"):
        ingest(clip, io.BytesIO(), detector=NoFace())


def test_frames_are_never_all_in_memory(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.avi", numbered_frames(60, 480, 360), codec="mjpeg", pixels="yuvj420p")
    with (tmp_path / "pack").open("w+b") as file:
        tracemalloc.start()
        ingest(clip, file, detector=NoFace())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 12 * 480 * 360 * 3


@pytest.mark.parametrize(
    ("name", "codec", "frames", "width", "height", "coverage"),
    [
        ("single_face.mp4", "h264", 72, 640, 360, [(0, 71)]),
        ("carphone_pristine.mp4", "h264", 120, 176, 144, [(0, 115)]),  # then the face turns away
        ("face_noface.mov", "hevc", 169, 960, 540, [(0, 71)]),
        ("no_face.mp4", "h264", 95, 960, 540, []),
    ],
)
def test_the_real_clips_are_ingested_and_their_faces_found_to_the_frame(
    real_clips: Path,
    name: str,
    codec: str,
    frames: int,
    width: int,
    height: int,
    coverage: list[tuple[int, int]],
) -> None:
    result = ingest(real_clips / name, io.BytesIO())
    assert (result.kind, result.codec, result.is_grey) == ("video", codec, False)
    assert (result.index.width, result.index.height) == (width, height)
    assert result.frame_count == result.index.count == len(result.index.motion) == frames
    assert result.index.source == tuple(range(1, frames + 1))
    assert all(a < b for a, b in pairwise(result.index.pts))
    assert result.faces.coverage() == coverage


def notes_of(path: Path, fps: float | None = None) -> str:
    result = ingest(path, io.BytesIO(), fps=fps, detector=NoFace())
    return " ".join((*result.clock.notes(), *result.notes))


def test_a_clip_without_oddities_has_no_notes(tmp_path: Path) -> None:
    assert notes_of(write_video(tmp_path / "clip.mp4", numbered_frames(30))) == ""
    assert notes_of(write_video(tmp_path / "clip.mkv", numbered_frames(30))) == ""  # 33 and 34 ms in turn
    assert notes_of(write_zip(tmp_path / "clip.zip", numbered_members(4)), 200) == ""


def test_notes_say_that_the_frame_rate_varies(tmp_path: Path) -> None:
    stamps = [0, 40, 80, 200, 240, 280]
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(6), codec="ffv1", pixels="bgr0", stamps=stamps)
    assert notes_of(clip) == (
        "The frame rate varies: frames are shown for 40 to 120 ms, on average 17.86 fps."
    )


def test_notes_say_that_times_were_replaced(tmp_path: Path) -> None:
    clip = write_video(
        tmp_path / "clip.mkv", numbered_frames(20), codec="mjpeg", pixels="yuvj420p", rate=2000
    )
    assert "Time stamps in the file repeat or go back" in notes_of(clip)
    # Also where the stated rate is one frame per tick.
    assert "Time stamps in the file repeat or go back" in notes_of(clip, 1000)


def test_a_stated_rate_scales_the_times_of_a_video(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "slow.mp4", numbered_frames(20), rate=25)
    result = ingest(clip, io.BytesIO(), fps=200, detector=NoFace())
    assert (result.index.fps, result.index.clock.ms(19), result.clock.file_rate) == (200, 95, 25)
    assert notes_of(clip, 200) == (
        "The file plays at 25 fps. Its times are scaled to the recording rate of 200 fps."
    )


def test_notes_count_the_frames_that_an_edit_list_hides(tmp_path: Path, ffmpeg: str) -> None:
    whole = write_video(tmp_path / "whole.mp4", numbered_frames(40))
    clip = tmp_path / "cut.mp4"  # cut without encoding again, as phones and editors do
    command = [ffmpeg, "-v", "error", "-ss", "0.55", "-i", str(whole), "-c", "copy", str(clip)]
    subprocess.run(command, check=True)
    with av.open(str(clip)) as container:
        stored = container.streams.video[0].frames
    result = ingest(clip, io.BytesIO(), detector=NoFace())
    assert 0 < result.frame_count < stored
    hidden = stored - result.frame_count
    assert result.notes == (
        f"An edit list in the file hides {hidden} frames: they are not part of the clip.",
    )


def test_notes_name_missing_source_frames(tmp_path: Path) -> None:
    members = numbered_members(8, "img{}.jpg", 46)
    for number in (49, 51, 52):
        del members[f"img{number}.jpg"]
    path = write_zip(tmp_path / "clip.zip", members)
    notes = notes_of(path, 200)
    assert "3 of 8 source frames are missing (49, 51–52). The times run on over the gaps." in notes
    assert "adjacent numbers" not in notes


def test_notes_ask_to_check_numbers_that_may_count_something_else(tmp_path: Path) -> None:
    members = numbered_members(7, "img{}.jpg", 1)
    for number in (2, 4, 6):
        del members[f"img{number}.jpg"]
    assert "No two frame images have adjacent numbers." in notes_of(
        write_zip(tmp_path / "clip.zip", members), 200
    )


def test_notes_say_that_numbers_are_too_large_for_source_frames(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(3, "img{}.jpg", 1_700_000_000_000))
    assert "not used as source frames: the frames are counted from 1" in notes_of(path, 200)


@pytest.mark.parametrize("order", ["<", ">"])
def test_notes_say_that_orientation_is_mixed(tmp_path: Path, order: str) -> None:
    members = numbered_members(3)
    name, jpeg = list(members.items())[1]
    tiff = struct.pack(order + "2sHIHHHIHH", b"II" if order == "<" else b"MM", 42, 8, 1, 0x0112, 3, 1, 3, 0)
    exif = b"Exif\0\0" + tiff + bytes(4)
    members[name] = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    notes = notes_of(write_zip(tmp_path / "clip.zip", members), 200)
    assert "differ in their EXIF orientation (2 with orientation 1, 1 with orientation 3)" in notes


def test_notes_say_that_transparency_is_ignored(tmp_path: Path) -> None:
    image = np.full((48, 96, 4), 90, np.uint8)
    path = write_zip(tmp_path / "clip.zip", {"1.png": cv2.imencode(".png", image)[1].tobytes()})
    assert notes_of(path, 200) == "Frame images have transparency, which is ignored."
