"""Read and write exported features with their classes and subjects, in one file without pickle.

There are two formats with the same content. *safetensors*: tensors ``features`` and ``labels``, and everything else as the
JSON text ``export`` in the header's metadata. *NPZ*: ``features``, ``labels``, ``subjects``, ``databases``, ``names`` and
``sources`` as arrays, and the rest as the JSON text ``export``. The same content gives the same bytes.
"""

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from models_ml.errors import InputError

FORMAT = "mer-features-1"
CHANNELS = 3  # u, v, optical strain
KINDS = ("safetensors", "npz")
_ROWS = ("subjects", "databases", "names", "sources")
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # otherwise the time of writing would change the bytes


@dataclass(frozen=True)
class FeatureFile:
    """The content of a feature export.

    Attributes
    ----------
    features
        float32 (N, 3, S, S): u and v in pixels of the aligned face, and optical strain. Features of flow pictures have
        their own units; see ``sources``.
    labels
        int64 (N,): the position of each sample's class in ``classes``.
    classes
        Names of the classes.
    subjects, databases, names
        Texts, one per sample. Subjects with the same name in two databases are two people.
    sources
        ``clip`` or ``picture`` for each sample: computed from its clip, or imported as a flow picture of unknown scale.
    version, content_hash
        The composite version, and the SHA-256 of its samples.
    config
        The feature configuration, as ``models_ml.config.FeatureConfig`` writes it.

    Raises
    ------
    InputError
        If the parts do not fit together.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    subjects: tuple[str, ...]
    databases: tuple[str, ...]
    names: tuple[str, ...]
    sources: tuple[str, ...]
    version: str
    content_hash: str
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape, count = self.features.shape, len(self.features)
        square = len(shape) == 4 and shape[1] == CHANNELS and shape[2] == shape[3]
        if not square or self.features.dtype != np.float32:
            raise InputError(
                f"features must be float32 of shape (samples, {CHANNELS}, side, side), but are "
                f"{self.features.dtype} of shape {shape}"
            )
        if self.labels.shape != (count,) or self.labels.dtype != np.int64:
            raise InputError(
                f"labels must be int64 of shape ({count},), but are {self.labels.dtype} of shape "
                f"{self.labels.shape}"
            )
        for name in _ROWS:
            if len(getattr(self, name)) != count:
                raise InputError(f"there are {count} samples, but {len(getattr(self, name))} {name}")
        if outside := [i for i, label in enumerate(self.labels) if not 0 <= label < len(self.classes)]:
            raise InputError(
                f"sample {outside[0]} has the label {self.labels[outside[0]]}, but there are {len(self.classes)} classes"
            )
        finite = np.isfinite(self.features).all(axis=(1, 2, 3))
        if not finite.all():
            raise InputError(
                f"the features of sample {int(finite.argmin())} contain values that are not finite"
            )

    def write(self, path: Path, kind: str) -> None:
        """Write the file in one of the formats ``KINDS``."""
        if kind not in KINDS:
            raise InputError(f"The format of a feature file must be {' or '.join(KINDS)}, not “{kind}”.")
        (self._write_safetensors if kind == "safetensors" else self._write_npz)(path)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file of either format, recognised by its first bytes. Nothing is ever unpickled.

        Raises
        ------
        InputError
            If this is not a feature export, is incomplete, or does not fit together; the message names the file.
        """
        path = Path(path)
        with path.open("rb") as file:
            zipped = file.read(2) == b"PK"
        try:
            return cls(**(_read_npz(path) if zipped else _read_safetensors(path)))
        except InputError as error:
            raise InputError(f"{path.name}: {error}") from error

    def _header(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": self.version,
            "content_hash": self.content_hash,
            "config": self.config,
            "classes": self.classes,
        }

    def _write_safetensors(self, path: Path) -> None:
        # One entry only: the library writes several entries in an order that changes from call to call.
        header = {**self._header(), **{name: getattr(self, name) for name in _ROWS}}
        tensors: dict[str, NDArray[Any]] = {
            "features": np.ascontiguousarray(self.features),
            "labels": np.ascontiguousarray(self.labels),
        }
        save_file(tensors, path, metadata={"export": json.dumps(header, sort_keys=True)})

    def _write_npz(self, path: Path) -> None:
        arrays = {
            "export": np.array(json.dumps(self._header(), sort_keys=True)),
            "features": self.features,
            "labels": self.labels,
            **{name: np.array(getattr(self, name), dtype=np.str_) for name in _ROWS},
        }
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name, array in arrays.items():
                entry = zipfile.ZipInfo(f"{name}.npy", _ZIP_EPOCH)
                with archive.open(entry, "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="numpy") as file:
            header = _parse((file.metadata() or {}).get("export"))
            arrays = {name: file.get_tensor(name) for name in ("features", "labels") if name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError) as error:
        raise InputError(f"this is not a complete safetensors or NPZ file ({error})") from error
    return _fields(arrays, header, header)


def _read_npz(path: Path) -> dict[str, Any]:
    unreadable = (OSError, EOFError, KeyError, ValueError, RuntimeError, MemoryError)
    try:
        with np.load(path, allow_pickle=False) as file:
            members = {name: file[name] for name in ("features", "labels", "export", *_ROWS) if name in file}
    except (*unreadable, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"this NPZ file is damaged or incomplete ({error})") from error
    rows = {name: members[name].tolist() for name in _ROWS if name in members}
    return _fields(members, rows, _parse(str(members["export"]) if "export" in members else None))


def _parse(text: str | None) -> dict[str, Any]:
    try:
        header = json.loads(text or "")
    except json.JSONDecodeError as error:
        raise InputError(
            "the description of its content is missing: this is not a feature export of the platform"
        ) from error
    found = header.get("format") if isinstance(header, dict) else None
    if found != FORMAT:
        raise InputError(f"the export has format {found!r}; this version reads {FORMAT!r}")
    return header


def _fields(
    arrays: Mapping[str, NDArray[Any]], rows: Mapping[str, Any], header: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a ``FeatureFile``; raise InputError that names a missing or wrong part."""
    try:
        return {
            **{name: arrays[name] for name in ("features", "labels")},
            **{name: _texts(name, rows[name]) for name in _ROWS},
            "classes": _texts("classes", header["classes"]),
            **{name: str(header[name]) for name in ("version", "content_hash")},
            "config": dict(header["config"]),
        }
    except KeyError as error:
        raise InputError(f"the export has no {error.args[0]!r}; it was damaged or changed") from error
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the description of the export is damaged ({error})") from error


def _texts(name: str, values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InputError(f"the {name} of the export must be a list of texts")
    return tuple(values)
