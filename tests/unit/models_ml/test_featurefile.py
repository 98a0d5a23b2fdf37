"""Feature exports read as they were written, and other files are refused with a sentence."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from models_ml.data import FlowDataset
from models_ml.errors import InputError
from models_ml.featurefile import KINDS, FeatureFile

CLASSES = ("negative", "positive", "surprise")


def feature_file(**changed) -> FeatureFile:
    fields = {
        "features": np.random.default_rng(0).normal(size=(4, 3, 8, 8)).astype(np.float32),
        "labels": np.array([0, 1, 2, 0]),
        "classes": CLASSES,
        "subjects": ("s1", "s1", "s2", "sübject"),
        "databases": ("SMIC", "SAMM", "SMIC", "SMIC"),
        "names": ("a", "b", "c", "d"),
        "sources": ("clip", "clip", "clip", "picture"),
        "version": "Lab v1",
        "content_hash": "ab" * 32,
        "config": {"size": 8, "flow": "tvl1"},
    }
    return FeatureFile(**{**fields, **changed})


@pytest.fixture(params=KINDS)
def path(request, tmp_path):
    path = tmp_path / f"features.{request.param}"
    feature_file().write(path, request.param)
    return path


def test_an_export_reads_as_it_was_written(path):
    data, written = FlowDataset(path), feature_file()
    assert np.array_equal(data.features.numpy(), written.features)
    assert data.labels.tolist() == [0, 1, 2, 0]
    for name in ("classes", "subjects", "databases", "names", "sources", "version", "content_hash", "config"):
        assert getattr(data, name) == getattr(written, name), name


def test_the_same_content_is_the_same_bytes(path, tmp_path):
    again = tmp_path / "again"
    feature_file().write(again, path.suffix[1:])
    assert again.read_bytes() == path.read_bytes()


def test_an_item_is_features_and_label_and_a_loader_accepts_it(path):
    data = FlowDataset(path)
    features, label = data[2]
    assert (features.shape, features.dtype, label) == ((3, 8, 8), torch.float32, 2)
    features, labels = next(iter(torch.utils.data.DataLoader(data, batch_size=4)))
    assert (features.shape, labels.tolist()) == ((4, 3, 8, 8), [0, 1, 2, 0])


def test_subjects_of_different_databases_are_different_people(path):
    data = FlowDataset(path)
    folds = {fold.subject: fold for fold in data.loso()}
    assert list(folds) == ["SAMM/s1", "SMIC/s1", "SMIC/s2", "SMIC/sübject"]
    assert list(folds["SMIC/s1"].test.indices) == [0]
    assert list(folds["SMIC/s1"].train.indices) == [1, 2, 3]


def test_an_incomplete_file_is_refused(path):
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(InputError, match=f"{path.name}: .*incomplete|.*not a complete"):
        FlowDataset(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x03\x04 no zip", b"hello, world: no tensors", b"\x00" * 99]
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.npz: this"):
        FlowDataset(path)


def test_a_pickle_is_never_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was loaded",))

    bare = tmp_path / "bare.pkl"
    bare.write_bytes(pickle.dumps(Bomb()))
    inside = tmp_path / "inside.npz"
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr("features.npy", member.getvalue() + pickle.dumps([Bomb()]))
    for path in (bare, inside):
        with pytest.raises(InputError, match=path.name):
            FlowDataset(path)


def test_tensors_of_something_else_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file({"features": np.zeros((1, 3, 8, 8), np.float32)}, path)
    with pytest.raises(InputError, match="description of its content is missing"):
        FlowDataset(path)


def test_a_later_format_is_named(tmp_path):
    path = tmp_path / "later.safetensors"
    save_file({"labels": np.zeros(1)}, path, metadata={"export": '{"format": "mer-features-9"}'})
    with pytest.raises(InputError, match="'mer-features-9'; this version reads 'mer-features-1'"):
        FlowDataset(path)


def test_a_missing_part_is_named(tmp_path):
    path = tmp_path / "part.npz"
    feature_file().write(path, "npz")
    with np.load(path) as file:
        kept = {name: file[name] for name in file if name != "labels"}
    np.savez(path, **kept)
    with pytest.raises(InputError, match="has no 'labels'"):
        FlowDataset(path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"features": np.zeros((4, 2, 8, 8), np.float32)}, r"must be float32 of shape \(samples, 3, side, side\)"),
        ({"features": np.zeros((4, 3, 8, 8))}, "but are float64"),
        ({"features": np.full((4, 3, 8, 8), np.nan, np.float32)}, "sample 0 contain values that are not finite"),
        ({"labels": np.array([0, 1])}, r"labels must be int64 of shape \(4,\)"),
        ({"labels": np.array([0, 3, 1, 1])}, "sample 1 has the label 3, but there are 3 classes"),
        ({"names": ("a",)}, "there are 4 samples, but 1 names"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_together_are_refused(changed, words):
    with pytest.raises(InputError, match=words):
        feature_file(**changed)


def test_another_format_is_refused(tmp_path):
    with pytest.raises(InputError, match="must be safetensors or npz, not “pt”"):
        feature_file().write(tmp_path / "x.pt", "pt")
