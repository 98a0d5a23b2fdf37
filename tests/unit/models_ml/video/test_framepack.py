"""Frame packs hold every frame, by its index, and lose nothing that matters."""

import io
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.errors import InputError
from models_ml.motion.flow import tvl1
from models_ml.synthetic.barcode import read_number
from models_ml.video.clock import Clock
from models_ml.video.decode import Frame
from models_ml.video.framepack import PackWriter, read_pack_frame
from models_ml.video.packindex import PackIndex
from tests.unit.models_ml.video.made_clips import encoded, numbered_frames


def pack(frames: list[Frame]) -> tuple[io.BytesIO, PackIndex]:
    file = io.BytesIO()
    writer = PackWriter(file)
    for frame in frames:
        writer.add(frame)
    return file, writer.close(Clock.of_stamps(writer.stamps, Fraction(1, 15360), Fraction(30)))


def frame(index: int, image: np.ndarray, original: bytes | None = None) -> Frame:
    return Frame(index, 46 + index, 512 * index, image, original)


def test_every_frame_is_found_by_its_index() -> None:
    file, index = pack([frame(i, image) for i, image in enumerate(numbered_frames(9))])
    assert [read_number(read_pack_frame(file, index, i)) for i in (5, 0, 8, 1)] == [5, 0, 8, 1]
    with pytest.raises(IndexError):
        read_pack_frame(file, index, 9)


def test_the_index_names_the_bytes_of_each_frame() -> None:
    file, index = pack([frame(i, image) for i, image in enumerate(numbered_frames(3))])
    assert (index.width, index.height, index.mime) == (160, 96, "image/jpeg")
    assert (index.fps, index.pts, index.source) == (30, (0, 1, 2), (46, 47, 48))
    assert (index.offsets[0], index.offsets[-1]) == (0, len(file.getvalue()))
    assert file.getvalue()[index.offsets[1] :].startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(("extension", "mime"), [(".jpg", "image/jpeg"), (".png", "image/png")])
def test_images_go_in_byte_for_byte(extension: str, mime: str) -> None:
    images = list(numbered_frames(3))
    originals = [encoded(image, extension) for image in images]
    file, index = pack([frame(i, images[i], originals[i]) for i in range(3)])
    assert index.mime == mime
    assert file.getvalue() == b"".join(originals)


def test_a_mixed_set_that_starts_lossless_stays_lossless() -> None:
    images = list(numbered_frames(2))
    file, index = pack(
        [frame(0, images[0], encoded(images[0], ".png")), frame(1, images[1], encoded(images[1], ".jpg"))]
    )
    assert index.mime == "image/png"
    assert np.array_equal(read_pack_frame(file, index, 1), images[1])


def test_a_png_among_jpegs_becomes_a_jpeg() -> None:
    images = list(numbered_frames(2))
    file, index = pack(
        [frame(0, images[0], encoded(images[0], ".jpg")), frame(1, images[1], encoded(images[1], ".png"))]
    )
    assert index.mime == "image/jpeg"
    assert file.getvalue()[index.offsets[1] :].startswith(b"\xff\xd8\xff")
    assert read_number(read_pack_frame(file, index, 1)) == 1


def test_grey_frames_stay_grey() -> None:
    file, index = pack([frame(0, next(numbered_frames(1, grey=True)))])
    assert read_pack_frame(file, index, 0).shape == (96, 160)


def test_colours_are_kept_without_subsampling() -> None:
    image = np.full((64, 64, 3), 110, np.uint8)
    image[:, ::2, 0] = 170  # single red columns: 4:2:0 would blur them into one another
    file, index = pack([frame(0, image)])
    assert np.abs(read_pack_frame(file, index, 0).astype(int) - image).max() < 12


def test_half_a_pixel_of_motion_survives() -> None:
    face = cv2.resize(astronaut()[:230, 110:340], (160, 160), interpolation=cv2.INTER_AREA)
    shift = np.array([[1, 0, 0.5], [0, 1, 0.0]])
    moved = cv2.warpAffine(face, shift, (160, 160), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    file, index = pack([frame(0, face), frame(1, moved)])
    grey = [cv2.cvtColor(read_pack_frame(file, index, i), cv2.COLOR_RGB2GRAY) for i in (0, 1)]
    u, v = tvl1(grey[0], grey[1])[:, 10:-10, 10:-10]
    assert abs(np.median(u) - 0.5) < 0.03
    assert abs(np.median(v)) < 0.03


def test_a_damaged_pack_is_refused() -> None:
    _, index = pack([frame(0, next(numbered_frames(1)))])
    with pytest.raises(InputError, match="Frame 0 of the frame pack cannot be decoded"):
        read_pack_frame(io.BytesIO(b"x" * index.offsets[1]), index, 0)


def test_a_pack_without_frames_is_refused() -> None:
    with pytest.raises(InputError, match="no frames"):
        pack([])


def test_a_pack_on_disk_reads_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "clip.pack"
    with path.open("w+b") as file:
        writer = PackWriter(file)
        for i, image in enumerate(numbered_frames(2)):
            writer.add(frame(i, image))
        index = writer.close(Clock(Fraction(200), 2))
    with path.open("rb") as file:
        assert read_number(read_pack_frame(file, index, 1)) == 1
