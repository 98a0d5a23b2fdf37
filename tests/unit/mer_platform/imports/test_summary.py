"""The numbers in the report of an import."""

import pytest

from mer_platform.imports.models import Import, ImportItem
from mer_platform.imports.summary import Counted
from mer_platform.projects.models import Project

pytestmark = [pytest.mark.django_db]


def test_the_numbers_agree_when_the_check_ends_while_they_are_read():
    project = Project.objects.create(name="Lab")
    batch = Import.objects.create(project=project, layout="smic", place="folder")
    counted = Counted([batch])
    assert counted.states(batch)["total"] == 0
    for subject, name in [("s1", "a"), ("s1", "b"), ("s2", "a")]:
        ImportItem.objects.create(batch=batch, kind="clip", database="SMIC", subject=subject, name=name)
    assert counted.databases(batch) == []

    [row] = Counted([batch]).databases(batch)
    assert (row["database"], row["total"], row["waiting"], row["subjects"]) == ("SMIC", 3, 3, 2)
