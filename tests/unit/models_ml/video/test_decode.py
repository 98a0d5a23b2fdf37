"""Every frame of a clip, in the right order, with the right time stamp and the right colours."""

import hashlib
import os
import struct
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.synthetic.barcode import read_number
from models_ml.video.decode import VideoSource, open_source, read_frames
from tests.unit.models_ml.video.made_clips import numbered_frames, write_video

REAL = ["single_face.mp4", "face_noface.mov", "no_face.mp4", "carphone_pristine.mp4"]
COUNT = 40


def framemd5(ffmpeg: str, clip: Path) -> list[tuple[int, str]]:
    """Return (pts, MD5 of the planes) of each frame, from the program ffmpeg."""
    command = [ffmpeg, "-v", "error", "-i", str(clip), "-map", "0:v:0", "-fps_mode", "passthrough"]
    command += ["-enc_time_base", "-1", "-pix_fmt", "yuv420p", "-f", "framemd5", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [line.split(",") for line in lines if not line.startswith("#")]
    return [(int(row[2]), row[5].strip()) for row in rows]


@pytest.mark.parametrize("name", REAL)
def test_every_frame_of_a_real_clip_is_the_independent_decoders(
    real_clips: Path, ffmpeg: str, name: str
) -> None:
    with open_source(real_clips / name) as source:
        assert isinstance(source, VideoSource)
        ours = [
            (frame.pts, hashlib.md5(frame.to_ndarray().tobytes(), usedforsecurity=False).hexdigest())
            for frame in source.decoder_frames()
        ]
    assert ours == framemd5(ffmpeg, real_clips / name)


def test_an_odd_frame_rate_is_kept_as_a_fraction(real_clips: Path) -> None:
    with open_source(real_clips / "face_noface.mov") as source:
        assert source.fps == Fraction(519168, 19667)
        assert source.time_base == Fraction(1, 15360)


@pytest.mark.parametrize("name", ["single_face.mp4", "face_noface.mov"])
def test_colours_of_a_real_frame_are_those_of_its_planes(real_clips: Path, name: str) -> None:
    with open_source(real_clips / name) as source, open_source(real_clips / name) as again:
        assert isinstance(again, VideoSource)
        image = next(iter(source)).image.astype(np.float64)
        frame = next(again.decoder_frames())
    height, width = image.shape[:2]
    planes = frame.to_ndarray().astype(np.float64)
    luma = planes[:height]
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    # Where chroma is constant all around, its interpolation does not matter.
    even = np.zeros(chroma.shape[1:], bool)
    around = [
        np.roll(chroma, shift, (1, 2)) for shift in [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1)]
    ]
    around += [np.roll(chroma, shift, (1, 2)) for shift in [(1, -1), (-1, 1)]]
    even[1:-1, 1:-1] = np.all([(chroma == other).all(axis=0) for other in around], axis=0)[1:-1, 1:-1]
    mask = np.kron(even, np.ones((2, 2), bool))
    u, v = (np.kron(plane, np.ones((2, 2))) for plane in chroma)
    expected = rgb(luma, u, v, "709" if frame.colorspace == 1 else "601", full=False)
    assert mask.mean() > 0.02
    assert np.abs(image - expected)[mask].max() <= 1.01


def rgb(y, u, v, matrix: str, full: bool) -> np.ndarray:
    """Convert as ITU-R BT.601 and BT.709 define it, to 0..255."""
    kr, kb = {"601": (0.299, 0.114), "709": (0.2126, 0.0722)}[matrix]
    luma = y / 255 if full else (y - 16) / 219
    blue, red = ((c - 128) / (255 if full else 224) for c in (u, v))
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    return np.clip(np.stack([r, g, b], axis=-1) * 255, 0, 255)


@pytest.mark.parametrize(
    ("colorspace", "color_range", "size", "matrix", "full"),
    [
        (5, 1, (64, 48), "601", False),
        (1, 1, (64, 48), "709", False),
        (1, 2, (64, 48), "709", True),
        (2, 0, (64, 48), "601", False),  # unspecified and small: standard definition
        (2, 0, (1280, 720), "709", False),  # unspecified and large
    ],
)
def test_the_colour_matrix_and_range_of_the_file_are_used(
    tmp_path: Path, colorspace: int, color_range: int, size: tuple[int, int], matrix: str, full: bool
) -> None:
    clip = tmp_path / "flat.mkv"
    with av.open(str(clip), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
        stream.codec_context.colorspace, stream.codec_context.color_range = colorspace, color_range
        planes = np.empty((3, size[1], size[0]), np.uint8)
        planes[:] = np.array([100, 90, 180])[:, None, None]
        frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
        frame.colorspace, frame.color_range = colorspace, color_range
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    image = read_frames(clip, [0])[0].image
    assert np.abs(image[5, 5] - rgb(100, 90, 180, matrix, full)).max() <= 1


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mov", "libx264", "yuv420p"),
        ("a.mkv", "libx264", "yuv420p"),
        ("a.avi", "libx264", "yuv420p"),  # AVI keeps no presentation times for B-frames
        ("b.mp4", "libx265", "yuv420p"),
        ("b.mkv", "libx265", "yuv420p"),
        ("c.avi", "mjpeg", "yuvj420p"),
        ("c.mov", "mjpeg", "yuvj444p"),
        ("d.mkv", "ffv1", "yuv444p"),
        ("d.avi", "ffv1", "bgr0"),
        ("e.avi", "rawvideo", "bgr24"),
        ("f.avi", "mpeg4", "yuv420p"),
        ("g.mkv", "ffv1", "gray"),
        ("h.mp4", "libx264", "yuv420p10le"),
        ("i.webm", "libvpx-vp9", "yuv420p"),
        ("i.webm", "libvpx", "yuv420p"),
        ("i.webm", "libsvtav1", "yuv420p"),
        ("i.m4v", "libx264", "yuv420p"),
    ],
)
def test_frames_come_in_the_order_they_were_filmed_in(
    tmp_path: Path, name: str, codec: str, pixels: str
) -> None:
    clip = write_video(tmp_path / name, numbered_frames(COUNT), codec=codec, pixels=pixels)
    with open_source(clip) as source:
        frames = list(source)
        assert source.fps == 30
    assert [read_number(frame.image) for frame in frames] == list(range(COUNT))
    assert [frame.source_number for frame in frames] == list(range(1, COUNT + 1))
    assert all(a.pts < b.pts for a, b in pairwise(frames))


@pytest.mark.parametrize("name", ["fast.mp4", "fragments.mp4"])
def test_other_arrangements_of_an_mp4_are_read_alike(tmp_path: Path, name: str) -> None:
    flags = {"fast.mp4": "faststart", "fragments.mp4": "frag_keyframe+empty_moov"}[name]
    clip = write_video(tmp_path / name, numbered_frames(COUNT), container={"movflags": flags})
    with open_source(clip) as source:
        assert [read_number(frame.image) for frame in source] == list(range(COUNT))


@pytest.mark.parametrize("name", ["vfr.mp4", "vfr.mkv"])
def test_a_variable_frame_rate_keeps_its_time_stamps(tmp_path: Path, name: str) -> None:
    stamps = [0]
    while len(stamps) < COUNT:
        stamps.append(stamps[-1] + 5 + 3 * (len(stamps) % 7))
    clip = write_video(tmp_path / name, numbered_frames(COUNT), stamps=stamps)
    with open_source(clip) as source:
        frames = list(source)
        assert [round(frame.pts * source.time_base * 1000) for frame in frames] == stamps
    assert [read_number(frame.image) for frame in frames] == list(range(COUNT))


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_a_rotated_video_is_shown_upright(tmp_path: Path, ffmpeg: str, turn: int) -> None:
    clip = write_video(
        tmp_path / "turned.mp4", numbered_frames(3), prepare=lambda stream: stream.set_display_rotation(turn)
    )
    with open_source(clip) as source:
        images = [frame.image for frame in source]
        assert (source.width, source.height) == ((160, 96) if turn == 180 else (96, 160))
    command = [ffmpeg, "-v", "error", "-i", str(clip), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    theirs = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.uint8)
    theirs = theirs.reshape(len(images), *images[0].shape).astype(int)
    assert np.abs(theirs - np.stack(images)).mean() < 3


@pytest.mark.parametrize(
    ("a", "b", "c", "d"), [(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0), (-1, 0, 0, -1)]
)
def test_a_mirrored_video_is_mirrored(tmp_path: Path, a: int, b: int, c: int, d: int) -> None:
    clip = write_video(
        tmp_path / "mirrored.mov", numbered_frames(3), prepare=lambda stream: stream.set_display_rotation(180)
    )
    with open_source(clip) as source:
        stored = [frame.image[::-1, ::-1] for frame in source]
    one = 1 << 16
    turned = struct.pack(">5i", -one, 0, 0, 0, -one)
    assert turned in clip.read_bytes()
    matrix = struct.pack(">5i", a * one, b * one, 0, c * one, d * one)
    clip.write_bytes(clip.read_bytes().replace(turned, matrix))
    with open_source(clip) as source:
        shown = [frame.image for frame in source]
        assert (source.height, source.width) == shown[0].shape[:2]
    height, width = stored[0].shape[:2]
    y, x = np.mgrid[:height, :width]
    x_shown, y_shown = a * x + c * y, b * x + d * y
    for before, after in zip(stored, shown, strict=True):
        assert np.array_equal(after[y_shown - y_shown.min(), x_shown - x_shown.min()], before)


def test_a_grey_video_keeps_its_exact_pixels(tmp_path: Path) -> None:
    frames = list(numbered_frames(3, grey=True))
    clip = write_video(tmp_path / "grey.mkv", frames, codec="ffv1", pixels="gray")
    with open_source(clip) as source:
        assert source.is_grey
        for frame, image in zip(source, frames, strict=True):
            assert np.array_equal(frame.image, image)


def test_deep_grey_is_cut_to_eight_bits_without_dither(tmp_path: Path) -> None:
    deep = np.arange(96 * 64, dtype=np.uint16).reshape(64, 96) % 1024
    clip = tmp_path / "deep.mkv"
    with av.open(str(clip), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "gray10le"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(deep, format="gray10le")))
        output.mux(stream.encode())
    assert np.array_equal(read_frames(clip, [0])[0].image, deep >> 2)


def test_read_frames_gives_the_same_bits_as_reading_all(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(COUNT))
    with open_source(clip) as source:
        everything = list(source)
    some = read_frames(clip, {31, 0, 17})
    assert sorted(some) == [0, 17, 31]
    for index, frame in some.items():
        assert (frame.index, frame.pts, frame.source_number) == (index, everything[index].pts, index + 1)
        assert np.array_equal(frame.image, everything[index].image)


def test_read_frames_stops_after_the_last_one_wanted(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(COUNT))
    clip.write_bytes(clip.read_bytes()[:-2000])
    assert read_number(read_frames(clip, [4])[4].image) == 4


def test_read_frames_names_a_frame_that_does_not_exist(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(5))
    with pytest.raises(InputError, match=r"Frame 9 not found: the clip has 5 frames \(0 to 4\)"):
        read_frames(clip, [2, 9])
    with pytest.raises(InputError, match="Frame -1 not found"):
        read_frames(clip, [-1])


def test_a_known_frame_rate_replaces_the_containers(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.avi", numbered_frames(2), codec="mjpeg", pixels="yuvj420p")
    with open_source(clip, fps=200) as source:
        assert source.fps == 200


@pytest.mark.parametrize("fps", [0, -5, float("nan"), float("inf")])
def test_an_impossible_frame_rate_is_refused(tmp_path: Path, fps: float) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(2))
    with pytest.raises(InputError, match="must be above 0"):
        open_source(clip, fps=fps)


def test_a_source_can_be_read_only_once(tmp_path: Path) -> None:
    with open_source(write_video(tmp_path / "clip.mp4", numbered_frames(2))) as source:
        assert len(list(source)) == 2
        with pytest.raises(RuntimeError, match="read only once"):
            next(iter(source))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts threads by /proc")
def test_importing_starts_no_threads() -> None:
    code = (
        "import models_ml.video.ingest, models_ml.motion.spotting, models_ml.motion.features\n"
        "print(next(line for line in open('/proc/self/status') if line.startswith('Threads')))"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    assert run.stdout.split() == ["Threads:", "1"]
