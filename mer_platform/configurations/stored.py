"""Configurations as database rows keep them."""

from typing import Any, Generic, TypeVar, overload

from models_ml.config_base import Config as StoredConfig
from models_ml.errors import InputError

Config = TypeVar("Config", bound=StoredConfig)


class Stored(Generic[Config]):
    """The configuration that a JSON field of a row holds. It is validated once for each value that the field is given.

    A row's pages ask for it many times, and validating a sweep makes all of its runs. The value must be replaced, never
    changed in place. Reading the configuration of a row without one raises InputError.
    """

    def __init__(self, field: str, config: type[Config]) -> None:
        self.field = field
        self.config = config
        self.memory = f"_validated_{field}"

    @overload
    def __get__(self, row: None, owner: type) -> "Stored[Config]": ...

    @overload
    def __get__(self, row: Any, owner: type) -> Config: ...

    def __get__(self, row: Any, owner: type) -> "Stored[Config] | Config":
        if row is None:
            return self
        value = getattr(row, self.field)
        if value is None:  # never the defaults, which an empty configuration means
            raise InputError(f"{row} is external: the platform does not know its settings.")
        validated_from, config = row.__dict__.get(self.memory, (None, None))
        if validated_from is not value:
            config = self.config.from_stored(value)
            row.__dict__[self.memory] = (value, config)
        return config
