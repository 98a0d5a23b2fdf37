"""Clips of frame images: zips from unknown sources, and folders."""

import io
import os
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.synthetic.barcode import read_number
from models_ml.video.decode import Limits, open_source, read_frames
from tests.unit.models_ml.video.made_clips import (
    encoded,
    error_of,
    numbered_frames,
    numbered_members,
    one_image,
    read,
    write_zip,
)


def test_frames_of_a_zip_come_in_natural_order(tmp_path: Path) -> None:
    members = numbered_members(12)
    shuffled = {name: members[name] for name in sorted(members)}  # img1, img10, img11, img12, img2 …
    with open_source(write_zip(tmp_path / "clip.zip", shuffled), fps=200) as source:
        frames = list(source)
        assert (source.kind, source.codec, source.is_grey) == ("images", "jpeg", False)
        assert (source.width, source.height) == (160, 96)
        assert (source.fps, source.time_base) == (200, Fraction(1, 200))
    assert [read_number(frame.image) for frame in frames] == list(range(12))
    assert [frame.source_number for frame in frames] == list(range(1, 13))
    assert [frame.pts for frame in frames] == list(range(12))
    assert [frame.encoded for frame in frames] == list(members.values())


@pytest.mark.parametrize(
    ("name", "first"), [("img{}.jpg", 46), ("006_{:05d}.jpg", 5562), ("reg_img{}.bmp", 98), ("7.A_{}.png", 9)]
)
def test_the_source_number_is_the_last_number_in_the_name(tmp_path: Path, name: str, first: int) -> None:
    frames = read(write_zip(tmp_path / "clip.zip", numbered_members(4, name, first)))
    assert [frame.source_number for frame in frames] == [first, first + 1, first + 2, first + 3]


def test_images_without_numbers_are_counted_from_one(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", {"apex.jpg": one_image(), "onset.jpg": one_image()})
    assert [frame.source_number for frame in read(path)] == [1, 2]


def test_a_folder_is_read_like_a_zip(tmp_path: Path) -> None:
    members = numbered_members(3, "006_{:05d}.jpg", 5562)
    for name, data in members.items():
        (tmp_path / name).write_bytes(data)
    frames = read(tmp_path)
    assert [frame.source_number for frame in frames] == [5562, 5563, 5564]
    assert [frame.encoded for frame in frames] == list(members.values())


def test_png_pixels_are_exact_and_grey_ones_stay_grey(tmp_path: Path) -> None:
    images = list(numbered_frames(3, grey=True))
    members = {f"{i}.png": encoded(image, ".png") for i, image in enumerate(images)}
    with open_source(write_zip(tmp_path / "clip.zip", members), fps=100) as source:
        assert source.is_grey
        for frame, image in zip(source, images, strict=True):
            assert np.array_equal(frame.image, image)


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_values_in_16_bits_are_scaled_to_what_the_camera_used(tmp_path: Path, bits: int, grey: bool) -> None:
    images = list(numbered_frames(3, grey=grey))
    images[2][0, :8] = 255  # the brightest value is in the last frame only
    deep = [image.astype(np.uint16) << (bits - 8) for image in images]
    members = {
        f"{n}.png": cv2.imencode(".png", np.ascontiguousarray(image if grey else image[:, :, ::-1]))[
            1
        ].tobytes()
        for n, image in enumerate(deep)
    }
    with open_source(write_zip(tmp_path / "clip.zip", members), fps=200) as source:
        for frame, image in zip(source, images, strict=True):
            assert np.array_equal(frame.image, image)
            assert (frame.encoded is None) == (bits < 16)
        assert [f"scaled from {bits} to 8 bits" in note for note in source.notes()] == [True] * (bits < 16)


def test_colours_are_red_green_blue(tmp_path: Path) -> None:
    image = np.zeros((48, 96, 3), np.uint8)
    image[..., 0] = 200
    for extension in (".png", ".bmp"):
        path = write_zip(tmp_path / "clip.zip", {f"1{extension}": encoded(image, extension)})
        assert np.array_equal(read(path)[0].image, image)


def test_one_coloured_image_makes_the_clip_coloured(tmp_path: Path) -> None:
    grey, coloured = encoded(np.full((48, 96), 90, np.uint8), ".png"), one_image(extension=".png")
    frames = read(write_zip(tmp_path / "clip.zip", {"1.png": grey, "2.png": coloured}))
    assert {frame.image.shape for frame in frames} == {(48, 96, 3)}


def test_a_bmp_with_a_grey_palette_is_grey(tmp_path: Path) -> None:
    image = next(numbered_frames(1, grey=True))
    frame = read(write_zip(tmp_path / "clip.zip", {"1.bmp": encoded(image, ".bmp")}))[0]
    assert np.array_equal(frame.image, image)
    assert frame.encoded is None


def test_files_of_operating_systems_are_ignored(tmp_path: Path) -> None:
    members = numbered_members(2) | {
        "__MACOSX/clip/._img1.jpg": b"x",
        "clip/.DS_Store": b"x",
        "clip/Thumbs.db": b"x",
        "clip/._img2.jpg": b"x",
        "desktop.ini": b"x",
    }
    assert len(read(write_zip(tmp_path / "clip.zip", members))) == 2


def test_read_frames_needs_no_frame_rate(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(5))
    assert read_number(read_frames(path, [3])[3].image) == 3


def test_a_frame_rate_is_required(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(2))
    with pytest.raises(InputError, match="have no frame rate: give the frames per second"):
        open_source(path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "The folder contains no images" in error_of(tmp_path)


def test_several_folders_are_named(tmp_path: Path) -> None:
    members = numbered_members(2, "EP01/{}.jpg") | numbered_members(2, "EP02/{}.jpg") | {"3.jpg": one_image()}
    message = error_of(write_zip(tmp_path / "clip.zip", members))
    assert "images in 3 folders: “(top)”, “EP01”, “EP02”" in message
    assert "Upload each folder as a separate clip" in message


def test_images_of_different_sizes_are_named(tmp_path: Path) -> None:
    members = {"1.jpg": one_image(), "2.jpg": one_image(), "3.jpg": one_image(80)}
    message = error_of(write_zip(tmp_path / "clip.zip", members))
    assert "“3.jpg” is 80×48 pixels, but the first one, “1.jpg”, is 96×48" in message


def test_text_with_an_images_name_is_named(tmp_path: Path) -> None:
    members = {"1.jpg": one_image(), "2.jpg": b"text" * 100}
    assert "“2.jpg” is not a JPEG, PNG, BMP, TIFF or WebP image" in error_of(
        write_zip(tmp_path / "clip.zip", members)
    )


@pytest.mark.parametrize("extension", [".jpg", ".png", ".bmp"])
def test_a_broken_image_in_the_middle_is_named(tmp_path: Path, extension: str) -> None:
    members = numbered_members(5, "img{}" + extension)
    members[f"img3{extension}"] = members[f"img3{extension}"][:-900]
    assert f"“img3{extension}” is cut off" in error_of(write_zip(tmp_path / "clip.zip", members))


def with_hole(jpeg: bytes) -> bytes:
    middle = len(jpeg) // 2
    return jpeg[:middle] + bytes(len(jpeg) // 4) + jpeg[middle + len(jpeg) // 4 :]


def with_false_end(jpeg: bytes) -> bytes:
    return jpeg[: len(jpeg) // 2] + b"\xff\xd9"


@pytest.mark.parametrize("size", [(160, 96), (640, 480)])  # the larger one is read at reduced size by ingest
@pytest.mark.parametrize("damage", [with_hole, with_false_end])
def test_damaged_jpegs_with_an_end_marker_are_named(
    tmp_path: Path, damage: Callable[[bytes], bytes], size: tuple[int, int]
) -> None:
    members = {f"img{n}.jpg": encoded(image, ".jpg") for n, image in enumerate(numbered_frames(6, *size))}
    for number in (1, 3, 5):
        members[f"img{number}.jpg"] = damage(members[f"img{number}.jpg"])
    path = write_zip(tmp_path / "clip.zip", members)
    expected = (
        "The image “img1.jpg” cannot be decoded: it is damaged. 2 more cannot be decoded: “img3.jpg”, “img5.jpg”. "
        "Replace them and upload the frames again."
    )
    assert error_of(path) == expected
    with open_source(path, fps=200) as source, pytest.raises(InputError) as caught:
        list(source.lazy_frames())
    assert str(caught.value) == expected


def test_the_order_of_the_frames_must_be_clear(tmp_path: Path) -> None:
    same = {"a_1.jpg": one_image(), "b_1.jpg": one_image()}
    assert "“a_1.jpg” comes before “b_1.jpg”" in error_of(write_zip(tmp_path / "same.zip", same))
    nameless = {"1.jpg": one_image(), "cover.jpg": one_image()}
    assert "“cover.jpg” has no number in its name" in error_of(write_zip(tmp_path / "none.zip", nameless))


def test_too_many_and_too_large_images_are_refused_before_any_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(data: bytes, *, grey: bool) -> np.ndarray:
        raise AssertionError("decoded")

    monkeypatch.setattr("models_ml.video.images.decode_image", never)
    path = write_zip(tmp_path / "clip.zip", numbered_members(5))
    assert "more than 4 frames" in error_of(path, Limits(max_frames=4))
    assert "“clip/img1.jpg” is 160×96 pixels; each side must be at most 128" in error_of(
        path, Limits(max_side=128)
    )
    huge = io.BytesIO(one_image(extension=".png"))
    huge.seek(16)
    huge.write(struct.pack(">II", 60_000, 60_000))  # the size in its header; its data are small
    path = write_zip(tmp_path / "huge.zip", {"1.png": huge.getvalue()})
    assert "60000×60000 pixels" in error_of(path)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_links_in_a_folder_are_followed(tmp_path: Path) -> None:
    folder, store = tmp_path / "clip", tmp_path / "store"
    folder.mkdir()
    store.write_bytes(one_image())
    (folder / "1.jpg").symlink_to(store)
    assert len(read(folder)) == 1


def test_a_lazy_frame_has_the_frame_and_a_reduced_copy(tmp_path: Path) -> None:
    images = list(numbered_frames(3, 640, 480))
    members = {f"img{n}.jpg": encoded(image, ".jpg") for n, image in enumerate(images, 46)}
    path = write_zip(tmp_path / "clip.zip", members)
    with open_source(path, fps=200) as source:
        lazy_frames = list(source.lazy_frames())
    for lazy, frame in zip(lazy_frames, read(path), strict=True):
        assert (lazy.index, lazy.source_number, lazy.pts) == (
            frame.index,
            frame.source_number,
            frame.pts,
        )
        assert lazy.encoded == frame.encoded
        assert np.array_equal(lazy.image, frame.image)
        grey = np.asarray(frame.image @ [0.299, 0.587, 0.114])
        averaged = grey.reshape(120, 4, 160, 4).mean(axis=(1, 3))
        assert lazy.small.shape == (120, 160)
        assert np.abs(lazy.small - averaged).mean() < 1


@pytest.mark.parametrize("extension", [".png", ".bmp"])
def test_frames_that_cannot_be_reduced_are_decoded_at_full_size(tmp_path: Path, extension: str) -> None:
    members = {f"img{n}{extension}": one_image(640, 480, extension) for n in (1, 2)}
    with open_source(write_zip(tmp_path / "clip.zip", members), fps=200) as source:
        assert [lazy.small.shape for lazy in source.lazy_frames()] == [(480, 640, 3)] * 2


def test_a_lazy_frame_that_is_cut_off_is_noticed(tmp_path: Path) -> None:
    whole = one_image(640, 480)
    path = write_zip(tmp_path / "clip.zip", {"img1.jpg": whole, "img2.jpg": whole[:-9]})
    with (
        open_source(path, fps=200) as source,
        pytest.raises(InputError, match=r"“img2.jpg” is cut off"),
    ):
        list(source.lazy_frames())
