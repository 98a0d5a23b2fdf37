"""Readers of the layouts in which databases are handed out, by their key on the command line."""

from mer_platform.imports.layouts import casme2, manifest, samm, smic
from mer_platform.imports.layouts.base import Layout

LAYOUTS: dict[str, Layout] = {
    layout.key: layout
    for layout in (
        Layout("casme2", "CASME II", "sub01/EP02_01f/img46.jpg and CASME2-coding….xlsx", casme2.read, True),
        Layout("smic", "SMIC", "HS/s1/micro/negative/s1_ne_01/….bmp, VIS and NIR likewise", smic.read),
        Layout(
            "samm", "SAMM", "006/006_1_2/006_05562.jpg and SAMM_Micro_FACS_Codes_v2.xlsx", samm.read, True
        ),
        Layout(
            "manifest",
            "Manifest",
            "a csv or xlsx of our own: database, subject, clip, path …",
            manifest.read,
            True,
        ),
    )
}
