"""Folders of frame images: which files are frames, and what is said about the others."""

from pathlib import Path

import numpy as np
import pytest

from models_ml.formats.folder_tree import FolderTree
from models_ml.formats.folders import image_folders, sound_frames
from models_ml.formats.report import ImportReport
from tests.unit.models_ml.video.made_clips import encoded

IMAGE = np.full((48, 64, 3), 90, np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clip").mkdir()
    return tmp_path / "clip"


def read(folder: Path) -> tuple[list[str], ImportReport]:
    """Return the names of the sound frames, and the report."""
    report = ImportReport()
    tree = FolderTree(str(folder.parent))
    found = image_folders(tree, report)
    files = [sound_frames(tree, item, report, subject="s", clip="c")[0] for item in found]
    return [Path(file).name for part in files for file in part], report


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".TIFF", ".webp"])
def test_each_type_of_image_is_a_frame(folder: Path, suffix: str) -> None:
    for number in (1, 2):
        (folder / f"img{number}{suffix}").write_bytes(encoded(IMAGE, suffix.lower()))
    files, report = read(folder)
    assert files == [f"img1{suffix}", f"img2{suffix}"]
    assert report.problems == []


def test_what_is_left_out_is_listed(folder: Path) -> None:
    (folder / "1.jpg").write_bytes(encoded(IMAGE, ".jpg"))
    for name in ("2.heic", "notes.txt", "Coding.docx", "Thumbs.db", "ehthumbs.db", "Icon\r", ".DS_Store"):
        (folder / name).write_bytes(b"?")
    files, report = read(folder)
    assert files == ["1.jpg"]
    assert [(p.severity, p.code, p.message.partition(": ")[2]) for p in report.problems] == [
        ("info", "litter", ".DS_Store, Icon?, Thumbs.db, ehthumbs.db."),
        ("warning", "image-type", "2.heic. If they are frames, convert them to PNG."),
        ("info", "not-an-image", "Coding.docx, notes.txt."),
    ]
