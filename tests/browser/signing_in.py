"""The administrator of the live platform, signed in without the form."""

from typing import cast

from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Page

from tests.live import LivePlatform


def sign_in(page: Page, live: LivePlatform) -> None:
    """Open the projects as the administrator. All tests share one session: do not end it."""
    page.context.add_cookies(cast("list[SetCookieParam]", live.session_cookies()))
    page.goto(live.url)
