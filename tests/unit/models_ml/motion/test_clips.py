"""A clip with several expressions is decoded once, and each expression has its own result."""

from pathlib import Path

import numpy as np
import pytest

from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.face.detect import to_grey
from models_ml.motion import clips
from models_ml.motion.clips import aligned_pairs
from models_ml.motion.features import AlignedPair, aligned_pair, features_of_pairs, onset_apex_features
from models_ml.video.decode import open_source
from tests.unit.models_ml.video.made_clips import numbered_frames, numbered_members, write_video, write_zip

WHOLE = FeatureConfig(align="none", crop_size=64)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clips") / "clip.mp4", numbered_frames(40))


def test_each_expression_gets_its_own_frames(video: Path) -> None:
    with open_source(video) as source:
        frames = [frame.image for frame in source]
    marks = [(3, 9), (9, 20), (12, 12), (20, 5)]
    found = dict(aligned_pairs(video, marks, WHOLE))
    for place, (onset, apex) in enumerate(marks):
        pair, expected = found[place], aligned_pair(frames[onset], frames[apex], WHOLE)
        assert isinstance(pair, AlignedPair)
        assert np.array_equal(pair.onset, expected.onset)
        assert np.array_equal(pair.apex, expected.apex)


def test_the_clip_is_opened_once_and_read_no_further_than_needed(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def counted(path: Path, **options):
        source = open_source(path, **options)
        frames = iter(source)

        class Counted:
            def __enter__(self):
                return (seen.append(frame.index) or frame for frame in frames)

            def __exit__(self, *_: object) -> None:
                source.close()

        return Counted()

    monkeypatch.setattr(clips, "open_source", counted)
    list(aligned_pairs(video, [(3, 9), (4, 11), (0, 1)], WHOLE))
    assert seen == list(range(12))


def test_an_expression_with_wrong_frames_does_not_stop_the_others(video: Path) -> None:
    found = dict(aligned_pairs(video, [(3, 9), (30, 99), (-1, 5)], WHOLE))
    assert isinstance(found[0], AlignedPair)
    assert str(found[1]) == "Frame 99 not found: the clip has 40 frames (0 to 39)."
    assert str(found[2]) == "Frame -1 not found: frame indices start at 0."


def test_a_missing_face_is_reported_with_frame_and_source_frame(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(4, first=70))
    ((_, answer),) = aligned_pairs(path, [(1, 2)], FeatureConfig())
    assert isinstance(answer, InputError)
    assert str(answer).startswith("There is no face in frame 1 (source frame 71)")


def test_a_file_that_ends_early_is_reported_for_the_missing_expressions(video: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"nothing like a video")
    ((_, answer),) = aligned_pairs(path, [(1, 2)], WHOLE)
    assert isinstance(answer, InputError)
    assert "neither a video" in str(answer)


@pytest.mark.parametrize("flow", ["tvl1", "farneback", "dis"])
def test_features_are_the_same_bits_alone_and_among_sixteen(video: Path, flow: str) -> None:
    config = FeatureConfig(align="none", crop_size=64, flow=flow)
    marks = [(k, k + 2) for k in range(16)]
    with open_source(video) as source:
        frames = [to_grey(frame.image) for frame in source]
    pairs = [pair for _, pair in sorted(aligned_pairs(video, marks, config), key=lambda row: row[0])]
    together = features_of_pairs(pairs, config)  # type: ignore[arg-type]
    for place in (0, 7, 15):
        onset, apex = marks[place]
        assert np.array_equal(together[place], onset_apex_features(frames[onset], frames[apex], config))
