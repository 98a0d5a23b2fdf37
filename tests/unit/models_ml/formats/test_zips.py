"""Zips of annotation files."""

import io
import warnings
import zipfile

import pytest

from models_ml.errors import InputError
from models_ml.formats.zips import Archive


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the second file of a name
        for number, name in enumerate(names):
            archive.writestr(name, str(number))
    return file.getvalue()


def test_files_of_other_kinds_are_not_listed() -> None:
    archive = Archive("lab.zip", zipped("b.eaf", "a/b.eaf", "notes.txt", "notes.txt"), (".eaf",))
    assert archive.files() == ["a/b.eaf", "b.eaf"]
    assert archive.open("b.eaf").read() == b"0"


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match=r"several files of the name “a\.eaf”"):
        Archive("lab.zip", zipped("a.eaf", "b.eaf", "a.eaf"), (".eaf",))
