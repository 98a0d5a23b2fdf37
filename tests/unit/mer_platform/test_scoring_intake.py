"""Zips of clips that come with a request to score them."""

import io
import zipfile

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile

from mer_platform.scoring.intake import store_archive


def zip_of(*names: str) -> ContentFile:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return ContentFile(content.getvalue(), "clips.zip")


@pytest.mark.parametrize("name", ["../x.mp4", "a/../../x.mp4", "/etc/x.mp4", "..\\x.mp4", "C:\\x.mp4"])
def test_a_zip_with_a_path_that_leads_out_is_refused_by_its_name(name):
    with pytest.raises(ValidationError) as refused:
        store_archive(zip_of("good.mp4", name))
    assert (
        f"“clips.zip” has files whose paths lead out of it or are absolute: “{name}”."
        in refused.value.messages[0]
    )


def test_dots_in_a_name_lead_nowhere(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    _, clips = store_archive(zip_of("a..b.mp4"))
    assert list(clips) == ["a..b.mp4"]
