"""CAS(ME)² (Qu et al. 2018, IEEE Trans. Affective Computing 9(4)): 22 subjects, long videos, 30 frames/s.

``CAS(ME)^2code_final.xlsx`` has three worksheets without headers: the coding (number of the participant, name of the
expression such as anger1_1, onset, apex, offset, action units, emotion, micro-expression or macro-expression, emotion as
the participant reported it), "naming rule1" (…, folder s15, number of the participant) and "naming rule2" (code of the
video such as 0401, its name such as anger1). Frames: ``rawpic/s15/15_0101disgustingteeth/img1.jpg``, or the same below
``cropped``; the four digits are the code of the video. 0 means that there is no frame. The cut expressions in
``selectedpic`` are not read.
"""

import re
from collections.abc import Sequence
from typing import Any

from models_ml.errors import InputError
from models_ml.formats.base import Finding, Kind, Layout, Sheet, Tree
from models_ml.formats.cells import SheetRow
from models_ml.formats.coded_database import (
    ClipFolders,
    ClipIdentity,
    CodedDatabase,
    assemble,
    identify_folders,
)
from models_ml.formats.coded_rows import coded_rows
from models_ml.formats.folders import image_folders
from models_ml.formats.report import ImportReport
from models_ml.formats.sheets import SheetTable, load_sheet, report_unread_worksheets, sheet_names, worksheets

_KEYS = ("subject", "filename", "onset", "apex", "offset", "action_units", "emotion", "kind")
_Rows = Sequence[tuple[int, Sequence[Any]]]


def subject_name(text: str) -> str:
    """Return the name of a subject, or "" if the text is none.

    >>> subject_name("s15"), subject_name("S15"), subject_name("rawpic")
    ('s15', 's15', '')
    """
    match = re.fullmatch(r"s0*([1-9]\d?)", text.strip().lower())
    return f"s{int(match[1])}" if match else ""


def identify(parts: tuple[str, ...]) -> ClipIdentity | None:
    """Recognise s15/15_0101disgustingteeth below any folder."""
    subject = subject_name(parts[-2]) if len(parts) > 1 else ""
    if subject and re.match(rf"0*{subject[1:]}_\d{{4}}", parts[-1]):
        return ClipIdentity(parts[:-2], subject, parts[-1], parts[-2])
    return None


def _kind(row: SheetRow, report: ImportReport) -> Kind:
    word = row.text("kind", report).lower()
    if not word.startswith(("micro", "macro")):
        report.warning(
            "kind-unknown",
            f"“{word}” is neither micro-expression nor macro-expression: imported as macro.",
            file=row.file,
            row=row.number,
            column="kind",
        )
    return "micro" if word.startswith("micro") else "macro"


DATABASE = CodedDatabase(
    key="casme_sq",
    name="CAS(ME)2",
    fps=30.0,
    emotions=("positive", "negative", "surprise", "others"),
    columns=(),
    expects="rawpic/s15/15_0101disgustingteeth/img1.jpg",
    identify=identify,
    subject=subject_name,
    none=frozenset("0"),
    several=True,
)


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read CAS(ME)²; no errata are known.

    Raises InputError if the workbook, one of its worksheets or each folder of frames is missing.
    """
    report = ImportReport()
    name, coding, subjects, codes = _workbook(tree, sheet, report)
    folders = identify_folders(tree, image_folders(tree, report), DATABASE, report)
    by_code = _by_code(folders)

    def subject(participant: str) -> str:
        return subjects.get(participant, "")

    def clip(subject: str, filename: str) -> str:
        code = codes.get(filename.rpartition("_")[0] or filename, "")
        return by_code.get((subject, code)) or f"{subject[1:]}_{code or filename}"

    rows = tuple(SheetRow(number, dict(zip(_KEYS, cells, strict=False)), name) for number, cells in coding)
    coded = coded_rows(SheetTable(name, frozenset(_KEYS), rows), subject, clip, report, _kind, DATABASE.none)
    return assemble(tree, coded, folders, accepted, DATABASE, report)


def _workbook(
    tree: Tree, sheet: Sheet | None, report: ImportReport
) -> tuple[str, _Rows, dict[str, str], dict[str, str]]:
    """Return the workbook's name, its coding rows, the folder of each participant and the code of each video name."""
    reasons: list[str] = []
    for candidate in [sheet] if sheet else [load_sheet(tree, n) for n in sheet_names(tree)[:40]]:
        parts: dict[str, _Rows] = {}
        read: dict[str, tuple[str, int]] = {}
        unread: list[tuple[str, int]] = []
        try:
            for worksheet in worksheets(candidate, ImportReport()):
                title, rows = worksheet.title, worksheet.rows
                rule = re.search(r"rule ?([12])", title.lower())
                part = rule[1] if rule else "coding"
                if parts.get(part):
                    unread.append((title, len(rows)))
                else:
                    parts[part], read[part] = rows, (title, len(rows))
        except InputError as error:
            reasons.append(str(error))
            continue
        if parts.keys() >= {"coding", "1", "2"}:
            report_unread_worksheets(candidate.name, read["coding"], unread, [], report)
            coding = [(n, cells) for n, cells in parts["coding"] if n > 1 or _is_number(cells[0])]
            subjects = {_text(c[2]): subject_name(_text(c[1])) for _, c in parts["1"] if len(c) > 2}
            codes = {_text(c[1]): _text(c[0]).zfill(4) for _, c in parts["2"] if len(c) > 1}
            return candidate.name, coding, subjects, codes
        reasons.append(f"“{candidate.name}” does not have the worksheets “naming rule1” and “naming rule2”.")
    raise InputError(
        f"CAS(ME)^2code_final.xlsx with its three worksheets not found in “{tree.name}”. "
        + " ".join(reasons[:3])
    )


def _by_code(folders: ClipFolders) -> dict[tuple[str, str], str]:
    """Return the clip's name by subject and code of the video."""
    found = {}
    for identity, _ in folders.by_clip.values():
        code = re.search(r"_(\d{4})", identity.clip)
        if code:
            found[identity.subject, code[1]] = identity.clip
    return found


def _text(cell: Any) -> str:
    """Return a cell of the naming rules as text: 1.0 is "1"."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell or "").strip()


def _is_number(cell: Any) -> bool:
    return _text(cell).isdigit()


LAYOUT = Layout(
    key=DATABASE.key,
    title="CAS(ME)²",
    expects="rawpic/s15/15_0101…/img1.jpg and CAS(ME)^2code_final.xlsx",
    read=read,
)
