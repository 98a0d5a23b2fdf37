"""Frames as other programs refer to them: at the times at which the file plays."""

from fractions import Fraction

from models_ml.video.clock import Clock
from models_ml.video.timing import Timing


def test_a_slow_recording_has_the_times_of_the_playing_file() -> None:
    timing = Timing(tuple(range(1, 11)), Clock(Fraction(200), 10, file_rate=Fraction(25)))
    assert [timing.ms(index) for index in (0, 1, 9)] == [0, 40, 360]
    assert timing.last_ms == 360
    assert timing.times[1] == 40
    assert [timing.at_ms(ms) for ms in (0, 45, 360, 500)] == [0, 1, 9, None]


def test_frame_images_have_the_times_of_their_recording() -> None:
    timing = Timing((5, 6, 9), Clock.of_numbers((5, 6, 9), Fraction(200)))
    assert [timing.ms(index) for index in range(3)] == [0, 5, 20]
    assert timing.at_ms(6) == 1
