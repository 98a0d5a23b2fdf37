"""Every icon that a template names exists; a browser shows nothing for one that does not."""

import re
from pathlib import Path

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"


def test_every_icon_that_a_template_names_exists() -> None:
    drawn = set(re.findall(r'id="([\w-]+)"', (FRONTEND / "static/icons/icons.svg").read_text()))
    for template in (FRONTEND / "templates").rglob("*.html"):
        named = set(re.findall(r'(?:_icon\.html" with|empty_state) icon="([\w-]+)"', template.read_text()))
        assert named <= drawn, template
