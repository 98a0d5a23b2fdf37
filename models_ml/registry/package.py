"""A model as one zip that another platform, or a script without this library, can use.

``model.safetensors`` has the weights and their description, ``config.json`` what is known about the model,
``preprocessing.json`` its input, ``card.json`` and ``card.md`` where it comes from, ``model.onnx`` the same network for
other programs, ``example.py`` how to run it, and ``manifest.json`` the SHA-256 of each. Needs no torch, and unpickles
nothing.
"""

import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models_ml.classes import CLASSES
from models_ml.config import RunConfig, field_path
from models_ml.errors import InputError
from models_ml.registry.limits import LIMITS_VERSION
from models_ml.wording import NO_NUL, in_words

FORMAT = "mer-package-1"
MODEL_FORMAT = "mer-model-2"  # of the description in the safetensors file
WEIGHTS, FACTS, MANIFEST = "model.safetensors", "config.json", "manifest.json"
FILES = (WEIGHTS, FACTS, "preprocessing.json", "card.json", "card.md", "model.onnx", "example.py", MANIFEST)
MAX_WEIGHTS = 512 << 20  # bytes
MAX_TEXT = 8 << 20  # bytes of each other file that is read
MAX_PACKAGE = 2 * MAX_WEIGHTS + (64 << 20)
MAX_HEADER = 4 << 20  # of the safetensors file
_EPOCH = (2020, 1, 1, 0, 0, 0)  # of all files, so that equal packages have equal bytes

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=2000, pattern=NO_NUL)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RangePart(_Part):
    """As ``models_ml.registry.limits.Range``."""

    low: Number
    high: Number
    smallest: Number
    largest: Number
    median: Number
    quantiles: dict[Annotated[str, Field(max_length=10)], Number] = Field(max_length=20)
    samples: int = Field(ge=1, le=10**9)


class ThresholdPart(_Part):
    """As ``models_ml.registry.limits.Threshold``."""

    value: Share
    rule: Text
    expressions: int = Field(ge=0, le=10**9)
    found: Share | None
    free: int = Field(ge=0, le=10**9)
    rejected: Share | None
    quantiles: dict[Annotated[str, Field(max_length=10)], Share] = Field(max_length=20)


class LimitsPart(_Part):
    """As ``models_ml.registry.limits.limits_of`` returns them."""

    version: Literal[LIMITS_VERSION]  # type: ignore[valid-type]
    fps: RangePart | None
    face_size: RangePart | None
    motion: RangePart | None
    no_expression_below: Share
    threshold: ThresholdPart


class PackageFacts(_Part):
    """``config.json`` of a package: what is known about the model."""

    format: Literal[FORMAT] = FORMAT  # type: ignore[valid-type]
    name: str = Field(min_length=1, max_length=120, pattern=NO_NUL)
    sha256: Sha256 = Field(description="Of model.safetensors.")
    config: dict[str, Any]
    classes: tuple[str, ...]
    temperature: float | None = Field(None, ge=0.05, le=20, allow_inf_nan=False)
    limits: LimitsPart | None = None
    trained_on: tuple[Sha256, ...] = Field(
        (), max_length=200_000, description="SHA-256 of the training clips."
    )
    of_pictures: bool = Field(False, description="Trained on flow pictures, so it cannot score clips.")
    origin: Text = Field("", description="Project and platform that made it.")


@dataclass(frozen=True)
class Package:
    """What was read from a file that someone uploads. The weights themselves are checked with PyTorch later.

    Attributes
    ----------
    weights
        The safetensors file.
    sha256
        Of the weights.
    name
        Of the model; empty if the file does not say it.
    config
        The configuration of the model.
    temperature, limits, trained_on, of_pictures, origin
        As in ``PackageFacts``; empty for a safetensors file alone.
    card
        ``card.json`` as its maker wrote it; empty without it. Nothing in it is verified.
    """

    weights: bytes
    sha256: str
    name: str
    config: RunConfig
    temperature: float | None
    limits: dict[str, Any]
    trained_on: tuple[str, ...]
    of_pictures: bool
    origin: str
    card: dict[str, Any]


def write_package(target: IO[bytes], files: Mapping[str, bytes]) -> None:
    """Write a package of these files, with a manifest. Equal files make equal packages.

    Raises
    ------
    ValueError
        A name that packages do not have.
    """
    if unknown := set(files) - set(FILES):
        raise ValueError(f"A package has no file {sorted(unknown)[0]}.")
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = json.dumps({"format": FORMAT, "sha256": hashes}, indent=2, sort_keys=True).encode()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in FILES:
            content = manifest if name == MANIFEST else files.get(name)
            if content is not None:
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, content)


def read_package(source: IO[bytes], file_name: str) -> Package:
    """Read a package, or a safetensors file of this platform alone. Every part is checked, and nothing is unpickled.

    Raises
    ------
    InputError
        With the place in the file, and what was expected there.
    """
    start = source.read(4)
    source.seek(0)
    if start == b"PK\x03\x04":
        return _from_zip(source, file_name)
    weights = source.read(MAX_WEIGHTS + 1)
    if len(weights) > MAX_WEIGHTS:
        raise InputError(
            f"“{file_name}” is larger than {MAX_WEIGHTS >> 20} MiB, the most that a model may have."
        )
    config = described_config(weights, file_name)
    digest = hashlib.sha256(weights).hexdigest()
    return Package(weights, digest, "", config, None, {}, (), False, "", {})


def described_config(weights: bytes, place: str) -> RunConfig:
    """Return the configuration that the header of a safetensors file of this platform describes. Raises InputError."""
    header = _header(weights, place)
    text = (
        header.get("__metadata__", {}).get("model") if isinstance(header.get("__metadata__"), dict) else None
    )
    if not isinstance(text, str):
        raise InputError(f"“{place}” contains weights, but no description of a model of this platform.")
    model = _json_object(text.encode(), f"“{place}”, description of the model")
    if model.get("format") != MODEL_FORMAT:
        raise InputError(
            f"“{place}” has the format {model.get('format')!r}. This version reads {MODEL_FORMAT}."
        )
    if tuple(model.get("classes") or ()) != CLASSES:
        raise InputError(
            f"“{place}” predicts {model.get('classes')!r}. This platform needs {', '.join(CLASSES)}, in this order."
        )
    try:
        return RunConfig.from_stored(model.get("config"))
    except (ValidationError, TypeError, InputError) as error:
        raise InputError(f"“{place}”, configuration: {_problems(error)}") from error


def _from_zip(source: IO[bytes], file_name: str) -> Package:
    try:
        with zipfile.ZipFile(source) as archive:
            _check_entries(archive, file_name)
            files = {name: _read(archive, name, file_name) for name in (WEIGHTS, FACTS)}
            names = archive.namelist()
            manifest = _read(archive, MANIFEST, file_name) if MANIFEST in names else b""
            card = _read(archive, "card.json", file_name) if "card.json" in names else b"{}"
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        RuntimeError,
        struct.error,
        EOFError,
        OSError,
    ) as error:
        raise InputError(
            f"“{file_name}” is damaged: it cannot be unpacked as a zip. Download or export it again."
        ) from error
    weights, digest = files[WEIGHTS], hashlib.sha256(files[WEIGHTS]).hexdigest()
    facts = _facts(files[FACTS], f"“{file_name}”, {FACTS}")
    if facts.sha256 != digest:
        raise InputError(
            f"“{file_name}”: {WEIGHTS} has the SHA-256 {digest[:16]}…, but {FACTS} states {facts.sha256[:16]}…. The file "
            "was changed after its export. Export the model again."
        )
    _check_manifest(manifest, {**files, "card.json": card}, file_name)
    config = described_config(weights, f"{file_name}/{WEIGHTS}")
    return Package(
        weights,
        digest,
        facts.name,
        config,
        facts.temperature,
        facts.limits.model_dump(mode="json") if facts.limits else {},
        facts.trained_on,
        facts.of_pictures,
        facts.origin,
        _json_object(card, f"“{file_name}”, card.json"),
    )


def _check_entries(archive: zipfile.ZipFile, file_name: str) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > len(FILES) or set(names) - set(FILES) or len(set(names)) != len(names):
        odd = next((name for name in names if name not in FILES or names.count(name) > 1), "")
        twice = " more than once" if odd in FILES else ""
        raise InputError(
            f"“{file_name}” is not a package of a model: it must not contain “{odd[:80]}”{twice}. Choose a package.zip that "
            "the platform exported, or a model.safetensors."
        )
    for name in (WEIGHTS, FACTS):
        if name not in names:
            raise InputError(f"“{file_name}” is not a package of a model: it does not contain {name}.")


def _read(archive: zipfile.ZipFile, name: str, file_name: str) -> bytes:
    entry, most = archive.getinfo(name), MAX_WEIGHTS if name == WEIGHTS else MAX_TEXT
    if entry.flag_bits & 1:
        raise InputError(
            f"“{file_name}”, {name}: the file is encrypted. Export the model again without a password."
        )
    with archive.open(entry) as file:
        content = file.read(most + 1)  # the size in the directory is only what the archive claims
    if len(content) > most:
        raise InputError(f"“{file_name}”, {name}: the file is larger than {most >> 20} MiB.")
    return content


def _facts(content: bytes, place: str) -> PackageFacts:
    try:
        facts = PackageFacts.model_validate(_json_object(content, place))
    except ValidationError as error:
        raise InputError(f"{place}: {_problems(error)}") from error
    if facts.classes != CLASSES:
        raise InputError(f"{place}: the classes must be {', '.join(CLASSES)}, in this order.")
    return facts


def _check_manifest(content: bytes, files: Mapping[str, bytes], file_name: str) -> None:
    if not content:
        return
    stated = _json_object(content, f"“{file_name}”, {MANIFEST}").get("sha256")
    for name, own in files.items():
        if isinstance(stated, dict) and name in stated and stated[name] != hashlib.sha256(own).hexdigest():
            raise InputError(f"“{file_name}”: {name} does not have the SHA-256 that {MANIFEST} states.")


def _header(weights: bytes, place: str) -> dict[str, Any]:
    if len(weights) < 8:
        raise InputError(
            f"“{place}” is neither a package nor a safetensors file: it has {len(weights)} bytes."
        )
    length = int.from_bytes(weights[:8], "little")
    if not 2 <= length <= min(MAX_HEADER, len(weights) - 8):
        raise InputError(
            f"“{place}” is neither a package nor a safetensors file: bytes 0 to 7 must state the length of a header."
        )
    return _json_object(weights[8 : 8 + length], f"“{place}”, header of the safetensors file")


def _json_object(content: bytes, place: str) -> dict[str, Any]:
    try:
        found = json.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{place}: it is not JSON in UTF-8, or it is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{place}: it is not JSON from line {error.lineno}, column {error.colno} on."
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{place}: a number in it has too many digits.") from error
    if not isinstance(found, dict):
        raise InputError(f"{place}: it must be a JSON object.")
    return found


def _problems(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(f"{field_path(e['loc'])}: {in_words(e)}" for e in error.errors()[:5])
    return str(error)
