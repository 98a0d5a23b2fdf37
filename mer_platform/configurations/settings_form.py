"""One setting in a form of many: where it stands, when it is shown, and whether it is the default."""

from dataclasses import dataclass
from typing import ClassVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField

from mer_platform.configurations.fields import shown


class Setting(BoundField):
    """A field of the run form. Networks share names of settings, so the id of such a field names the network too."""

    form: "SettingsForm"

    @property
    def auto_id(self) -> str:
        section, _, name = self.html_name.rpartition("-")
        return f"id_{self.form.net}-{name}" if section == "net" and name != "name" else super().auto_id

    @property
    def shown_when(self) -> str:
        return "=".join(self.form.conditions.get(self.name, ()))

    @property
    def hidden_now(self) -> bool:
        if self.name not in self.form.conditions:
            return False
        other, values = self.form.conditions[self.name]
        return self.form[other].value() not in values.split()

    @property
    def changed(self) -> str:
        """``Shift: 0.1`` if it is not the default, else nothing."""
        try:
            value, usual = (self.field.clean(v) for v in (self.value(), self.field.initial))
        except ValidationError:
            return ""
        text = ("yes" if value else "no") if isinstance(value, bool) else shown(value)
        choices = dict(getattr(self.field, "choices", ()))
        return "" if value == usual or self.hidden_now else f"{self.label}: {choices.get(text, text)}"


class SettingsForm(forms.Form):
    """``conditions`` name, of a setting, another one and its values with which alone the first means anything."""

    bound_field_class = Setting
    conditions: ClassVar[dict[str, tuple[str, str]]] = {}
    net: str

    def __getitem__(self, name: str) -> Setting:
        return cast(Setting, super().__getitem__(name))


@dataclass(frozen=True)
class SettingsGroup:
    """Settings that fold away together."""

    key: str
    title: str
    fields: list[Setting]

    @property
    def wrong(self) -> bool:
        return any(field.errors for field in self.fields)

    @property
    def changed(self) -> str:
        return ", ".join(field.changed for field in self.fields if field.changed)
