import cv2
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.synthetic.barcode import burn_number, read_number


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)


@pytest.mark.parametrize("number", [0, 1, 137, 5562, 65535])
@pytest.mark.parametrize("grey", [False, True])
def test_it_reads_the_number_that_it_wrote(image, number, grey):
    image = image[..., 0] if grey else image
    assert read_number(burn_number(image, number)) == number


def test_it_writes_into_a_copy_and_only_into_the_corner(image):
    before = image.copy()
    marked = burn_number(image, 77)
    assert np.array_equal(image, before)
    assert np.array_equal(marked[32:], image[32:])
    assert np.array_equal(marked[:, 80:], image[:, 80:])


@pytest.mark.parametrize("quality", [95, 60])
def test_the_number_survives_jpeg(image, quality):
    for number in range(0, 65536, 4099):
        _, data = cv2.imencode(".jpg", burn_number(image, number), [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert read_number(cv2.imdecode(data, cv2.IMREAD_COLOR)) == number


def test_an_image_without_a_number_is_refused(image):
    with pytest.raises(InputError, match="No readable frame number"):
        read_number(image)


def test_a_number_that_was_painted_over_is_not_misread(image):
    marked = burn_number(image, 300)
    marked[:8, 72:80], marked[16:24, 72:80] = marked[16:24, 72:80].copy(), marked[:8, 72:80].copy()
    with pytest.raises(InputError, match="No readable frame number"):
        read_number(marked)


@pytest.mark.parametrize("number", [-1, 65536])
def test_it_refuses_numbers_that_do_not_fit(image, number):
    with pytest.raises(InputError, match="between 0 and 65535"):
        burn_number(image, number)


def test_it_refuses_images_that_are_too_small():
    with pytest.raises(InputError, match="needs an image of at least 80×32 pixels"):
        burn_number(np.zeros((31, 200), np.uint8), 1)
