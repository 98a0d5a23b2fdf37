import cv2
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.synthetic.barcode import burn_number, read_number


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)


@pytest.mark.parametrize("number", [0, 1, 137, 5562, 65535])
@pytest.mark.parametrize("grey", [False, True])
def test_it_reads_the_number_it_burned(picture, number, grey):
    image = picture[..., 0] if grey else picture
    assert read_number(burn_number(image, number)) == number


def test_it_burns_a_copy_and_only_the_corner(picture):
    before = picture.copy()
    marked = burn_number(picture, 77)
    assert np.array_equal(picture, before)
    assert np.array_equal(marked[32:], picture[32:])
    assert np.array_equal(marked[:, 80:], picture[:, 80:])


@pytest.mark.parametrize("quality", [95, 60])
def test_the_number_survives_jpeg(picture, quality):
    for number in range(0, 65536, 4099):
        _, data = cv2.imencode(".jpg", burn_number(picture, number), [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert read_number(cv2.imdecode(data, cv2.IMREAD_COLOR)) == number


def test_it_says_so_when_there_is_no_number(picture):
    with pytest.raises(InputError, match="No frame number can be read"):
        read_number(picture)


def test_it_does_not_misread_a_number_that_was_painted_over(picture):
    marked = burn_number(picture, 300)
    marked[:8, 72:80], marked[16:24, 72:80] = marked[16:24, 72:80].copy(), marked[:8, 72:80].copy()
    with pytest.raises(InputError, match="No frame number can be read"):
        read_number(marked)


@pytest.mark.parametrize("number", [-1, 65536])
def test_it_refuses_numbers_that_do_not_fit(picture, number):
    with pytest.raises(InputError, match="between 0 and 65535"):
        burn_number(picture, number)


def test_it_refuses_images_without_room():
    with pytest.raises(InputError, match="no room for a frame number"):
        burn_number(np.zeros((31, 200), np.uint8), 1)
