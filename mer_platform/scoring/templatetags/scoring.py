"""Filters for the pages of scoring."""

from django import template

register = template.Library()


@register.filter
def percent(share: float) -> str:
    """Return a share as whole percent, with a minus sign: “34%”, “−3%”."""
    return f"{share:.0%}".replace("-", "−")
