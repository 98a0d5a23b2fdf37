"""TIFF and WebP frames, 16 bits with hot pixels, and files that are not frames."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from models_ml.synthetic.barcode import read_number
from models_ml.video.decode import open_source
from models_ml.video.ingest import ingest
from tests.unit.models_ml.video.made_clips import (
    encoded,
    error_of,
    numbered_frames,
    numbered_members,
    one_image,
    read,
    write_zip,
)

NOISE = np.random.default_rng(1).integers(0, 256, (48, 96, 3), np.uint8)


def tiff(image: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, image, **options)
    return file.getvalue()


def pillow(image: np.ndarray, kind: str, **options) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def only_image(tmp_path: Path, name: str, data: bytes) -> np.ndarray:
    (frame,) = read(write_zip(tmp_path / "clip.zip", {name: data}))
    assert frame.encoded is None  # browsers do not show TIFF
    return frame.image


@pytest.mark.parametrize("extension", [".tif", ".tiff", ".webp"])
def test_frames_are_read_in_order(tmp_path: Path, extension: str) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(12, "img{}" + extension))
    with open_source(path, fps=200) as source:
        assert source.codec == ("webp" if extension == ".webp" else "tiff")
        assert [read_number(frame.image) for frame in source] == list(range(12))


@pytest.mark.parametrize(
    "options",
    [{}, {"byteorder": ">"}, {"compression": "deflate"}, {"rowsperstrip": 7}, {"planarconfig": "separate"}],
    ids=str,
)
@pytest.mark.parametrize("grey", [True, False])
def test_tiff_pixels_are_exact(tmp_path: Path, options: dict, grey: bool) -> None:
    if grey:
        options = {name: value for name, value in options.items() if name != "planarconfig"}
    pixels = NOISE[:, :, 0] if grey else NOISE
    if options.get("planarconfig"):
        data = tiff(np.moveaxis(pixels, 2, 0), photometric="rgb", **options)
    else:
        data = tiff(pixels, photometric="minisblack" if grey else "rgb", **options)
    assert np.array_equal(only_image(tmp_path, "1.tif", data), pixels)


def test_white_is_zero_is_read(tmp_path: Path) -> None:
    data = tiff(255 - NOISE[:, :, 0], photometric="miniswhite")
    assert np.array_equal(only_image(tmp_path, "1.tif", data), NOISE[:, :, 0])


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_deep_tiff_is_scaled_as_deep_png(tmp_path: Path, bits: int) -> None:
    deep = NOISE[:, :, 0].astype(np.uint16) << (bits - 8)
    assert np.array_equal(only_image(tmp_path, "1.tif", tiff(deep, photometric="minisblack")), NOISE[:, :, 0])


def test_a_turned_tiff_is_turned(tmp_path: Path) -> None:
    data = tiff(NOISE, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    assert np.array_equal(only_image(tmp_path, "1.tif", data), np.rot90(NOISE, -1))


def test_webp_without_loss_is_exact_and_alpha_is_said(tmp_path: Path) -> None:
    data = pillow(np.dstack([NOISE, np.full(NOISE.shape[:2], 200, np.uint8)]), "webp", lossless=True)
    with open_source(write_zip(tmp_path / "clip.zip", {"1.webp": data}), fps=200) as source:
        (frame,) = source
        assert np.array_equal(frame.image, NOISE)
        assert source.notes() == ["Frame images have transparency, which is ignored."]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("1.tif", tiff(np.stack([NOISE, NOISE]), photometric="rgb"), "has several pages"),
        ("1.tif", tiff(NOISE.astype(np.float32), photometric="rgb"), "has 32 bits per value"),
        (
            "1.tif",
            tiff(NOISE, photometric="rgb", bigtiff=True),
            "is not a JPEG, PNG, BMP, TIFF or WebP image",
        ),
        (
            "1.webp",
            pillow(NOISE, "webp", save_all=True, append_images=[Pillow.fromarray(255 - NOISE)]),
            "is an animation",
        ),
        ("1.webp", encoded(NOISE, ".webp")[:-200], "is cut off"),
        ("1.tif", encoded(NOISE, ".tif")[:-200], "is not a JPEG, PNG, BMP, TIFF or WebP image"),
        ("1.tif", tiff(NOISE, photometric="rgb")[:-200], "cannot be decoded: it is damaged"),
    ],
    ids=["pages", "float", "big", "animation", "cut webp", "cut directory", "cut strip"],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    message = error_of(write_zip(tmp_path / "clip.zip", {name: data}))
    assert f"“{name}” {words}" in message


def test_a_clip_of_tiffs_is_ingested(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(3, "{}.tif"))
    with (tmp_path / "pack").open("w+b") as file:
        result = ingest(path, file, fps=100)
    assert (result.codec, result.index.mime, result.frame_count) == ("tiff", "image/jpeg", 3)


@pytest.mark.parametrize("hot", [0, 1, 3])
def test_a_few_hot_pixels_do_not_make_a_clip_dark(tmp_path: Path, hot: int) -> None:
    images = [image.astype(np.uint16) << 4 for image in numbered_frames(4, 320, 240, grey=True)]
    images[1].flat[:hot] = 65535
    members = {f"{n}.png": cv2.imencode(".png", image)[1].tobytes() for n, image in enumerate(images)}
    with open_source(write_zip(tmp_path / "clip.zip", members), fps=100) as source:
        shown = [frame.image for frame in source]
        notes = source.notes()
    expected = np.minimum(images[1] >> 4, 255)
    assert np.array_equal(shown[1], expected)
    assert "their values need only 12" in notes[0]
    said = {0: [], 1: ["1 value is larger"], 3: ["3 values are larger"]}[hot]
    assert [note.partition(" than")[0] for note in notes[1:]] == said


def test_files_that_are_not_frames_are_left_out_and_listed(tmp_path: Path) -> None:
    junk = ["ehthumbs.db", "Thumbs.db", "Icon\r", ".DS_Store", "__MACOSX/._1.jpg", "notes.txt", "Coding.docx"]
    members = {"1.jpg": one_image(), **dict.fromkeys(junk, b"?"), "sub/Thumbs.db": b"?", "2.jpg": one_image()}
    with open_source(write_zip(tmp_path / "clip.zip", members), fps=100) as source:
        assert len(list(source)) == 2
        (note,) = source.notes()
    assert note == (
        "8 files that are not frame images were left out: “.DS_Store”, “._1.jpg”, “Coding.docx”, “Icon?”, “Thumbs.db”, "
        "“ehthumbs.db” and 1 more."
    )


def test_images_of_another_type_are_never_left_out(tmp_path: Path) -> None:
    members = {"1.jpg": one_image(), "2.HEIC": b"?"}
    assert "Cannot read the image “2.HEIC”" in error_of(write_zip(tmp_path / "clip.zip", members))


def test_a_zip_with_a_video_says_what_to_do(tmp_path: Path) -> None:
    message = error_of(write_zip(tmp_path / "clip.zip", {"clip.mp4": b"?", "notes.txt": b"?"}))
    assert "no images, but a video, “clip.mp4”: upload the video itself" in message
