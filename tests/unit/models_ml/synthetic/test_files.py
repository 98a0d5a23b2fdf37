import dataclasses
import io
import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.synthetic.barcode import read_number
from models_ml.synthetic.clip import ClipSpec, render, write_clip
from models_ml.synthetic.encode import encode

SPEC = ClipSpec(
    database="Demo",
    subject="006",
    name="006_1_2",
    fps=200,
    width=128,
    height=144,
    grey=False,
    container="mp4",
    frame_count=20,
    onset=4,
    apex=9,
    offset=15,
    emotion="surprise",
    action_units="1+2",
    intensity_px=1.0,
    first_source_number=5562,
    seed=7,
)


def decoded(path: Path) -> list[np.ndarray]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            images = [np.frombuffer(archive.read(name), np.uint8) for name in archive.namelist()]
        return [cv2.cvtColor(cv2.imdecode(i, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB) for i in images]
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("container", ["mp4", "mov", "avi", "mkv", "zip"])
def test_every_file_type_keeps_every_frame_in_order(tmp_path, container, grey):
    spec = dataclasses.replace(SPEC, container=container, grey=grey)
    path = write_clip(spec, tmp_path, numbered=True)
    assert path == tmp_path / f"006_1_2.{container}"
    assert [read_number(frame) for frame in decoded(path)] == list(range(20))


@pytest.mark.parametrize("container", ["mp4", "avi", "mkv", "zip"])
def test_the_file_shows_what_was_rendered(tmp_path, container):
    spec = dataclasses.replace(SPEC, container=container)
    shown = np.stack(decoded(write_clip(spec, tmp_path))).astype(float)
    made = np.stack(list(render(spec))).astype(float)
    assert np.abs((shown - made).mean(axis=(0, 1, 2))).max() < 3.0  # no shift of colour or of range
    assert np.sqrt(((shown - made) ** 2).mean()) < (0.01 if container == "mkv" else 4.5)


def test_h264_has_b_frames_and_the_true_frame_rate(tmp_path):
    with av.open(write_clip(SPEC, tmp_path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == 200
        kinds = {frame.pict_type for frame in container.decode(stream)}
    assert av.video.frame.PictureType.B in kinds


def test_the_codecs_are_the_ones_that_labs_use(tmp_path):
    for container, codec in (("mov", "h264"), ("avi", "mjpeg"), ("mkv", "ffv1")):
        with av.open(write_clip(dataclasses.replace(SPEC, container=container), tmp_path)) as video:
            assert video.streams.video[0].codec_context.name == codec


def test_a_zip_holds_images_named_by_subject_and_source_number(tmp_path):
    path = write_clip(dataclasses.replace(SPEC, container="zip", grey=True), tmp_path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert names[:2] == ["006_05562.jpg", "006_05563.jpg"]
        assert len(names) == 20
        assert archive.read(names[0])[:2] == b"\xff\xd8"


@pytest.mark.parametrize("container", ["mp4", "avi", "mkv", "zip"])
def test_the_same_specification_gives_the_same_file(tmp_path, container):
    spec = dataclasses.replace(SPEC, container=container)
    contents = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        contents.append(write_clip(spec, folder).read_bytes())
    assert contents[0] == contents[1]


def test_it_refuses_a_file_type_that_it_cannot_write(tmp_path):
    with pytest.raises(InputError, match=r"Cannot write x\.webm: the suffix must be \.mp4"):
        encode([np.zeros((64, 64), np.uint8)], tmp_path / "x.webm", 25)


def test_it_refuses_to_write_a_clip_without_frames(tmp_path):
    with pytest.raises(InputError, match="there are no frames"):
        encode([], tmp_path / "x.mp4", 25)


def test_a_fractional_frame_rate_is_kept(tmp_path):
    frames = [np.full((64, 64), 10 * i, np.uint8) for i in range(5)]
    encode(frames, tmp_path / "x.mp4", 30000 / 1001)
    with av.open(io.BytesIO((tmp_path / "x.mp4").read_bytes())) as container:
        assert container.streams.video[0].average_rate.limit_denominator(1001).denominator == 1001
