"""Coding clips in a real browser on the real platform: by keyboard alone, and without losing an edit."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import accessible
from tests.browser.labeling import COUNT_PRESSES, CoderBrowser, LabelingLab
from tests.live import LivePlatform, wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[LabelingLab]:
    live = LivePlatform(tmp_path_factory.mktemp("labeling"))
    try:
        yield LabelingLab.make(live.start(), tmp_path_factory.mktemp("clips"))
    finally:
        live.close()


@pytest.fixture
def coders(lab, chromium) -> Iterator[Callable[[], CoderBrowser]]:
    """Return a function that opens a new browser. Every test starts with nothing coded."""
    lab.forget()
    made: list[CoderBrowser] = []

    def make() -> CoderBrowser:
        made.append(CoderBrowser(chromium, lab))
        return made[-1]

    yield make
    for coder in made:
        coder.context.close()


@pytest.fixture
def coder(coders) -> CoderBrowser:
    return coders()


def presses(page: Page) -> int:
    count = page.evaluate("sessionStorage.presses")
    page.evaluate("sessionStorage.presses = 0")
    return int(count)


def test_a_queue_is_coded_by_keyboard_alone_in_few_presses(lab, coder):
    """3 presses if the suggestion is right, 8 if each mark is up to 5 frames off."""
    right, near = [clip.spec for clip in lab.clips[:2]]
    offers = {
        0: (right.onset, right.apex, right.offset),
        1: (near.onset - 5, near.apex + 4, near.offset - 3),
    }
    coder.suggest(offers)
    coder.context.add_init_script(COUNT_PRESSES)
    coder.open(0)
    keys = {emotion: coder.emotion_key(emotion) for emotion in (right.emotion, near.emotion)}
    coder.press("Enter", keys[right.emotion], "Control+Enter")
    coder.is_open(1)
    assert presses(coder.page) == 3

    coder.press("Enter")
    coder.hold(".", 5)
    coder.press("ArrowDown")
    coder.hold(",", 4)
    coder.press("ArrowDown")
    coder.hold(".", 3)
    coder.press(keys[near.emotion], "Control+Enter")
    coder.is_open(2)
    assert presses(coder.page) == 8

    for number, spec, origin in ((0, right, "suggested"), (1, near, "corrected")):
        [row] = lab.stored(number)
        assert (row["onset"], row["apex"], row["offset"], row["emotion"]) == (
            spec.onset, spec.apex, spec.offset, spec.emotion,
        )  # fmt: skip
        assert (row["origin"], row["complete"]) == (origin, True)
        assert row["suggestion"]["onset"] == offers[number][0]


def test_a_suggestion_is_not_saved_unless_it_is_accepted(lab, coder):
    coder.suggest({0: (10, 20, 30)})
    coder.open(0)
    expect(coder.page.get_by_text("1 suggestion", exact=True)).to_be_visible()
    coder.go_to(40)
    coder.press("3")
    coder.is_saved()
    [row] = lab.stored(0)
    assert (row["onset"], row["offset"], row["origin"], row["suggestion"]) == (None, 40, "manual", None)


def test_a_clip_is_not_done_before_its_expressions_are_complete(lab, coder):
    coder.open(0)
    coder.press("Control+Enter")
    expect(coder.message).to_contain_text("Nothing is coded in this clip.")
    coder.go_to(12)
    coder.press("1", "s", "Control+Enter")
    expect(coder.message).to_have_text("Not done: expression 1 has no apex or offset.")
    coder.press("Home", "2")
    expect(coder.message).to_contain_text("The apex cannot be at frame 0")
    assert coder.page.url == lab.url(0)


def test_several_expressions_are_coded_undone_and_redone_by_keyboard(lab, coder):
    coder.open(0)
    coder.mark(5, 8, 11)
    coder.press("s", "Shift+N")
    coder.mark(20, 25, 30)
    coder.press("r", "k", "8", "u")
    coder.page.keyboard.type("au4, 10l")
    coder.press("Enter")
    rows = coder.page.locator(".expression")
    expect(rows).to_have_text(["1 5 · 8 · 11 surprise complete", "2 20 · 25 · 30 repression complete"])
    coder.is_saved()
    first, second = sorted(lab.stored(0), key=lambda row: row["onset"])
    assert (first["onset"], first["kind"]) == (5, "micro")
    assert (second["action_units"], second["kind"], second["confidence"]) == ("4+L10", "macro", 4)

    coder.press("Shift+Delete")
    expect(rows).to_have_count(1)
    coder.is_saved()
    wait_until(lambda: len(lab.stored(0)) == 1, "the deletion")
    coder.press("Control+z")
    expect(coder.message).to_have_text("Undone: expression 2 deleted.")
    for _ in range(3):  # units, confidence, kind
        coder.press("Control+z")
    coder.press("Control+Shift+Z")
    expect(coder.message).to_have_text("Redone: macro-expression.")
    coder.is_saved()
    [row] = [row for row in lab.stored(0) if row["id"] == second["id"]]
    assert (row["kind"], row["confidence"], row["action_units"]) == ("macro", None, "")


def test_action_units_are_picked_by_keyboard_and_an_earlier_version_is_restored(lab, coder):
    coder.open(0)
    coder.press("Shift+U")
    coder.page.keyboard.type("4 12ra")
    coder.press("Enter")
    coder.is_saved()
    coder.press("Shift+U")
    coder.page.keyboard.type("4 ")
    coder.press("Enter")
    expect(coder.page.get_by_label("Action units", exact=False).first).to_have_value("R12A")
    coder.is_saved()
    coder.press("Shift+H")
    dialog = coder.page.get_by_role("dialog")
    expect(dialog.get_by_text("Action units: 4+R12A → R12A")).to_be_visible()
    dialog.get_by_role("button", name="Restore version 1").press("Enter")
    coder.is_saved()
    wait_until(lambda: lab.stored(0)[0]["action_units"] == "4+R12A", "the earlier version")


def test_action_units_are_typed_as_published_and_a_contradiction_is_named(lab, coder):
    coder.open(0)
    field = coder.page.locator("#labeler-action-units")
    coder.press("u")
    coder.page.keyboard.type("R6 or R12, ref(7B) 14b?")
    coder.press("Tab")
    expect(field).to_have_value("(R6 or R12)+ref(7B)+14B?")
    expect(coder.page.locator("[data-unit-names]")).to_contain_text(
        "R6 cheek raiser or R12 lip corner puller"
    )
    coder.is_saved()
    assert lab.stored(0)[0]["action_units"] == "(R6 or R12)+ref(7B)+14B?"
    field.fill("12E+12A")
    expect(coder.page.locator("[data-error=action_units]")).to_have_text(
        "“12E” and “12A” contradict each other. Write the unit once."
    )


def test_two_browsers_edit_the_same_expression_and_the_coder_chooses(lab, coders):
    one, two = coders(), coders()
    one.open(0)
    one.mark(5, 10, 15)
    one.is_saved()
    two.open(0)
    expect(two.page.locator("[data-go=onset] .mark-index")).to_have_text("5")
    one.press("s")
    one.is_saved()
    two.press("r")
    expect(two.save_box).to_have_attribute("data-state", "conflict")
    assert lab.stored(0)[0]["emotion"] == "surprise"
    two.press("Control+s")
    dialog = two.page.get_by_role("dialog")
    expect(dialog.get_by_role("row", name="Emotion (differs)")).to_contain_text("repressionsurprise")
    dialog.get_by_role("button", name="Keep my version").press("Enter")
    two.is_saved()
    [row] = lab.stored(0)
    versions = lab.api.get(f"annotations/{row['id']}/versions/")["results"]
    assert [v["content"]["emotion"] for v in versions] == ["", "surprise", "repression"]


def test_a_server_restart_during_an_edit_loses_nothing(lab, coder):
    coder.open(0)
    coder.go_to(5)
    coder.press("1")
    coder.is_saved()
    lab.live.stop()
    coder.go_to(9)
    coder.press("2", "s")
    expect(coder.save_box).to_have_attribute("data-state", "retrying")
    coder.press("Shift+N", "Home", "1")
    lab.live.start()
    coder.is_saved()
    assert [(row["onset"], row["apex"], row["emotion"]) for row in lab.stored(0)] == [
        (0, None, ""),
        (5, 9, "surprise"),
    ]


def test_a_minute_without_a_connection_loses_nothing(lab, coder):
    coder.page.clock.install()
    coder.open(0)
    coder.mark(5, 8, 11)
    coder.is_saved()
    coder.context.set_offline(True)
    coder.press("s", "Shift+N", "1")
    expect(coder.save_box).to_have_attribute("data-state", "retrying")
    coder.page.clock.fast_forward(60_000)
    coder.press("r")
    expect(coder.save_box).to_have_attribute("data-state", "retrying")
    coder.context.set_offline(False)
    coder.is_saved()
    assert {(row["onset"], row["emotion"]) for row in lab.stored(0)} == {(5, "surprise"), (11, "repression")}


def test_a_tab_closed_offline_sends_its_edits_when_any_clip_is_opened(lab, coder):
    coder.open(0)
    coder.mark(5, 8, 11)
    coder.is_saved()
    coder.press("Shift+N", "1")
    coder.is_saved()
    coder.context.set_offline(True)
    coder.press("Shift+Delete", "s", "Shift+N", "Home", "1")
    expect(coder.save_box).to_have_attribute("data-state", "retrying")
    coder.page.close()
    coder.context.set_offline(False)
    coder.page = coder.context.new_page()
    coder.open(1)
    wait_until(
        lambda: {(row["onset"], row["emotion"]) for row in lab.stored(0)} == {(0, ""), (5, "surprise")},
        "the edits made before the tab was closed",
    )


def test_a_coders_own_key_works_is_shown_and_is_kept(lab, coder):
    coder.open(0)
    coder.press("?")
    dialog = coder.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Set onset here: 1 or O. Change").press("Enter")
    coder.press("3")
    expect(dialog.get_by_role("status")).to_contain_text("3 is used for “Set offset here”.")
    coder.press("q")
    expect(dialog.get_by_role("status")).to_have_text("“Set onset here” is now Q.")
    coder.press("Escape")
    coder.open(1)
    expect(coder.page.locator("[data-mark=onset] kbd")).to_have_text("Q")
    coder.press("q")
    expect(coder.page.locator("[data-go=onset] .mark-index")).to_have_text("0")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1366, 768), (390, 844)])
def test_everything_is_visible_and_accessible(lab, coder, width, height):
    coder.page.set_viewport_size({"width": width, "height": height})
    coder.suggest({0: (10, 20, 30)})
    coder.open(0)
    expect(coder.page.get_by_text("1 suggestion", exact=True)).to_be_visible()
    fits = "(box) => box.scrollHeight <= box.clientHeight && box.scrollWidth <= box.clientWidth"
    panel = coder.page.locator(".labeler-panel")
    assert panel.evaluate(fits)
    coder.press("Enter", "s")
    assert panel.evaluate(fits)
    assert coder.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for key in ("", "?", "Shift+U", "Shift+H"):
        if key:
            coder.press(key)
            expect(coder.page.get_by_role("dialog")).to_be_visible()
        accessible(coder.page)
        coder.press("Escape")


def test_a_researcher_adds_an_emotion_and_chooses_it(lab, coder):
    coder.open(2)
    coder.press("Shift+W")
    dialog = coder.page.get_by_role("dialog")
    coder.page.keyboard.type("Fear")
    coder.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("“fear” is already in the list.")
    coder.page.keyboard.type("quiet joy")
    coder.press("Enter")
    expect(coder.message).to_have_text("“quiet joy” added. Press Q to choose it.")
    coder.press("q")
    coder.is_saved()
    assert lab.stored(2)[0]["emotion"] == "quiet joy"
