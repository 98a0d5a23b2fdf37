"""Source frame numbers, as sheets and file names give them, converted to 0-based indices into a clip."""

from typing import Any

from mer_platform.annotation.marks import MARKS
from models_ml.formats.base import FoundClip, Marked, Problem


def indices_of(found: FoundClip, expression: Marked) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Return the expression with indices into the clip's frames, and problems; None if its marks cannot be right.

    A mark on a frame that the clip does not have stays unset, because the nearest frame would be a different mark. The
    frames of a video count from 1.
    """
    where: dict[str, Any] = {"row": expression.row, "subject": found.subject, "clip": found.name}
    problems: list[Problem] = []
    marks: dict[str, int | None] = {}
    positions = {number: index for index, number in enumerate(found.numbers)}
    for name in MARKS:
        number = getattr(expression, name)
        marks[name] = None if number is None else _index(found, positions, number)
        if number is not None and marks[name] is None:
            problems.append(
                Problem(
                    "warning",
                    "frame-absent",
                    f"The {name}, frame {number}, is not among the frames of {found.subject}/{found.name} "
                    f"({_span(found)}); the {name} stays unset.",
                    column=name,
                    **where,
                )
            )
    known = [value for value in marks.values() if value is not None]
    wrong = ""
    if known != sorted(known):
        numbers = ", ".join(f"{name} {getattr(expression, name)}" for name in MARKS)
        wrong = f"The marks of {found.subject}/{found.name} are not in order: {numbers}"
    elif len(expression.emotion) > 40:
        wrong = f"The emotion “{expression.emotion}” has more than 40 characters"
    if wrong:
        message = f"{wrong}; this expression is not imported."
        problems.append(Problem("error", "marks-wrong", message, **where))
        return None, problems
    fields = ("emotion", "action_units", "kind", "row")
    return {**marks, **{name: getattr(expression, name) for name in fields}}, problems


def _index(found: FoundClip, positions: dict[int, int], number: int) -> int | None:
    if not found.numbers:  # a video, whose number of frames is known only when it is decoded
        return number - 1 if number >= 1 else None
    return positions.get(number)


def _span(found: FoundClip) -> str:
    return f"{found.numbers[0]}–{found.numbers[-1]}" if found.numbers else "counted from 1"
