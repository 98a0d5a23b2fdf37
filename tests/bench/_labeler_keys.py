"""How many key presses it takes to code a clip with a right suggestion, and one with marks a few frames off."""

from typing import Any

from tests.bench import report
from tests.labeler_page import LabelerPage
from tests.live import LivePlatform

LABEL_STUDIO_INPUTS = 8  # 5 keys and 3 mouse clicks
SUGGEST = """
from mer_platform.annotation.models import Suggestion
Suggestion.objects.filter(clip={clip}).delete()
Suggestion.objects.create(clip_id={clip}, onset={onset}, apex={apex}, offset={offset}, confidence=0.9, spotter="bench")
"""
EMOTION = "h"  # happiness, the first word of the clips' database
# Keys in order, and how often each repeats while held. A chord or a held key counts as one press.
RIGHT = [("Enter", 1), (EMOTION, 1), ("Control+Enter", 1)]
NEAR = [
    ("Enter", 1), (".", 5), ("ArrowDown", 1), (",", 4), ("ArrowDown", 1), (".", 3), (EMOTION, 1), ("Control+Enter", 1),
]  # fmt: skip
TRUE = {"onset": 100, "apex": 120, "offset": 160}
OFFERED = {"onset": 95, "apex": 124, "offset": 157}


def presses(tab: LabelerPage, platform: LivePlatform, clips: list[dict[str, Any]]) -> None:
    """Code two clips by keyboard alone, check what was stored and report the presses."""
    for clip, offered, keys, title, limit in (
        (clips[0], TRUE, RIGHT, "the suggestion is right", 5),
        (clips[1], OFFERED, NEAR, "each mark is 3 to 5 frames off", 8),
    ):
        platform.manage("shell", "-v0", "-c", SUGGEST.format(clip=clip["id"], **offered))
        tab.open(clip)
        tab.until("document.querySelector('mer-labeler').state?.suggestions.length === 1")
        for key, repeats in keys[:-1]:
            for _ in range(repeats):
                tab.page.keyboard.down(key)
            tab.page.keyboard.up(key)
        tab.page.keyboard.press(keys[-1][0])
        tab.until("document.querySelector('mer-labeler').getAttribute('clip') !== argument", str(clip["id"]))
        [row] = platform.api().get(f"annotations/?clip={clip['id']}&mine=true")["results"]
        stored = {name: row[name] for name in TRUE}
        if stored != TRUE or row["emotion"] != "happiness":
            raise AssertionError(f"coded {stored} {row['emotion']}, not {TRUE} happiness")
        name = f"labeler: presses to code a clip and open the next, {title}; no mouse"
        report(name, len(keys), "presses", "required limit", limit, "at most")
        report(name, len(keys), "presses", "Label Studio 1.23", LABEL_STUDIO_INPUTS, "at most")
