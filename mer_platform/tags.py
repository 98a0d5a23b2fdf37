"""Template tags for every template: settings register them, so that no template has to load them."""

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag
def empty_state(content: SafeString, icon: str, title: str) -> SafeString:
    """Render what a page or list shows while it is empty: what belongs here, and how to add it.

    The block holds the text and a ``<div class="actions">``, if there is something to do.
    """
    return render_to_string("_empty.html", {"content": content, "icon": icon, "title": title})
