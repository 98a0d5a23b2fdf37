"""What all configurations share: they are checked, cannot be changed, and say where they are wrong."""

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from models_ml.errors import InputError


class Config(BaseModel):
    """Settings that must fit each other are checked at the later one, as far as the earlier ones are right themselves:
    so one error hides no other that can be known. Defaults are checked as well: they may not fit what was given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


class ShapeError(InputError):
    """A network that does not fit its input; ``field`` is the place of the setting to change, within the network's."""

    def __init__(self, message: str, *field: str | int) -> None:
        super().__init__(message)
        self.field = field


def located(loc: tuple[str | int, ...], value: object, message: str) -> ValidationError:
    """A validation error at ``loc``, so that a form can show it next to its field."""
    kind = PydanticCustomError("configuration", "{message}", {"message": message})
    return ValidationError.from_exception_data(
        "configuration", [InitErrorDetails(type=kind, loc=loc, input=value)]
    )
