"""The card of a model as Markdown."""

from collections.abc import Iterable, Mapping
from typing import Any

from models_ml.classes import CLASSES

TITLES = {
    "intended_use": "Intended use",
    "out_of_scope": "Out of scope, as its owners see it",
    "ethics": "Ethics",
    "notes": "Notes",
}


def markdown(card: Mapping[str, Any]) -> str:
    """Return the card as Markdown (CommonMark with tables)."""
    model = card["model"]
    aliases = ", ".join(f"@{name}" for name in model["aliases"]) or "none"
    parts = [
        f"# {_text(model['name'])}",
        _list(
            [
                ("Stage", model["stage"]),
                ("Aliases", aliases),
                ("Project", _text(model["project"])),
                ("Run", f"#{model['run']} {_text(model['run_name'])}" if model["run"] else "none: imported"),
                ("Weights (SHA-256)", f"`{model['sha256']}`"),
                ("Made", f"{model['created_at'][:10]} by {_text(model['created_by'] or 'unknown')}"),
                ("Code", f"`{model['environment'].get('code') or 'unknown'}`"),
            ]
        ),
        *_imported(card),
        *_written(card),
        "## Not for",
        "\n".join(f"- {line}" for line in card["not_for"]),
        "## Training data",
        _data(card["data"]),
        "## How it was tested",
        f"{_text(card['protocol']['scores_from'])}. {card['protocol']['note']}",
        _scores(card),
        *_details(card["details"]),
        "## Calibration",
        f"Temperature: {_number(card['calibration']['temperature'])}. {card['calibration']['method']}",
        "## Limits",
        _limits(card["limits"]),
        "## Input and cost",
        _list(
            [
                ("Network", _text(card["cost"]["network"])),
                ("Networks", card["cost"]["networks"]),
                ("Parameters", _count(card["cost"]["parameters"])),
                ("Multiply-adds per clip", _count(card["cost"]["multiply_adds"])),
                ("Features", card["cost"]["features"]),
            ]
        ),
        "\n".join(f"{n}. {step}" for n, step in enumerate(card["input"]["steps"], start=1)),
        "## Licences",
        _licences(card["licences"]),
        "## History",
        "\n".join(_event(event) for event in card["history"]) or "Nothing yet.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _text(value: Any) -> str:
    """Return a text of a person on one line, without the signs that Markdown would follow."""
    line = " ".join(str(value).split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in line)


def _list(rows: Iterable[tuple[str, Any]]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in rows)


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _interval(ends: Any) -> str:
    return f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else ""


def _imported(card: Mapping[str, Any]) -> list[str]:
    found = card["imported"]
    if not found:
        return []
    origin = _text(found["origin"]) or "an unknown place"
    return [f"**Imported** from {origin}, file “{_text(found['file_name'])}”. {found['note']}"]


def _written(card: Mapping[str, Any]) -> list[str]:
    parts = []
    for name, title in TITLES.items():
        if text := card["written"].get(name):
            quoted = "\n".join(f"> {line}" for line in text.splitlines())
            parts += [f"## {title}", quoted]
    if "## Intended use" not in parts:
        parts = ["## Intended use", "Not stated.", *parts]
    return parts


def _data(data: Mapping[str, Any]) -> str:
    if "databases" not in data:
        return "Stated by its maker; see card.json." if data.get("stated_by_its_maker") else "Unknown."
    head = f"| Database | Samples | Subjects | {' | '.join(CLASSES)} |\n|---|---|---|{'---|' * len(CLASSES)}"
    rows = [
        f"| {_text(name)} | {own['samples']} | {own['subjects']} | "
        f"{' | '.join(str(own['classes'][c]) for c in CLASSES)} |"
        for name, own in data["databases"].items()
    ]
    first = (
        f"{_text(data['version'])}: {data['samples']} samples of {data['subjects']} subjects. Content hash "
        f"`{data['content_hash']}`."
    )
    return "\n\n".join(
        part
        for part in (first, data["withdrawn_note"], data["not_counted"], "\n".join([head, *rows]))
        if part
    )


def _scores(card: Mapping[str, Any]) -> str:
    if card["scores_hidden"]:
        return str(card["scores_hidden"])
    scores = card["scores"]
    if not scores:
        return "It has no held-out scores."
    rows = [("all", scores), *scores.get("per_database", {}).items()]
    lines = ["| Samples of | Samples | UF1 | UAR | Accuracy |", "|---|---|---|---|---|"]
    for name, own in rows:
        intervals = own.get("intervals_95") or {}
        cells = [f"{own[key]:.3f}{_interval(intervals.get(key))}" for key in ("uf1", "uar", "accuracy")]
        lines.append(f"| {_text(name)} | {own['samples']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n\nIn brackets: 95% intervals of a bootstrap over subjects."


def _details(details: Mapping[str, Any]) -> list[str]:
    if not details:
        return []
    head = f"| True \\ predicted | {' | '.join(CLASSES)} |\n|---|{'---|' * len(CLASSES)}"
    rows = [
        f"| {name} | {' | '.join(map(str, row))} |"
        for name, row in zip(CLASSES, details["confusion"], strict=True)
    ]
    parts = ["\n".join([head, *rows])]
    if found := details["calibration"]:
        parts.append(
            f"Before calibration: expected calibration error {found['ece']:.3f}, Brier score {found['brier']:.3f}"
            f"{_interval(found['brier_interval'])}."
        )
    elif details["no_calibration"]:
        parts.append(_text(details["no_calibration"]))
    return parts


def _limits(limits: Mapping[str, Any] | None) -> str:
    if not limits:
        return "Unknown: no warnings can be given for unlike clips."
    names = (
        ("fps", "Recording rate (fps)"),
        ("face_size", "Face (pixels)"),
        ("motion", "Motion (pixels of the crop)"),
    )
    lines = ["| | Training samples | Flagged below | Flagged above |", "|---|---|---|---|"]
    for key, title in names:
        if own := limits[key]:
            span = f"{own['smallest']:.3g} to {own['largest']:.3g}"
            lines.append(f"| {title} | {span} | {own['low']:.3g} | {own['high']:.3g} |")
        else:
            lines.append(f"| {title} | unknown | | |")
    threshold = limits["threshold"]
    return "\n".join(lines) + (
        f"\n\n“No expression found” below a spotter confidence of {limits['no_expression_below']:.3g}. "
        f"{_text(threshold['rule'])}"
    )


def _licences(found: Mapping[str, Any]) -> str:
    rows = [(_text(name), _text(text)) for name, text in found["databases"].items()]
    parts = [_list(rows)] if rows else []
    if marks := found["landmarks"]:
        parts.append(f"Landmarks: {_text(marks['model'])}. {marks['licence']}")
    return "\n\n".join([*parts, found["note"]])


def _event(event: Mapping[str, Any]) -> str:
    change = " → ".join(_text(text) for text in (event["before"], event["after"]) if text)
    why = f": {_text(event['reason'])}" if event["reason"] else ""
    return f"- {event['at'][:10]}, {_text(event['by'] or 'unknown')}: {event['kind']} {change}{why}"
