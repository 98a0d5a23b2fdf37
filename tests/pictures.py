"""Add small flow pictures of three databases, and a frozen version of them, without an import."""

from django.core.files.base import ContentFile

from mer_platform.clips.models import FlowPicture, Subject
from mer_platform.composites.models import Composite, CompositeVersion, Sample, content_hash
from mer_platform.projects.models import Project
from mer_platform.storage import store_by_content
from models_ml.classes import CLASSES
from tests.trees.flow_pictures import SIDE, picture_bytes

DATABASES = {"CASME II": ("sub01", "sub02"), "SMIC": ("s01", "s02"), "SAMM": ("006", "007")}
PICTURES_PER_SUBJECT = 4


def add_picture(
    project: Project, database: str, subject: str, name: str, label: str, seed: int
) -> FlowPicture:
    """Add a flow picture as an import would."""
    content = picture_bytes(label, seed)
    stored = store_by_content("pictures", ContentFile(content), ".png")
    person, _ = Subject.objects.get_or_create(
        database=project.databases.get_or_create(name=database)[0], name=subject
    )
    return FlowPicture.objects.create(
        subject=person,
        name=name,
        emotion=label,
        sha256=stored.sha256,
        file=stored.name,
        width=SIDE,
        height=SIDE,
    )


def freeze_pictures(project: Project) -> CompositeVersion:
    """Freeze twenty-four flow pictures of six subjects in three databases."""
    samples: list[Sample] = []
    for database, subjects in DATABASES.items():
        for subject in subjects:
            for number in range(PICTURES_PER_SUBJECT):
                label = CLASSES[number % len(CLASSES)]
                picture = add_picture(project, database, subject, f"{subject}_{number}", label, len(samples))
                samples.append(
                    Sample(
                        index=len(samples),
                        picture=picture,
                        name=picture.name,
                        content_sha256=picture.sha256,
                        database=database,
                        subject=subject,
                        apex_from=Sample.ApexFrom.PICTURE,
                        emotion=label,
                        label=label,
                    )
                )
    composite = Composite.objects.create(project=project, name="Pictures")
    version = CompositeVersion.objects.create(
        composite=composite, number=1, label_map={}, content_hash=content_hash(samples)
    )
    for sample in samples:
        sample.version = version
    Sample.objects.bulk_create(samples)
    return version
