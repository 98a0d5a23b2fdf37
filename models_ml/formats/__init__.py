"""Readers of the layouts in which databases are handed out, by their key on the command line."""

from models_ml.formats import (
    casme2,
    casme3a,
    casme_sq,
    elan,
    flow_images,
    fourdme,
    label_studio,
    manifest,
    mmew,
    samm,
    samm_long,
    smic,
)
from models_ml.formats.base import Layout

LAYOUTS: dict[str, Layout] = {
    layout.key: layout
    for layout in (
        Layout("casme2", "CASME II", "sub01/EP02_01f/img46.jpg and CASME2-coding….xlsx", casme2.read, True),
        Layout("smic", "SMIC", "HS/s1/micro/negative/s1_ne_01/….bmp, VIS and NIR likewise", smic.read),
        Layout(
            "samm", "SAMM", "006/006_1_2/006_05562.jpg and SAMM_Micro_FACS_Codes_v2.xlsx", samm.read, True
        ),
        Layout(
            "samm-long",
            "SAMM Long Videos",
            "006_1/006_1_0001.jpg and SAMM_LongVideos_V3_Release.xlsx",
            samm_long.read,
            True,
        ),
        Layout(
            "casme3a",
            "CAS(ME)³ part A",
            "spNO.1/a/color/1.jpg and cas(me)3_part_A_ME_label….xlsx",
            casme3a.read,
            True,
        ),
        Layout(
            "casme_sq",
            "CAS(ME)²",
            "rawpic/s15/15_0101…/img1.jpg and CAS(ME)^2code_final.xlsx",
            casme_sq.read,
            True,
        ),
        Layout("mmew", "MMEW", "anger/S13-07-001/1.jpg and MMEW_Micro_Exp.xlsx", mmew.read, True),
        Layout(
            "4dme",
            "4DME",
            "gray_micro/<subject>/<clip>/1.jpg and 4DME_Labelling_Micro….xlsx",
            fourdme.read,
            True,
        ),
        Layout(
            "flow-images",
            "Flow pictures",
            "<database>/<subject>/<label>/<clip>.png, or <subject>/u_test/<0|1|2>/<subject>_<clip>.png",
            flow_images.read,
        ),
        Layout(
            "manifest",
            "Manifest",
            "a csv or xlsx of our own: database, subject, clip, path …",
            manifest.read,
            True,
        ),
        Layout("label-studio", "Label Studio annotations", "a project's export as JSON", label_studio.read),
        Layout("elan", "ELAN annotations", "….eaf, with tiers for emotions or phases", elan.read),
    )
}
