"""Charts on a page."""

from playwright.sync_api import Page, expect


def draw_all_charts(page: Page) -> None:
    """Scroll to each chart, since charts are drawn when they come into view, and wait until it is there."""
    for chart in page.locator("mer-figure").all():
        if chart.is_visible():  # not in a closed part of the page
            chart.scroll_into_view_if_needed()
            expect(chart).not_to_have_attribute("state", "loading", timeout=20_000)
            expect(chart).not_to_have_attribute("state", "failed")
