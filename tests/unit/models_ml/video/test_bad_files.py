"""Files that cannot be used as a video are refused with a sentence that helps."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.video.decode import Limits, open_source
from tests.unit.models_ml.video.made_clips import encoded, numbered_frames, write_sound, write_video

COUNT = 40
SEGMENT, CLUSTER, CUES = b"\x18S\x80g", b"\x1fC\xb6u", b"\x1cS\xbbk"  # ids of Matroska elements
FAST = {"movflags": "faststart"}  # the index before the frames, as cameras and web tools write it


def read_all(path: Path, limits: Limits | None = None) -> int:
    with open_source(path, limits=limits or Limits()) as source:
        return sum(1 for _ in source)


def damage(path: Path, start: int, size: int, seed: int) -> None:
    """Overwrite ``size`` bytes with random ones; the first one certainly changes."""
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8).tobytes()
    first = data[start] ^ (noise[0] or 1)
    data[start : start + size] = bytes([first]) + noise[1:]
    path.write_bytes(data)


def good_frames(path: Path) -> int:
    """Return the number of good frames in the message about a damaged file."""
    message = error_of(path)
    assert "is damaged" in message
    return int(message.split("after ")[1].split()[0])


def packet_positions(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [packet.pos for packet in container.demux(video=0) if packet.pos is not None]


def error_of(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read_all(path, limits)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("clip.mp4", b"these are my notes\n" * 50, "neither a video"),
        ("clip.mp4", b"", "empty"),
        ("clip.mp4", b"\x00\x00", "neither a video"),
        ("clip.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "neither a video"),
        ("clip.avi", b"ffconcat version 1.0\nfile /etc/passwd\n", "neither a video"),
        ("clip.mp4", encoded(np.zeros((40, 40), np.uint8), ".png"), "single image"),
        ("clip.mp4", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 12, "could be read"),
        ("clip.mkv", b"\x1aE\xdf\xa3" + b"\x93" * 300, "cannot be opened|cut off"),
        ("clip.avi", b"RIFF\x00\x00\x00\x00AVI " + b"junk" * 30, "cannot be opened|no video"),
    ],
)
def test_a_file_that_is_not_a_video_is_refused(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        read_all(path)


@pytest.mark.parametrize("name", ["sound.mp4", "sound.mkv"])
def test_a_file_with_sound_only_is_refused(tmp_path: Path, name: str) -> None:
    assert "and no video" in error_of(write_sound(tmp_path / name))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
@pytest.mark.parametrize(
    ("name", "codec", "pixels", "container"),
    [
        ("a.mp4", "libx264", "yuv420p", FAST),
        ("b.mp4", "libx264", "yuv420p", {"movflags": "frag_keyframe+empty_moov"}),
        ("c.mkv", "libx264", "yuv420p", {}),
        ("d.mkv", "ffv1", "gray", {}),
        ("e.avi", "mjpeg", "yuvj420p", {}),
        ("f.avi", "libx264", "yuv420p", {}),
        ("g.mp4", "libx265", "yuv420p", FAST),
    ],
)
def test_a_truncated_video_says_how_many_frames_it_still_has(
    tmp_path: Path, name: str, codec: str, pixels: str, container: dict[str, str], share: float
) -> None:
    clip = write_video(
        tmp_path / name, numbered_frames(COUNT), codec=codec, pixels=pixels, container=container
    )
    whole = clip.read_bytes()
    assert read_all(clip) == COUNT
    clip.write_bytes(whole[: int(len(whole) * share)])
    message = error_of(clip)
    assert "is cut off before its end" in message
    assert "Upload the complete file" in message
    read = int(message.split("only ")[1].split()[0])
    assert abs(read - share * COUNT) < 0.35 * COUNT
    assert read < COUNT


@pytest.mark.parametrize("missing", [1, 20, 500])
def test_a_few_missing_bytes_are_noticed(tmp_path: Path, missing: int) -> None:
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(COUNT))
    clip.write_bytes(clip.read_bytes()[:-missing])
    assert f"{missing} bytes are missing" in error_of(clip)


def test_a_video_cut_before_its_index_says_so(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(COUNT))  # the index comes last
    clip.write_bytes(clip.read_bytes()[:-700])
    assert "is cut off" in error_of(clip)
    assert "0 frames could be read" in error_of(clip)


def test_an_edit_list_is_not_a_truncation(real_clips: Path) -> None:
    assert read_all(real_clips / "no_face.mp4") == 95  # its header says 98


def test_a_live_recording_of_unknown_length_is_complete(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "live.mkv", numbered_frames(COUNT), container={"live": "1"})
    assert read_all(clip) == COUNT


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("b.mkv", "libx264", "yuv420p"),
        ("c.avi", "mjpeg", "yuvj420p"),
        ("d.mkv", "ffv1", "gray"),
    ],
)
def test_damage_in_the_middle_is_not_hidden(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    clip = write_video(tmp_path / name, numbered_frames(COUNT), codec=codec, pixels=pixels)
    damage(clip, clip.stat().st_size // 2, 300, seed=3)
    assert 8 < good_frames(clip) < 32


@pytest.mark.parametrize("size", [1, 300, 3000])
@pytest.mark.parametrize("seed", range(4))
def test_no_damage_to_the_frames_of_a_matroska_file_goes_unnoticed(
    tmp_path: Path, seed: int, size: int
) -> None:
    """FFmpeg writes a checksum into each cluster; H.264 alone would decode some of the damage."""
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(COUNT))
    data = clip.read_bytes()
    clusters = [match.start() for match in re.finditer(CLUSTER, data)]
    start = int(np.random.default_rng(seed).integers(clusters[0], data.rindex(CUES) - size))
    before = sum(position < start for position in packet_positions(clip))
    damage(clip, start, size, seed)
    assert before - 12 <= good_frames(clip) <= before  # a cluster holds the 12 frames between two keyframes


@pytest.mark.parametrize("size", [1, 300])
@pytest.mark.parametrize("field", ["id", "size", "track"])
@pytest.mark.parametrize("seed", range(3))
def test_frames_lost_from_a_matroska_file_without_checksums_are_noticed(
    tmp_path: Path, seed: int, field: str, size: int
) -> None:
    """As mkvmerge writes it: FFmpeg skips to the next cluster where it cannot read, without an error."""
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(COUNT), container={"write_crc32": "0"})
    packets = packet_positions(clip)
    number = int(np.random.default_rng(seed).integers(1, COUNT))
    header = clip.read_bytes().rindex(b"\xa3", 0, packets[number] - 1)
    start = {"id": header, "size": header + 1, "track": packets[number]}[field]
    damage(clip, start, size, seed)
    # One too many: a size that is wrong but possible shows at the next block. Two too few: frames that wait to be put in
    # order are not counted if the decoder fails.
    assert number - 2 <= good_frames(clip) <= number + 1


def test_a_damaged_cluster_header_in_a_matroska_file_is_noticed(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(COUNT), container={"write_crc32": "0"})
    damage(clip, clip.read_bytes().rindex(CLUSTER), 8, seed=1)
    assert good_frames(clip) == 36


def test_damage_outside_the_frames_is_accepted(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(COUNT))
    damage(clip, clip.read_bytes().rindex(CUES) + 12, 8, seed=1)
    assert read_all(clip) == COUNT


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "container"),
    [
        ("a.mkv", "libx265", "yuv420p", {}),
        ("b.mkv", "ffv1", "gray", {"live": "1"}),
        ("c.mkv", "mjpeg", "yuvj420p", {"cluster_size_limit": "9000"}),
        ("d.mkv", "libx264", "yuv420p", {"write_crc32": "0"}),
        ("e.mkv", "libx264", "yuv420p", {"cues_to_front": "1", "reserve_index_space": "2000"}),
        ("f.webm", "libvpx-vp9", "yuv420p", {}),
        ("g.webm", "libvpx", "yuv420p", {"live": "1"}),
    ],
)
@pytest.mark.parametrize("sizes", ["known", "unknown"])
def test_a_complete_matroska_file_is_not_called_damaged(
    tmp_path: Path, name: str, codec: str, pixels: str, container: dict[str, str], sizes: str
) -> None:
    clip = write_video(
        tmp_path / name, numbered_frames(COUNT), codec=codec, pixels=pixels, container=container
    )
    if sizes == "unknown":  # as browsers record
        data = bytearray(clip.read_bytes())
        for match in re.finditer(CLUSTER + b"|" + SEGMENT, bytes(data)):
            width = 9 - data[match.end()].bit_length()
            data[match.end() : match.end() + width] = ((1 << 7 * width + 1) - 1).to_bytes(width, "big")
        clip.write_bytes(data)
    assert read_all(clip) == COUNT


@pytest.mark.parametrize(
    "name", ["carphone_pristine.mp4", "face_noface.mov", "no_face.mp4", "single_face.mp4"]
)
def test_a_real_clip_with_its_sound_in_a_matroska_file_is_complete(
    tmp_path: Path, real_clips: Path, name: str
) -> None:
    clip, muxed = tmp_path / "clip.mkv", 0
    with av.open(str(real_clips / name)) as source, av.open(str(clip), "w") as target:
        streams = [*source.streams.video, *source.streams.audio]
        copies = {stream: target.add_stream_from_template(stream) for stream in streams}
        for packet in source.demux(*streams):
            if packet.dts is not None:
                muxed += packet.stream.type == "video"
                packet.stream = copies[packet.stream]
                target.mux(packet)
    assert read_all(clip) == muxed


def test_too_many_frames_are_refused_before_decoding_if_the_header_shows_it(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(COUNT))
    with pytest.raises(InputError, match="more than 30 frames"):
        open_source(clip, limits=Limits(max_frames=30))


def test_too_many_frames_are_refused_while_reading_if_the_header_does_not(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mkv", numbered_frames(COUNT))
    assert "more than 30 frames" in error_of(clip, Limits(max_frames=30))
    assert read_all(clip, Limits(max_frames=COUNT)) == COUNT


def test_too_large_frames_are_refused(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(2, 320, 96))
    with pytest.raises(InputError, match="The video is 320×96 pixels; each side must be at most 256"):
        open_source(clip, limits=Limits(max_side=256))


def test_too_many_pixels_are_refused(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(COUNT))
    assert "too large: 40 frames of 160×96" in error_of(clip, Limits(max_pixels_total=20 * 160 * 96))


def test_a_video_whose_frames_change_size_is_refused(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mkv"
    with av.open(str(clip), "w") as output:
        stream = output.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuvj420p"
        for index, size in enumerate([(96, 160), (96, 160), (64, 128)]):
            packet = av.Packet(encoded(np.full((*size, 3), 90, np.uint8), ".jpg"))
            packet.pts = packet.dts = index * 100
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 1000), stream, True
            output.mux(packet)
    assert "Frame 3 of the video is 128×64 pixels, but the frames before it are 160×96" in error_of(clip)


def test_ffmpeg_does_not_write_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(COUNT), container=FAST)
    clip.write_bytes(clip.read_bytes()[:3000])
    error_of(clip)
    assert capfd.readouterr().err == ""
