"""Forms of settings: when a setting is shown, and whether it differs from its default."""

from dataclasses import dataclass
from typing import ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField

from mer_platform.configurations.fields import field_value


class Setting(BoundField):
    """A field of a settings form. Networks share names of settings, so the id of such a field names its network too."""

    form: "SettingsForm"

    @property
    def auto_id(self) -> str:
        section, _, name = self.html_name.rpartition("-")
        return f"id_{self.form.net}-{name}" if section == "net" and name != "name" else super().auto_id

    @property
    def shown_when(self) -> str:
        return "=".join(self.form.conditions.get(self.name, ()))

    @property
    def applies(self) -> bool:
        """Whether it means anything with the present values of the other settings."""
        if self.name not in self.form.conditions:
            return True
        other, values = self.form.conditions[self.name]
        return self.form[other].value() in values.split()

    @property
    def changed(self) -> str:
        """``Shift: 0.1``; empty if the setting has its default."""
        try:
            value, default = (self.field.clean(v) for v in (self.value(), self.field.initial))
        except ValidationError:
            return ""
        text = ("yes" if value else "no") if isinstance(value, bool) else field_value(value)
        choices = dict(getattr(self.field, "choices", ()))
        return "" if value == default or not self.applies else f"{self.label}: {choices.get(text, text)}"


class SettingsForm(forms.Form):
    """A form of settings, some of which apply only if another has certain values.

    ``conditions`` maps the name of such a setting to the name of the other one and those values, separated by spaces.
    ``net`` is the network whose settings the form has.
    """

    bound_field_class = Setting
    conditions: ClassVar[dict[str, tuple[str, str]]] = {}
    net: str

    def __getitem__(self, name: str) -> Setting:
        return cast(Setting, super().__getitem__(name))


@dataclass(frozen=True)
class SettingsGroup:
    """Settings that are shown and hidden together."""

    key: str
    title: str
    fields: list[Setting]

    @property
    def has_errors(self) -> bool:
        return any(field.errors for field in self.fields)

    @property
    def changed(self) -> str:
        return ", ".join(field.changed for field in self.fields if field.changed)
