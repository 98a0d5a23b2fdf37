"""Precomputed onset–apex flow pictures: 8-bit PNG with three channels (u, v, strain), one per sample, instead of clips.

Two layouts:

- ``<database>/<subject>/<label>/<clip>.png``;
- ``<held-out subject>/u_train|u_test/<0|1|2>/<subject>_<clip>.png``, the layout of STSTNet (Liong et al. 2019, FG) and of
  repositories based on it: one folder per fold; the labels are 0 negative, 1 positive, 2 surprise. Each sample is in the
  ``u_train`` of all other subjects and once in the ``u_test`` of its own. The reader takes the picture from ``u_test`` and
  compares the others with it. The subject's name gives the database: ``sub01`` CASME II, ``s01`` SMIC, ``006`` SAMM.

Names can have blanks before ``.png``. SMIC's and SAMM's clips begin with their subject, so ``006_006_1_2.png`` is 006_1_2.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from models_ml.errors import InputError
from models_ml.formats import casme2, samm, smic
from models_ml.formats.base import Finding, FoundFlowPicture, Layout, Sheet, Tree
from models_ml.formats.coded_rows import report_spellings
from models_ml.formats.report import ImportReport, listed
from models_ml.video.filetypes import is_litter

LABELS = {"0": "negative", "1": "positive", "2": "surprise"}
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class _Copy:
    """One file: the sample that it shows (database, subject, clip), and where the file is."""

    sample: tuple[str, str, str]
    spelled: str
    label: str
    path: str
    fold: str = ""
    split: str = ""


def database_of(subject: str) -> tuple[str, str]:
    """Return database and canonical name of a subject as a file's name spells it; ("", "") if it is of none of the three.

    >>> database_of("sub01"), database_of("s1"), database_of("006"), database_of("x")
    (('CASME II', 'sub01'), ('SMIC', 's01'), ('SAMM', '006'), ('', ''))
    """
    rules: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        (r"(?i)sub\d{1,2}", "CASME II", casme2.subject_name),
        (r"(?i)s\d{1,2}", "SMIC", smic.subject_name),
        (r"\d{3}", "SAMM", samm.subject_name),
    )
    for pattern, database, name in rules:
        if re.fullmatch(pattern, subject):
            return database, name(subject)
    return "", ""


def read(tree: Tree, sheet: Sheet | None, accepted: frozenset[str]) -> Finding:
    """Read the flow pictures of a tree in either layout; a sheet is not used, and no errata are known.

    Raises InputError if no PNG file is where a layout expects it.
    """
    report = ImportReport()
    images = [p for p in tree.files() if p.lower().endswith(".png") and not is_litter(p)]
    parts = {path: (tree.name, *PurePosixPath(path).parts) for path in images}
    folds = [path for path in images if len(parts[path]) > 3 and parts[path][-3] in ("u_train", "u_test")]
    if folds:
        left = sorted(set(images) - set(folds))
        copies = [_copy_in_fold(path, parts[path], report) for path in folds]
    else:
        left = [path for path in images if len(parts[path]) < 4]
        copies = [_copy_by_label(path, parts[path], report) for path in images if len(parts[path]) > 3]
    if left and len(left) < len(images):
        report.info(
            "not-in-layout", f"Images elsewhere in the folder were left out: {listed(left, 3)}.", file=left[0]
        )
    found = [copy for copy in copies if copy is not None]
    if not found and not report.problems:
        raise InputError(
            f"“{tree.name}” contains no flow pictures. Expected <database>/<subject>/<label>/<clip>.png or "
            f"<subject>/u_test/<0|1|2>/<subject>_<clip>.png; found {listed(images or tree.files(), 3) or 'nothing'}."
        )
    samples: defaultdict[tuple[str, str, str], list[_Copy]] = defaultdict(list)
    for copy in found:
        samples[copy.sample].append(copy)
    report_spellings(((c.sample[1], c.spelled, c.path) for c in found), report)
    every_fold = sorted({copy.fold for copy in found if copy.fold})
    finding = Finding(problems=report.problems)
    for _, several in sorted(samples.items()):
        taken = _from_folds(tree, several, every_fold, report) if folds else _only_one(several, report)
        if taken is not None and _is_png(tree, taken, report):
            database, subject, clip = taken.sample
            finding.flow_pictures.append(FoundFlowPicture(database, subject, clip, taken.label, taken.path))
            words = finding.emotions.setdefault(database, [])
            if taken.label not in words:
                words.append(taken.label)
    finding.emotions = {database: sorted(words) for database, words in finding.emotions.items()}
    return finding


def _copy_in_fold(path: str, parts: tuple[str, ...], report: ImportReport) -> _Copy | None:
    fold, split, label = parts[-4], parts[-3], parts[-2]
    stem = PurePosixPath(path).stem.strip()
    spelled, _, rest = stem.partition("_")
    database, subject = database_of(spelled)
    if not database or not rest:
        report.error(
            "subject-unknown",
            f"“{stem}” does not begin with a subject of CASME II (sub01), SMIC (s01) or SAMM (006): it is not imported.",
            file=path,
        )
        return None
    if label not in LABELS:
        report.error(
            "label-unknown",
            f"The label “{label}” is not 0, 1 or 2: the flow picture is not imported.",
            file=path,
            subject=subject,
        )
        return None
    clip = clip_of(database, subject, stem, rest)
    return _Copy((database, subject, clip), spelled, LABELS[label], path, database_of(fold)[1] or fold, split)


def clip_of(database: str, subject: str, stem: str, rest: str) -> str:
    """Return the clip's name as its own database spells it.

    >>> clip_of("SAMM", "006", "006_006_1_2", "006_1_2"), clip_of("SMIC", "s01", "s1_ne_01", "ne_01")
    ('006_1_2', 's01_ne_01')
    >>> clip_of("CASME II", "sub01", "sub01_EP02_01f", "EP02_01f")
    'EP02_01f'
    """
    if database == "SMIC":
        return smic.clip_name(rest) or smic.clip_name(stem) or rest
    if database == "SAMM":
        return samm.clip_name(subject, rest if rest.startswith(f"{subject}_") else stem)
    return rest


def _copy_by_label(path: str, parts: tuple[str, ...], report: ImportReport) -> _Copy | None:
    named, spelled, label = parts[-4], parts[-3].strip(), parts[-2].strip().lower()
    stem = PurePosixPath(path).stem.strip()
    plain = re.sub(r"[^a-z0-9]", "", named.lower())
    database = {
        "casme2": "CASME II",
        "casmeii": "CASME II",
        "smic": "SMIC",
        "smichs": "SMIC",
        "samm": "SAMM",
    }.get(plain, named)
    names: dict[str, Callable[[str], str]] = {
        "CASME II": casme2.subject_name,
        "SMIC": smic.subject_name,
        "SAMM": samm.subject_name,
    }
    subject = names[database](spelled) if database in names else spelled
    if not subject:
        report.error(
            "subject-unknown", f"“{spelled}” is not a subject of {database}: it is not imported.", file=path
        )
        return None
    rest = re.sub(rf"^{re.escape(spelled)}_", "", stem)
    clip = clip_of(database, subject, stem, rest) if database in names else stem
    return _Copy((database, subject, clip), spelled, LABELS.get(label, label), path)


def _only_one(copies: list[_Copy], report: ImportReport) -> _Copy | None:
    if len(copies) == 1:
        return copies[0]
    return None if _labels_differ(copies, report) else _twice(copies, report)


def _from_folds(tree: Tree, copies: list[_Copy], folds: list[str], report: ImportReport) -> _Copy | None:
    """Return the copy in the subject's own ``u_test``; None, with a report, if there is none or labels contradict."""
    _, subject, clip = copies[0].sample
    where = {"subject": subject, "clip": clip}
    strays = [c for c in copies if c.split == "u_test" and c.fold != subject]
    for copy in strays:
        report.error(
            "test-of-another",
            f"This copy is in the u_test of {copy.fold}, another subject: it is left out.",
            file=copy.path,
            **where,
        )
    if _labels_differ(copies, report):
        return None
    own = [c for c in copies if c.split == "u_test" and c.fold == subject]
    train = [c for c in copies if c.split == "u_train"]
    if not own:
        report.error(
            "test-missing",
            "The sample is not in the u_test of its own subject, only in the u_train of "
            f"{listed(sorted(c.fold for c in train))}: it is not imported."
            if train
            else "The sample is not in the u_test of its own subject: it is not imported.",
            file=copies[0].path,
            **where,
        )
        return None
    taken = own[0] if len(own) == 1 else _twice(own, report)
    for copy in train:
        if copy.fold == subject:
            report.warning(
                "leak",
                "The sample is in the u_train of its own subject: a network trained on this folder saw its test sample.",
                file=copy.path,
                **where,
            )
    absent = sorted(set(folds) - {subject} - {c.fold for c in train})
    if absent:
        report.warning(
            "train-missing",
            f"The sample is missing from the u_train of {len(absent)} of {len(folds) - 1} other subjects: {listed(absent)}.",
            file=taken.path,
            **where,
        )
    _compare(tree, taken, train, report)
    return taken


def _labels_differ(copies: list[_Copy], report: ImportReport) -> bool:
    labels: dict[str, list[str]] = {}
    for copy in copies:
        labels.setdefault(copy.label, []).append(copy.path)
    if len(labels) == 1:
        return False
    seen = listed([f"{label} ({len(paths)}×, {paths[0]})" for label, paths in sorted(labels.items())])
    report.error(
        "label-contradicts",
        f"The copies of this sample have different labels, {seen}: it is not imported.",
        file=copies[0].path,
        subject=copies[0].sample[1],
        clip=copies[0].sample[2],
    )
    return True


def _twice(copies: list[_Copy], report: ImportReport) -> _Copy:
    report.warning(
        "picture-twice",
        f"{listed([c.path for c in copies])} show the same sample: the first is imported.",
        file=copies[0].path,
        subject=copies[0].sample[1],
        clip=copies[0].sample[2],
    )
    return copies[0]


def _compare(tree: Tree, taken: _Copy, train: list[_Copy], report: ImportReport) -> None:
    """Report copies that are not the same file; not done where opening a file is slow."""
    if not tree.quick:
        return
    expected = _digest(tree, taken.path)
    others = [copy.fold for copy in train if _digest(tree, copy.path) != expected]
    if others:
        report.warning(
            "picture-differs",
            f"The copy in the u_train of {listed(sorted(others))} differs from the copy in u_test, which is imported.",
            file=taken.path,
            subject=taken.sample[1],
            clip=taken.sample[2],
        )


def _digest(tree: Tree, path: str) -> bytes:
    with tree.open(path) as file:
        return hashlib.sha256(file.read()).digest()


def _is_png(tree: Tree, copy: _Copy, report: ImportReport) -> bool:
    with tree.open(copy.path) as file:
        head = file.read(len(_PNG))
    if head == _PNG:
        return True
    report.error(
        "file-no-image",
        f"The file {'is not a PNG image' if head else 'is empty'}: it is not imported.",
        file=copy.path,
        subject=copy.sample[1],
        clip=copy.sample[2],
    )
    return False


LAYOUT = Layout(
    key="flow-images",
    title="Flow pictures",
    expects="<database>/<subject>/<label>/<clip>.png, or <subject>/u_test/<0|1|2>/<subject>_<clip>.png",
    read=read,
    holds="flow pictures",
)
