"""A filled-in form survives the end of the session, a refused token and a lost connection."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
PROJECT = """
from django.contrib.auth.models import User
from mer_platform.projects.models import Project
from mer_platform.projects.services import create_project
if not Project.objects.filter(slug="kept").exists():
    create_project("Kept", User.objects.get(username="admin"))
"""
KEPT = "Your entries were not saved, but they are kept"


def sign_in(page: Page, password: str) -> None:
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def form(live_platform, page: Page) -> Page:
    """The form of a new database, filled in."""
    live_platform.run(PROJECT)
    page.goto(live_platform.url)
    sign_in(page, live_platform.password)
    expect(page.get_by_role("heading", name="Projects", exact=True)).to_be_visible()
    page.goto(f"{live_platform.url}/projects/kept/databases/new/")
    page.get_by_label("Name").fill("A lab of ours")
    page.get_by_label("Frames per second").fill("123")
    page.get_by_label("Emotions").fill("joy, awe")
    return page


def send(page: Page) -> None:
    page.locator("main form button[type=submit]").click()


def check_entries(page: Page) -> None:
    expect(page.get_by_text(KEPT)).to_be_visible()
    assert page.get_by_label("Name").input_value() == "A lab of ours"
    assert page.get_by_label("Frames per second").input_value() == "123"
    assert page.get_by_label("Emotions").input_value() == "joy, awe"


def test_an_ended_session_leads_back_to_the_filled_in_form(live_platform, form: Page):
    token = [cookie for cookie in form.context.cookies() if cookie["name"] == "csrftoken"]
    form.context.clear_cookies()
    form.context.add_cookies(token)  # the session alone has ended
    send(form)
    expect(form.get_by_role("button", name="Sign in")).to_be_visible()
    sign_in(form, live_platform.password)
    expect(form).to_have_url(f"{live_platform.url}/projects/kept/databases/new/")
    check_entries(form)
    form.get_by_label("Name").fill("Kept by the session")
    send(form)
    expect(form.get_by_role("heading", name="Upload clips")).to_be_visible()
    form.goto(f"{live_platform.url}/projects/kept/databases/new/")
    expect(form.get_by_text(KEPT)).to_be_hidden()
    assert form.get_by_label("Name").input_value() == ""


def test_a_refused_token_loses_nothing(live_platform, form: Page):
    form.context.clear_cookies(name="csrftoken")
    send(form)
    expect(form.get_by_role("heading", name="This form has expired")).to_be_visible()
    form.goto(f"{live_platform.url}/projects/kept/databases/new/")
    check_entries(form)


def test_a_lost_connection_loses_nothing(live_platform, form: Page):
    address = f"{live_platform.url}/projects/kept/databases/new/"
    form.route(address, lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    send(form)
    form.wait_for_url("chrome-error://**")
    form.goto(address)
    check_entries(form)
    form.get_by_role("button", name="Discard them").click()
    expect(form.get_by_text(KEPT)).to_be_hidden()
    assert form.get_by_label("Name").input_value() == ""


def test_a_form_that_the_server_sends_back_with_errors_is_not_announced_as_lost(form: Page):
    form.get_by_label("Name").fill("x" * 61)
    form.locator("main form").evaluate("form => { form.noValidate = true; form.name.maxLength = 200; }")
    form.get_by_label("Name").fill("x" * 61)
    send(form)
    expect(form.get_by_text(KEPT)).to_be_hidden()
