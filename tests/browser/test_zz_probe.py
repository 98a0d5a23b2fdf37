from playwright.sync_api import expect


def test_page(live_platform, page):
    page.goto(live_platform.url)
    page.get_by_label("Username").fill("admin"); page.get_by_label("Password").fill(live_platform.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    page.screenshot(path="/tmp/pe/page.png")
    assert "admin" in live_platform.manage("shell", "-v0", "-c", "from django.contrib.auth.models import User; print(User.objects.get())")
def test_db(db):
    from django.contrib.auth.models import User
    assert not User.objects.exists()
