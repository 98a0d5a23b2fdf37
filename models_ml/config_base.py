"""What all configurations share: they are checked, cannot be changed, and report errors at the setting concerned."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from models_ml.errors import InputError


class Config(BaseModel):
    """Base of all configurations.

    Settings that must fit each other are checked at the later one, and only if the earlier ones are valid. So one error
    hides no other. Defaults are checked too: they may not fit what was given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)

    @classmethod
    def from_stored(cls, value: Any) -> Self:
        """Return a configuration that was validated when it was stored. Raises ValidationError if it no longer fits."""
        return cls.model_validate(value)


class ShapeError(InputError):
    """A network does not fit its input.

    Attributes
    ----------
    field
        Path of the setting to change, within the network's settings.
    """

    def __init__(self, message: str, *field: str | int) -> None:
        super().__init__(message)
        self.field = field


def located(loc: tuple[str | int, ...], value: object, message: str) -> ValidationError:
    """Return a validation error at ``loc``, so that a form can show it next to its field."""
    kind = PydanticCustomError("configuration", "{message}", {"message": message})
    return ValidationError.from_exception_data(
        "configuration", [InitErrorDetails(type=kind, loc=loc, input=value)]
    )
