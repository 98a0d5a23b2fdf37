"""The order of frame images by their names: the same for uploads and imports."""

import pytest
from natsort import natsorted, ns

from models_ml.errors import InputError
from models_ml.video.framenames import MAX_FRAME_NUMBER, NumberedFrame, frame_number, order_frames

STAMPS = [f"img17000000000{n:02d}0{(n * 7919) % 100000:05d}.jpg" for n in range(0, 40, 5)]


def test_numbers_are_compared_as_whole_numbers() -> None:
    order = order_frames(["img100.jpg", "img9.jpg", "img010.jpg"])
    assert order.frames == [("img9.jpg", 9), ("img010.jpg", 10), ("img100.jpg", 100)]
    assert not order.is_counted


@pytest.mark.parametrize("digits", [12, 13, 16, 19, 25])
def test_time_stamps_of_any_length_are_in_order_of_time(digits: int) -> None:
    names = [f"img{10 ** (digits - 1) + 37 * n}.jpg" for n in range(20)]
    order = order_frames(sorted(names, key=lambda name: name[::-1]))
    assert [frame.name for frame in order.frames] == names


@pytest.mark.parametrize(
    "names",
    [
        ["img10.jpg", "img9.jpg", "img11.JPG"],
        ["a/b.1/img_2.x.jpg", "a/b.1/img_11.x.jpg", "a/b.1/img_1.x.jpg"],
        ["3.jpg", "01.jpg", "2.jpg"],
        ["IMG2.jpg", "img10.jpg", "Img1.jpg"],
        ["7.A_9.png", "7.B_11.png", "7.A_10.png"],
        [".5", ".10"],
        ["12.", "3."],
    ],
)
def test_the_order_is_natsorts(names: list[str]) -> None:
    assert [frame.name for frame in order_frames(names).frames] == natsorted(names, alg=ns.IGNORECASE)


def test_time_stamps_in_nanoseconds_are_counted_from_one() -> None:
    order = order_frames(reversed(STAMPS))
    assert order.frames == [NumberedFrame(name, n) for n, name in enumerate(STAMPS, start=1)]
    assert order.is_counted


def test_the_largest_number_that_the_database_stores_is_kept() -> None:
    largest = order_frames([f"{MAX_FRAME_NUMBER}.png"])
    assert largest.frames == [(f"{MAX_FRAME_NUMBER}.png", MAX_FRAME_NUMBER)]
    assert order_frames([f"{MAX_FRAME_NUMBER + 1}.png"]).frames[0].number == 1


def test_names_without_any_number_are_counted() -> None:
    assert order_frames(["onset.jpg", "apex.jpg"]).frames == [("apex.jpg", 1), ("onset.jpg", 2)]


def test_an_unclear_order_is_refused() -> None:
    with pytest.raises(InputError, match=r"“a_1\.jpg” comes before “b_1\.jpg”"):
        order_frames(["b_1.jpg", "a_1.jpg"])
    with pytest.raises(InputError, match=r"“cover\.jpg” has no number"):
        order_frames(["cover.jpg", "1.jpg"])


def test_the_number_of_a_frame_is_the_last_one_in_its_name() -> None:
    assert frame_number("sub01/reg2_img46.jpg") == 46
    assert frame_number("img1700000000005018651.jpg") == 1700000000005018651
