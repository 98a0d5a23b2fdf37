"""Zips from unknown sources: what is refused, and why."""

import stat
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pytest

from models_ml.synthetic.barcode import read_number
from models_ml.video.decode import Limits
from models_ml.video.imagefolder import Zip
from tests.unit.models_ml.video.made_clips import error_of, numbered_members, one_image, read, write_zip


@pytest.mark.parametrize(
    "name", ["../evil.png", "clip/../../evil.png", "/etc/evil.png", "C:\\evil.png", "..\\evil.png"]
)
def test_a_path_that_leads_out_of_the_zip_is_refused(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "clip.zip", {"1.png": one_image(), name: one_image()})
    assert "unsafe path" in error_of(path)
    assert not (tmp_path.parent / "evil.png").exists()


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("2.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "“2.png” in the zip is a link" in error_of(path)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", {"1.jpg": one_image()})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag in the local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the table of contents
    path.write_bytes(data)
    assert "protected by a password" in error_of(path)


def test_a_zip_bomb_is_refused_by_its_declared_size(tmp_path: Path) -> None:
    path = tmp_path / "clip.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.png", bytes(3_000_000))
    assert path.stat().st_size < 10_000
    assert "“1.png” is larger than 1 MB" in error_of(path, Limits(max_image_bytes=2**20))
    assert "would unpack to" in error_of(path, Limits(max_zip_bytes=2_000_000))


def test_a_zip_bomb_with_a_false_size_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "clip.zip"
    bomb = one_image(extension=".png") + bytes(50_000_000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.png", bomb)
    data = path.read_bytes().replace(struct.pack("<I", len(bomb)), struct.pack("<I", 90_000))
    path.write_bytes(data)
    assert "“1.png” cannot be unpacked" in error_of(path)


def test_a_member_that_holds_more_than_it_declares_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "clip.zip"
    image = one_image(extension=".png")
    held, declared = len(image) + 200 * 2**20, len(image) + 50_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("1.png", "w") as member:
        member.write(image)
        for _ in range(200):
            member.write(bytes(2**20))
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", held), struct.pack("<I", declared)))
    tracemalloc.start()
    try:
        message = error_of(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert f"holds more than the {declared:,} bytes that the zip declares" in message
    assert message.startswith("“")  # one sentence, not one inside another
    assert ".." not in message
    assert peak < 5_000_000


def test_a_zip_with_another_compression_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("1.png", one_image(extension=".png"))
    assert "“1.png” in the zip is compressed by a method other than Deflate" in error_of(path)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.zip"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns about the name
        for name in ("clip/img1.jpg", "clip/img2.jpg", "clip\\img1.jpg"):
            archive.writestr(name, one_image())
    message = error_of(path)
    assert "Two files in the zip have the same name: “clip/img1.jpg” and “clip\\img1.jpg”" in message


def test_time_stamps_as_names_are_in_order_of_time(tmp_path: Path) -> None:
    members = numbered_members(12, "img{}.jpg", 1_700_000_000_000_004_402)
    frames = read(write_zip(tmp_path / "clip.zip", dict(sorted(members.items(), reverse=True))))
    assert [read_number(frame.image) for frame in frames] == list(range(12))
    assert [frame.source_number for frame in frames] == list(range(1, 13))


def test_a_path_with_a_number_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", {f"{'9' * 5000}.jpg": one_image()})
    assert "path of more than 1,000 characters" in error_of(path)


def test_a_zip_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(3))
    path.write_bytes(path.read_bytes()[:-200])
    assert "damaged or cut off" in error_of(path)


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(3))
    data = bytearray(path.read_bytes())
    data[data.index(b"img2.jpg") + 3000] ^= 0xFF
    path.write_bytes(data)
    assert "“clip/img2.jpg” cannot be unpacked" in error_of(path)


@pytest.mark.parametrize("members", [{}, {"clip/": b""}, {"clip/.DS_Store": b"x"}])
def test_a_zip_without_images_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    assert "The zip contains no images" in error_of(write_zip(tmp_path / "clip.zip", members))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("names", [("img1.jpg", "img2.jpg"), ("gesicht ä1.jpg", "gesicht ä2.jpg")])
def test_files_are_read_as_zipfile_reads_them(tmp_path: Path, method: int, names: tuple[str, str]) -> None:
    path = tmp_path / "clip.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for number, name in enumerate(names):
            member = zipfile.ZipInfo(name)
            member.compress_type, member.extra = method, struct.pack("<HH4x", 0x9999, 4)
            archive.writestr(member, bytes([number]) * 70_000)
    files = Zip(path, Limits())
    assert [files.read(name) for name in names] == [bytes([number]) * 70_000 for number in range(2)]
    assert [files.read(name, 100) for name in names] == [bytes([number]) * 100 for number in range(2)]
    files.close()


def test_a_stored_file_that_was_changed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "clip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.jpg", one_image())
    data = path.read_bytes()
    middle = len(data) // 2
    for broken in (
        data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],  # the content
        data.replace(b"1.jpg", b"2.jpg", 1),  # the name in front of the content
    ):
        path.write_bytes(broken)
        assert "“1.jpg” cannot be unpacked from the zip" in error_of(path)
