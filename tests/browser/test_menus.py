"""Menus stay on the screen, however long the names in them are."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.signing_in import sign_in

pytestmark = pytest.mark.browser
DATA = """
from django.contrib.auth.models import User
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project
if not Project.objects.filter(name__startswith="A very long").exists():
    create_project(("A very long name of a project that someone typed without a thought of menus " * 2)[:80].strip(),
                   User.objects.get(username="admin"))
    create_project("W" * 80, User.objects.get(username="admin"))
"""


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_menus_stay_on_the_screen_with_long_names(live_platform, page: Page, size: tuple[int, int]):
    live_platform.run(DATA)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    sign_in(page, live_platform)
    page.get_by_role("link", name="A very long").first.click()
    menus = page.locator("details.menu")
    expect(menus.first).to_be_visible()
    for menu in menus.all():
        menu.locator("summary").click()
        box = menu.locator(".menu-panel").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("Escape")
