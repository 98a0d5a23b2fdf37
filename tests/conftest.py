"""The environment of all tests, and the fixtures that several folders of them use."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

# Set before Django reads its settings: tests never touch ./var, nor the files of parallel test processes.
DATA = tempfile.mkdtemp(prefix="mer-tests-")
atexit.register(shutil.rmtree, DATA, ignore_errors=True)
os.environ["MER_DATA_DIR"] = DATA
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mer_platform.settings")

from tests.prepared import fill_the_tests_database, share_prepared  # noqa: E402

share_prepared()

import django  # noqa: E402

django.setup()
# Otherwise pytest's parallel processes would read the settings before this file, and share this folder.
del os.environ["DJANGO_SETTINGS_MODULE"]

import pytest  # noqa: E402
from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

from tests.live import LivePlatform  # noqa: E402
from tests.surroundings import all_required, find_chromium  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
# Chromium as root in a container, without its background requests.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing(what: str) -> None:
    """Skip the test, or fail it if all requirements must be met."""
    if all_required():
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_use_migrations: bool
) -> None:
    """pytest-django asks for this before it makes the database of the tests."""
    if django_db_use_migrations:
        fill_the_tests_database()


@pytest.fixture(scope="session")
def real_clips() -> Path:
    """The folder of real test clips. They show real people, so they are not part of the repository."""
    folder = Path(os.environ.get("MER_TEST_CLIPS", ROOT.parent / "shared" / "data" / "clips"))
    if not folder.is_dir():
        pytest.skip(f"no real clips at {folder}: set MER_TEST_CLIPS")
    return folder


@pytest.fixture(scope="session")
def live_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """The real platform, running, without the demo project. All tests share it: leave it running."""
    live = LivePlatform(tmp_path_factory.mktemp("live"))
    try:
        yield live.start()
    finally:
        live.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        missing("Chromium not found: install it, or set MER_CHROMIUM")
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # Playwright keeps an event loop running in this thread, in which Django refuses to query.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        expect.set_options(timeout=20_000)  # a busy machine draws late
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a new browser profile. The test fails if it asks another host for anything, or opens one."""
    context = chromium.new_context()
    foreign: list[str] = []

    def note(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in (
            "127.0.0.1",
            "localhost",
        ):
            foreign.append(url)

    context.on("request", lambda request: note(request.url))
    context.on("page", lambda opened: opened.on("framenavigated", lambda frame: note(frame.url)))
    yield context.new_page()
    context.close()
    assert not foreign, f"faces and results stay on this server, but a page asked for {foreign}"
