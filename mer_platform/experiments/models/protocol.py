"""How a run was tested, in words, as a column: lists filter and compare by it without reading configurations."""

from typing import Any

from django.db import models

from mer_platform.configurations.display import PROTOCOL_FIELDS, protocol_in_words
from models_ml.config import RunConfig


class ProtocolField(models.TextField):
    """The protocol of a row. A row with a configuration gets the words of its configuration when it is stored."""

    def pre_save(self, row: models.Model, add: bool) -> Any:
        config = getattr(row, "config", None)
        if config is not None and not getattr(row, self.attname):
            # Only these are read: the rest may be of an older form, or name a network that is not installed.
            own = {name: config[name] for name in PROTOCOL_FIELDS if name in config}
            setattr(row, self.attname, protocol_in_words(RunConfig.model_construct(**own)))
        return super().pre_save(row, add)

    def deconstruct(self) -> Any:
        """Return a plain text field: migrations need not know where the words come from."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs
