"""JPEGs: the same pixels as OpenCV's, and damage is noticed."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.video import jpegfile
from tests.unit.models_ml.video.made_clips import numbered_frames

REDUCED = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
ORIENTATION = b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0%c\0\0\0\0\0\0"


def jpegs(progressive: int = 0, restart: int = 0, sampling: int = 0x221111) -> Iterator[bytes]:
    """Yield images of several sizes and contents, coarse and fine."""
    noise = np.random.default_rng(1).integers(0, 256, (47, 63, 3), dtype=np.uint8)
    texture = next(numbered_frames(1))
    for quality in (1, 75, 100):
        options = [
            *(cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling),
            *(cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, restart),
        ]
        for image in (noise, texture, noise[:1, :1], texture[:, :, 0].copy()):
            yield cv2.imencode(".jpg", image, options)[1].tobytes()


def faults(data: bytes, seed: int) -> Iterator[bytes]:
    """Yield the file as broken transfers and disks leave it: lost sectors, lost ends, other bytes."""
    rng = np.random.default_rng(seed)
    scan, end = jpegfile.layout_of(data).scan + 20, len(data) - 2
    for size in (512, 2048):
        start = int(rng.integers(scan, end - size))
        yield data[:start] + bytes(size) + data[start + size :]
        yield data[:start] + b"\xff" * size + data[start + size :]
        yield data[:start] + rng.integers(0, 256, size, np.uint8).tobytes() + data[start + size :]
        yield data[:start] + data[start + size :]
    yield data[: int(rng.integers(scan, end - 100))] + data[end:]
    start = int(rng.integers(scan, end - 500))
    yield data[:start] + bytes(end - start) + data[end:]


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("restart", [0, 2])
@pytest.mark.parametrize("sampling", [0x111111, 0x211111, 0x221111, 0x411111])
def test_sound_files_have_the_pixels_that_opencv_decodes(
    progressive: int, restart: int, sampling: int
) -> None:
    for data in jpegs(progressive, restart, sampling):
        content = np.frombuffer(data, np.uint8)
        assert np.array_equal(jpegfile.decode(data, grey=False), cv2.imdecode(content, cv2.IMREAD_COLOR_RGB))
        for by, flag in REDUCED.items():
            assert np.array_equal(jpegfile.decode(data, grey=True, by=by), cv2.imdecode(content, flag))


@pytest.mark.parametrize("added", [b"\0" * 500, b"\xff\xd8\xff\xe0 a second image"])
def test_what_follows_the_end_marker_is_no_damage(added: bytes) -> None:
    for data in jpegs():
        jpegfile.decode(data + added, grey=True)


@pytest.mark.parametrize("padding", [1, 7, 64])
def test_a_few_zeros_before_the_end_marker_are_no_damage(padding: int) -> None:
    data = next(jpegs())
    jpegfile.decode(data[:-2] + bytes(padding) + data[-2:], grey=True, by=2)
    with pytest.raises(InputError, match="it is damaged"):
        jpegfile.decode(data[:-2] + bytes(padding - 1) + b"\x17" * 9 + data[-2:], grey=True, by=2)


def test_an_unknown_version_of_the_format_is_no_damage() -> None:
    data = next(jpegs())
    newer = data.replace(b"JFIF\0\1", b"JFIF\0\3")
    assert newer != data
    assert np.array_equal(jpegfile.decode(newer, grey=False), jpegfile.decode(data, grey=False))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_its_exif_orientation_says(orientation: int) -> None:
    plain = list(jpegs())[5]
    data = plain[:2] + ORIENTATION % orientation + plain[2:]
    assert jpegfile.exif_orientation(data) == orientation
    content = np.frombuffer(data, np.uint8)
    assert np.array_equal(jpegfile.decode(data, grey=False), cv2.imdecode(content, cv2.IMREAD_COLOR_RGB))
    assert jpegfile.decode(data, grey=True, by=4).shape == ((24, 40) if orientation < 5 else (40, 24))
    with pytest.raises(InputError, match="it is damaged"):
        jpegfile.decode(data[: len(data) // 2] + b"\xff\xd9", grey=False)


def _grey(image: np.ndarray) -> np.ndarray:
    return image[:, :, 0].copy()


@pytest.mark.parametrize("change", [np.asarray, _grey])
@pytest.mark.parametrize(
    "options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)]
)
def test_damage_is_found_at_every_size(
    options: tuple[int, ...], change: Callable[[np.ndarray], np.ndarray]
) -> None:
    found = count = 0
    for seed, image in enumerate(numbered_frames(12, 320, 240)):
        data = cv2.imencode(".jpg", change(image), [cv2.IMWRITE_JPEG_QUALITY, 90, *options])[1].tobytes()
        for broken in faults(data, seed):
            refused = set()
            for by in REDUCED:
                try:
                    jpegfile.decode(broken, grey=True, by=by)
                    refused.add(False)
                except InputError:
                    refused.add(True)
            assert len(refused) == 1
            count, found = count + 1, found + refused.pop()
    assert found == count


def test_without_the_check_a_damaged_file_is_decoded_as_far_as_it_goes() -> None:
    whole = list(jpegs())[5]
    broken = whole[: len(whole) // 2] + b"\xff\xd9"
    content = np.frombuffer(broken, np.uint8)
    expected = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
    assert np.array_equal(jpegfile.decode(broken, grey=False, check=False), expected)
