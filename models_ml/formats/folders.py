"""Folders of frame images in a tree, with their files in the order of the frame numbers in their names."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath

from models_ml.errors import InputError
from models_ml.formats.base import SHEET_SUFFIXES, Tree
from models_ml.formats.report import ImportReport, listed
from models_ml.outages import raise_outage
from models_ml.video.filetypes import IMAGES, IMAGES_IN_WORDS, file_names, is_litter, is_other_image
from models_ml.video.framenames import MAX_FRAME_NUMBER, frame_number, missing_numbers, order_frames

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*")


@dataclass(frozen=True)
class Folder:
    """One folder of frame images. ``parts`` begins with the tree's own name, so the tree can be a folder of the layout."""

    path: str
    parts: tuple[str, ...]
    files: tuple[str, ...]
    numbers: tuple[int, ...]


def image_folders(tree: Tree, report: ImportReport) -> list[Folder]:
    """Return each folder that contains numbered images, sorted by path.

    The number is the last one in the name: img46.jpg is 46, 006_05562.jpg is 5562. Reports names without a number, other
    files next to frames, and a number that two files have; the folder is left out in this last case.
    """
    inside: defaultdict[str, list[str]] = defaultdict(list)
    unreadable, litter = [], []
    for path in tree.files():
        if not _is_text(path):
            unreadable.append(path.encode("utf-8", "backslashreplace").decode())
        elif is_litter(path):
            litter.append(path)
        else:
            inside[path.rpartition("/")[0]].append(path)
    if unreadable:
        report.error(
            "name-unreadable",
            f"Files whose names are not UTF-8 were left out: {listed(unreadable)}. Rename them.",
            file=unreadable[0],
        )
    if litter:
        report.info(
            "litter",
            f"Files that operating systems and other programs leave behind were left out ({len(litter):,}): "
            f"{listed(file_names(litter))}.",
        )
    folders = [_folder(tree.name, path, files, report) for path, files in sorted(inside.items())]
    return [folder for folder in folders if folder is not None]


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes that os.walk could not decode
        return False
    return True


def _folder(tree_name: str, path: str, files: list[str], report: ImportReport) -> Folder | None:
    images = [file for file in files if file.lower().endswith(IMAGES)]
    if not images:
        return None
    others = [file for file in files if not file.lower().endswith((*IMAGES, *SHEET_SUFFIXES))]
    unread = [file for file in others if is_other_image(file)]
    if unread:
        report.warning(
            "image-type",
            f"Images of a type that cannot be read were left out: {listed(file_names(unread))}. If they are frames, convert "
            "them to PNG.",
            file=path or unread[0],
        )
    if others := [file for file in others if file not in unread]:
        report.info(
            "not-an-image",
            f"Files that are not frames were left out: {listed(file_names(others))}.",
            file=path or others[0],
        )
    numbered: dict[int, str] = {}
    for image in images:
        number = frame_number(image)
        if number is None:
            report.warning(
                "frame-without-number", "The image has no number in its name: it is left out.", file=image
            )
        elif number in numbered:
            report.error(
                "frame-twice",
                f"{PurePosixPath(numbered[number]).name} and {PurePosixPath(image).name} are both frame {number}: the "
                "folder is not imported. Remove one of them.",
                file=path or image,
            )
            return None
        else:
            numbered[number] = image
    if not numbered:
        return None
    try:
        order = order_frames(numbered.values())
    except InputError as error:
        report.error("frame-order-unclear", f"The folder is not imported. {error}", file=path or images[0])
        return None
    if order.is_counted:
        report.warning(
            "frame-numbers-too-large",
            f"The numbers in the file names are above {MAX_FRAME_NUMBER:,}, so they are not frame numbers: the frames "
            "are counted from 1 in their order. Frame numbers in a coding sheet must be counted in the same way.",
            file=path or images[0],
        )
    parts = (tree_name, *PurePosixPath(path).parts)
    names, numbers = zip(*order.frames, strict=True)
    return Folder(path, parts, names, numbers)


def sound_frames(
    tree: Tree, folder: Folder, report: ImportReport, *, subject: str, clip: str
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the folder's files and numbers without files that are empty or not images, which are reported.

    In a tree where opening a file is slow, only the first file is checked; the import checks the rest.
    """
    bad: set[str] = set()
    for path in folder.files if tree.quick else folder.files[:1]:
        reason = _flaw(tree, path)
        if reason:
            bad.add(path)
            report.warning(
                "file-unreadable" if "read" in reason else "file-no-image",
                f"The file {reason}: the clip is imported without this frame.",
                file=path,
                subject=subject,
                clip=clip,
            )
    _report_gap(folder, report, subject, clip)
    kept = [(f, n) for f, n in zip(folder.files, folder.numbers, strict=True) if f not in bad]
    return tuple(f for f, _ in kept), tuple(n for _, n in kept)


def _flaw(tree: Tree, path: str) -> str:
    try:
        with tree.open(path) as file:
            head = file.read(12)
    except (InputError, OSError) as error:
        raise_outage(error)
        return "cannot be read"
    if not head:
        return "is empty"
    is_webp = head[:4] == b"RIFF" and head[8:] == b"WEBP"
    return "" if is_webp or head.startswith(_SIGNATURES) else f"is not a {IMAGES_IN_WORDS} image"


def _report_gap(folder: Folder, report: ImportReport, subject: str, clip: str) -> None:
    spans = missing_numbers(folder.numbers)
    if spans:
        missing = sum(b - a + 1 for a, b in spans)
        gaps = listed([str(a) if a == b else f"{a}–{b}" for a, b in spans])
        report.warning(
            "frames-gap",
            f"{missing} of {missing + len(folder.numbers)} frames are missing: {gaps}. The clip is imported without them, "
            "so its times are wrong after the first missing frame.",
            file=folder.path,
            subject=subject,
            clip=clip,
        )
