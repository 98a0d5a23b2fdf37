"""Rules that choose the expressions of a composite. They are stored with the version and shown on its page."""

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from django.core.exceptions import ValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic import ValidationError as PydanticError

from models_ml.wording import NO_NUL, in_words

# A scope is a database, a subject or a clip, from the outside in: ("CASME II", "sub01", "EP02_01f").
Scope = tuple[str, ...]
_SEPARATOR = re.compile(r"\s*/\s*")


def _split_scope(value: Any) -> Any:
    """Accept a scope as people write it: “CASME II / sub01”."""
    return _SEPARATOR.split(value.strip()) if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=120, pattern=NO_NUL)]
ScopeField = Annotated[
    tuple[Text, ...],
    Field(min_length=1, max_length=3),
    BeforeValidator(_split_scope),
]


class Rules(BaseModel):
    """Include and exclude rules. By default: all micro-expressions with a coded or a spotted apex.

    A rule on the duration or on coded apexes excludes flow pictures, whose duration and apex are not known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    material: Literal["any", "clips", "pictures"] = Field("any", description="Clips, flow pictures, or both.")
    kinds: tuple[Literal["micro", "macro"], ...] = Field(
        ("micro",), min_length=1, description="Kinds of expressions."
    )
    apex: Literal["spotted", "coded"] = Field(
        "spotted", description="“spotted” accepts the spotter's apex if coders marked none."
    )
    shortest: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Duration from onset to offset, in “unit”."
    )
    longest: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Duration from onset to offset, in “unit”."
    )
    unit: Literal["ms", "frames"] = Field("ms", description="Unit of “shortest” and “longest”.")
    only: tuple[ScopeField, ...] = Field(
        (), description="Include only these databases, subjects and clips, each as [database, subject, clip]."
    )
    without: tuple[ScopeField, ...] = Field((), description="Databases, subjects and clips to exclude.")
    without_emotions: tuple[Text, ...] = Field((), description="Emotions to exclude in all databases.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.shortest is not None and self.longest is not None and self.shortest > self.longest:
            raise ValueError(
                f"the shortest duration ({self.shortest:g}) is longer than the longest ({self.longest:g})"
            )
        return self

    def stored(self) -> dict[str, Any]:
        """Return the rules that differ from the defaults, as JSON."""
        return json.loads(self.model_dump_json(exclude_defaults=True))

    def refuses_scope(self, scope: Scope) -> str:
        """Return why all expressions of this clip are excluded, or ""."""
        if any(_within(scope, outer) for outer in self.without):
            return "excluded by a rule"
        if self.only and not any(_within(scope, outer) for outer in self.only):
            return "not included by a rule"
        return ""

    def refuses_emotion(self, emotion: str) -> str:
        """Return why expressions with this emotion are excluded, or ""."""
        if emotion.casefold().strip() in {word.casefold().strip() for word in self.without_emotions}:
            return f"emotion “{emotion}” is excluded by a rule"
        return ""

    @property
    def needs_times(self) -> bool:
        """Whether durations in milliseconds are needed."""
        return self.unit == "ms" and (self.shortest is not None or self.longest is not None)

    def refuses_duration(self, frames: int, ms: float | None) -> str:
        """Return why an expression of this length is excluded, or "".

        ``frames`` counts onset and offset. ``ms`` leads from onset to offset; None if it is not known.
        """
        if self.shortest is None and self.longest is None:
            return ""
        if self.unit == "ms" and ms is None:
            return (
                "the times of its frames are not known, so its duration in milliseconds is not known either"
            )
        duration = frames if self.unit == "frames" or ms is None else ms
        if self.shortest is not None and duration < self.shortest:
            return f"shorter than {self.shortest:g} {self.unit}"
        if self.longest is not None and duration > self.longest:
            return f"longer than {self.longest:g} {self.unit}"
        return ""

    def refuses_flow_picture(self) -> str:
        """Return why flow pictures are excluded, or ""."""
        if self.material == "clips":
            return "a flow picture, but a rule includes only clips"
        if self.shortest is not None or self.longest is not None:
            return "a flow picture, whose duration is not known"
        return "a flow picture, whose apex may not be coded" if self.apex == "coded" else ""

    def unknown_scopes(self, scopes: Iterable[Scope]) -> list[str]:
        """Return the scopes of the rules that none of these scopes is in. They are probably misspelt."""
        known = {_folded(scope)[:depth] for scope in scopes for depth in (1, 2, 3)}
        return [" / ".join(p) for p in (*self.only, *self.without) if _folded(p) not in known]

    def described(self) -> list[str]:
        """Return one sentence per rule for pages, always including kinds and apex."""
        both = len(set(self.kinds)) == 2
        lines = ["Micro- and macro-expressions" if both else f"{self.kinds[0].capitalize()}-expressions only"]
        lines.append(
            "Only coded apexes" if self.apex == "coded" else "Coded apexes, otherwise spotted apexes"
        )
        if self.material != "any":
            lines.append("Clips only" if self.material == "clips" else "Flow pictures only")
        if self.shortest is not None:
            lines.append(f"At least {self.shortest:g} {self.unit} from onset to offset")
        if self.longest is not None:
            lines.append(f"At most {self.longest:g} {self.unit} from onset to offset")
        if self.only:
            lines.append("Only " + ", ".join(" / ".join(scope) for scope in self.only))
        if self.without:
            lines.append("Excluding " + ", ".join(" / ".join(scope) for scope in self.without))
        if self.without_emotions:
            lines.append("Excluding the emotions " + ", ".join(self.without_emotions))
        return lines


def parse_rules(data: Any) -> Rules:
    """Return the validated rules. Raises ValidationError with what is wrong, and in which rule."""
    if isinstance(data, Rules):
        return data
    try:
        return Rules.model_validate(data or {})
    except PydanticError as error:
        raise ValidationError({"rules": [_describe(one) for one in error.errors()]}) from error


def _describe(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"Rule “{where}” not found. The rules are {', '.join(Rules.model_fields)}."
    if error["type"] == "too_short" and where == "kinds":
        return "Choose at least one kind of expressions: micro or macro."
    message = in_words(error)
    return f"{where}: {message}" if where else f"{message[0].upper()}{message[1:]}"


def _within(scope: Scope, outer: Scope) -> bool:
    return _folded(scope)[: len(outer)] == _folded(outer)


def _folded(scope: Scope) -> Scope:
    return tuple(part.casefold().strip() for part in scope)
