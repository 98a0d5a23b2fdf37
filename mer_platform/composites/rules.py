"""Which of the labelled expressions a composite takes: a few rules, stored with the version and shown on its page."""

import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from django.core.exceptions import ValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic import ValidationError as PydanticError

# A scope is a database, a subject or a clip, from the outside in: ("CASME II", "sub01", "EP02_01f").
Scope = tuple[str, ...]
_SEPARATOR = re.compile(r"\s*/\s*")


def _split_scope(value: Any) -> Any:
    """Also as people write it: “CASME II / sub01”."""
    return _SEPARATOR.split(value.strip()) if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00]*$")]
ScopeField = Annotated[
    tuple[Text, ...],
    Field(min_length=1, max_length=3),
    BeforeValidator(_split_scope),
]


class Rules(BaseModel):
    """Include and exclude rules. Without any: every micro-expression, with a coded or a spotted apex.

    A rule on the duration, or on the apex being coded, leaves flow pictures out: neither is known of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    material: Literal["any", "clips", "pictures"] = Field("any", description="Clips, flow pictures, or both.")
    kinds: tuple[Literal["micro", "macro"], ...] = Field(
        ("micro",), min_length=1, description="Of expressions."
    )
    apex: Literal["spotted", "coded"] = Field(
        "spotted", description="“spotted”: where coders marked none, the spotter's will do."
    )
    shortest: float | None = Field(None, ge=0, allow_inf_nan=False, description="Onset to offset, in “unit”.")
    longest: float | None = Field(None, ge=0, allow_inf_nan=False, description="Onset to offset, in “unit”.")
    unit: Literal["ms", "frames"] = Field("ms", description="Of both durations.")
    only: tuple[ScopeField, ...] = Field(
        (), description="If any: only these databases, subjects and clips: [database, subject, clip]."
    )
    without: tuple[ScopeField, ...] = Field((), description="Databases, subjects and clips to leave out.")
    without_emotions: tuple[Text, ...] = Field((), description="Words to leave out in every database.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.shortest is not None and self.longest is not None and self.shortest > self.longest:
            raise ValueError(
                f"the shortest duration ({self.shortest:g}) is longer than the longest ({self.longest:g})"
            )
        return self

    def stored(self) -> dict[str, Any]:
        """What differs from no rules, as JSON."""
        return json.loads(self.model_dump_json(exclude_defaults=True))

    def refuses_scope(self, scope: Scope) -> str:
        """Why this clip does not go in, whatever is marked in it; "" if it does."""
        if any(_within(scope, outer) for outer in self.without):
            return "left out by a rule"
        if self.only and not any(_within(scope, outer) for outer in self.only):
            return "not among those that a rule asks for"
        return ""

    def refuses_emotion(self, emotion: str) -> str:
        if emotion.casefold().strip() in {word.casefold().strip() for word in self.without_emotions}:
            return f"emotion “{emotion}” is left out by a rule"
        return ""

    def refuses_duration(self, frames: int, fps: float) -> str:
        """``frames`` from onset to offset, both included."""
        if self.shortest is None and self.longest is None:
            return ""
        if self.unit == "ms" and not fps:
            return "its frame rate is not known, so a rule on milliseconds cannot be kept"
        duration = frames if self.unit == "frames" else (frames - 1) / fps * 1000
        if self.shortest is not None and duration < self.shortest:
            return f"shorter than {self.shortest:g} {self.unit}"
        if self.longest is not None and duration > self.longest:
            return f"longer than {self.longest:g} {self.unit}"
        return ""

    def refuses_picture(self) -> str:
        if self.material == "clips":
            return "a flow picture; a rule asks for clips"
        if self.shortest is not None or self.longest is not None:
            return "a flow picture: its duration is not known"
        return "a flow picture: whether its apex was coded is not known" if self.apex == "coded" else ""

    def unknown_scopes(self, scopes: Iterable[Scope]) -> list[str]:
        """Places in the rules that are not in these databases: likely misspelt."""
        known = {_folded(scope)[:depth] for scope in scopes for depth in (1, 2, 3)}
        return [" / ".join(p) for p in (*self.only, *self.without) if _folded(p) not in known]

    def described(self) -> list[str]:
        """A sentence a rule, for pages; the two that everything follows by default as well."""
        both = len(set(self.kinds)) == 2
        lines = ["Micro- and macro-expressions" if both else f"{self.kinds[0].capitalize()}-expressions only"]
        lines.append("Only coded apexes" if self.apex == "coded" else "Coded apexes, else spotted ones")
        if self.material != "any":
            lines.append("Clips only" if self.material == "clips" else "Flow pictures only")
        if self.shortest is not None:
            lines.append(f"At least {self.shortest:g} {self.unit} from onset to offset")
        if self.longest is not None:
            lines.append(f"At most {self.longest:g} {self.unit} from onset to offset")
        if self.only:
            lines.append("Only " + ", ".join(" / ".join(scope) for scope in self.only))
        if self.without:
            lines.append("Without " + ", ".join(" / ".join(scope) for scope in self.without))
        if self.without_emotions:
            lines.append("Without the emotions " + ", ".join(self.without_emotions))
        return lines


def parse_rules(data: Any) -> Rules:
    """Raises ValidationError with what is wrong, and in which rule."""
    if isinstance(data, Rules):
        return data
    try:
        return Rules.model_validate(data or {})
    except PydanticError as error:
        raise ValidationError({"rules": [_told(one) for one in error.errors()]}) from error


def _told(error: Any) -> str:
    message = error["msg"].removeprefix("Value error, ")
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"There is no rule “{where}”; there are: {', '.join(Rules.model_fields)}."
    if error["type"] == "too_short" and where == "kinds":
        return "Choose at least one kind of expressions: micro, macro."
    return f"{where}: {message}." if where else f"{message[0].upper()}{message[1:]}."


def _within(scope: Scope, outer: Scope) -> bool:
    return _folded(scope)[: len(outer)] == _folded(outer)


def _folded(scope: Scope) -> Scope:
    return tuple(part.casefold().strip() for part in scope)
