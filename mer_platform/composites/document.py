"""A version as a small JSON document for other labs: hashes, names, marks and labels, but no images and no paths.

With it, two labs prove that they use the same composite: a lab that has the same clips gets a version with the same content
hash from the document.
"""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from django.core.exceptions import ValidationError
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic import ValidationError as PydanticError

from mer_platform.composites.labelmaps import PRESETS
from mer_platform.composites.models import CompositeVersion, Sample, content_hash
from mer_platform.composites.rules import parse_rules
from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.wording import NO_NUL, in_words

_MOST = 100_000  # samples

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Frame = Annotated[int, Field(ge=0, lt=2**31)] | None


def _text(longest: int) -> Any:
    return Annotated[str, Field(min_length=1, max_length=longest, pattern=NO_NUL)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SampleRow(_Strict):
    """One sample: what it shows, but not where its file is."""

    content: Sha256
    kind: Literal["clip", "picture"]
    database: _text(60)  # type: ignore[valid-type]
    subject: _text(60)  # type: ignore[valid-type]
    name: _text(120)  # type: ignore[valid-type]
    onset: Frame
    apex: Frame
    offset: Frame
    apex_from: Literal["coded", "spotted", "picture"]
    emotion: _text(40)  # type: ignore[valid-type]
    label: Literal[CLASSES]  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _marks_fit(self) -> Self:
        marks = (self.onset, self.apex, self.offset)
        if self.kind == "picture":
            if any(mark is not None for mark in marks) or self.apex_from != "picture":
                raise ValueError(
                    "a flow picture must have no onset, apex and offset, and its apex_from must be “picture”"
                )
        elif self.apex_from == "picture" or self.onset is None or self.apex is None or self.offset is None:
            raise ValueError("a clip must have onset, apex and offset, and apex_from “coded” or “spotted”")
        elif not self.onset <= self.apex <= self.offset:
            raise ValueError(f"onset {self.onset}, apex {self.apex}, offset {self.offset} are not in order")
        return self

    @classmethod
    def of(cls, sample: Sample) -> Self:
        return cls(
            content=sample.content_sha256,
            kind="picture" if sample.picture_id else "clip",
            **{name: getattr(sample, name) for name in cls.model_fields if name not in ("content", "kind")},
        )

    def sample(self, index: int = 0) -> Sample:
        """Return an unsaved sample, not yet linked to a clip or flow picture."""
        fields = self.model_dump(exclude={"content", "kind"})
        return Sample(index=index, content_sha256=self.content, **fields)


class Document(_Strict):
    """An exported version. ``content_hash`` covers the samples only, ``document_hash`` everything else too."""

    format: Literal["mer-composite-version"]
    format_version: Annotated[int, Field(ge=1, le=1)]  # a literal would take true for 1
    name: _text(80)  # type: ignore[valid-type]
    number: Annotated[int, Field(ge=1)]
    frozen_at: str
    preset: Annotated[str, Field(max_length=20)]
    label_map: dict[_text(60), dict[_text(200), Literal[CLASSES] | None]]  # type: ignore[valid-type]
    rules: dict[str, Any]
    content_hash: Sha256
    samples: Annotated[list[SampleRow], Field(min_length=1, max_length=_MOST)]
    document_hash: Sha256

    def hashed(self) -> str:
        """Return the SHA-256 of all fields except ``document_hash``."""
        body = self.model_dump(mode="json", exclude={"document_hash"})
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


def export(version: CompositeVersion) -> dict[str, Any]:
    """Return the version's document, ready to be written as JSON. Raises InputError if a sample was withdrawn."""
    if refusal := version.refusal("export this version"):
        raise InputError(refusal)
    document = Document(
        format="mer-composite-version",
        format_version=1,
        name=version.composite.name,
        number=version.number,
        frozen_at=version.frozen_at.isoformat(timespec="seconds"),
        preset=version.preset,
        label_map=version.label_map,
        rules=version.rules,
        content_hash=version.content_hash,
        samples=[SampleRow.of(sample) for sample in version.samples.all()],
        document_hash="0" * 64,
    )
    return {**document.model_dump(mode="json"), "document_hash": document.hashed()}


def file_name(version: CompositeVersion) -> str:
    """Return the name under which the version's document is downloaded."""
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in version.composite.name).strip("-")
    return f"{name or 'composite'}-v{version.number}-{version.content_hash[:12]}.json"


def read(data: Any) -> Document:
    """Return the document in JSON text or parsed JSON, if it is one and has not been altered.

    Raises ValidationError for the field ``document`` or ``rules``.
    """
    try:
        content = json.loads(data) if isinstance(data, str | bytes) else data
        document = Document.model_validate(content)
    except json.JSONDecodeError as error:
        raise _wrong(
            f"The file is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from error
    except PydanticError as error:
        raise _wrong(*_describe(error)) from error
    except (
        ValueError,
        RecursionError,
    ) as error:  # not text, or numbers and nesting beyond what the parser accepts
        raise _wrong("The file is not JSON text.") from error
    parse_rules(document.rules)
    if document.preset not in PRESETS:
        raise _wrong(f"preset: this platform does not have a preset “{document.preset}”.")
    samples = [row.sample() for row in document.samples]
    if content_hash(samples) != document.content_hash:
        raise _wrong(
            f"The samples do not match the content hash of the document ({document.content_hash[:12]}…): a sample was "
            "changed, added or removed. Ask the other lab for the file again."
        )
    if document.hashed() != document.document_hash:
        raise _wrong(
            "The document was changed after its export: it does not match its own hash. Ask the other lab for it again."
        )
    return document


def _describe(error: PydanticError) -> list[str]:
    messages = []
    for one in error.errors()[:5]:
        where = ".".join(str(part) for part in one["loc"])
        messages.append(f"{where}: {in_words(one)}" if where else in_words(one))
    return messages


def _wrong(*messages: str) -> ValidationError:
    return ValidationError({"document": list(messages)})
