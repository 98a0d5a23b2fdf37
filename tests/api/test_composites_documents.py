"""Differences between versions, and the document that carries a version to another lab."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.composites import document
from mer_platform.composites.diff import compare
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.composites.services import freeze
from mer_platform.projects.models import Membership, Role

pytestmark = [pytest.mark.django_db, pytest.mark.services_in_faults]
URL = "/api/v1/composite-versions/"
MAP = {"CASME II": {"disgust": "negative", "happiness": "positive", "surprise": "surprise"}}


def label(clip, emotion="disgust", **marks):
    values = {"onset": 10, "apex": 20, "offset": 30, **marks}
    return Consensus.objects.create(clip=clip, emotion=emotion, origin="imported", **values)


@pytest.fixture
def clips(make_clip):
    made = [make_clip(name, subject) for name, subject in (("a", "sub01"), ("b", "sub02"), ("c", "sub03"))]
    for clip in made:
        label(clip)
    return made


@pytest.fixture
def version(project, database, clips, alice):
    return freeze(project, "Lab set", [database], MAP, alice)


def twin(other_project, clips, **renamed):
    """The same clips in another lab, under its own names, with the same labels."""
    database = Database.objects.create(project=other_project, name=renamed.get("database", "CASME II"))
    for clip in clips:
        person, _ = Subject.objects.get_or_create(database=database, name=clip.subject.name)
        copy = Clip.objects.create(
            project=other_project, subject=person, name=clip.name, sha256=clip.sha256, file=f"elsewhere/{clip.pk}",
            original_name="x.mp4", size=1, state="ready", frame_count=100, fps="200/1", face_frames=[[0, 99]],
        )  # fmt: skip
        label(copy)
    return database


@pytest.fixture
def posted(bobs_api, other_project):
    def post(data, **fields):
        return bobs_api.post(f"{URL}import/", {"project": other_project.pk, "document": data, **fields})

    return post


def exported(api, version) -> dict:
    answer = api.get(f"{URL}{version.pk}/export/")
    assert answer.status_code == 200
    return answer.json()


def test_the_document_contains_no_images_and_no_paths(api, version, clips):
    text = json.dumps(exported(api, version))
    for clip in clips:
        for secret in (clip.file, clip.original_name, clip.pack_name):
            assert secret not in text
    assert not {"/", "\\"} & set(text)
    assert len(text) < 400 * len(clips) + 800
    row = exported(api, version)["samples"][0]
    assert row == {
        "content": clips[0].sha256, "kind": "clip", "database": "CASME II", "subject": "sub01", "name": "a",
        "onset": 10, "apex": 20, "offset": 30, "apex_from": "coded", "emotion": "disgust", "label": "negative",
    }  # fmt: skip


def test_another_lab_with_the_same_clips_gets_the_same_version(api, version, clips, other_project, posted):
    twin(other_project, clips)
    answer = posted(exported(api, version))
    assert (answer.status_code, answer.json()["status"]) == (201, "frozen")
    theirs = CompositeVersion.objects.get(pk=answer.json()["version"])
    assert theirs.project == other_project
    assert (theirs.content_hash, theirs.label_map) == (version.content_hash, version.label_map)
    assert {sample.clip.project for sample in theirs.samples.all()} == {other_project}
    again = posted(exported(api, version))
    assert (again.status_code, again.json()["status"], again.json()["version"]) == (
        200,
        "existing",
        theirs.pk,
    )


def test_a_labs_own_version_is_recognised_under_any_name(api, version, project):
    answer = api.post(
        f"{URL}import/", {"project": project.pk, "document": exported(api, version), "name": "X"}
    )
    assert (answer.json()["status"], answer.json()["version"]) == ("existing", version.pk)


def test_missing_samples_are_named_and_nothing_is_frozen(api, version, clips, other_project, posted):
    database = twin(other_project, clips[:1])
    person = Subject.objects.create(database=database, name="sub02")
    Clip.objects.create(
        project=other_project, subject=person, name="b", sha256="0" * 64, file="x", original_name="x", size=1
    )
    answer = posted(exported(api, version)).json()
    assert (answer["status"], answer["version"], answer["there"]) == ("incomplete", None, 1)
    assert [(row["clip"], row["problem"]) for row in answer["lacking"]] == [
        ("b", "the project has a clip or flow picture of this name with different content"),
        ("c", "not in this project"),
    ]
    assert not other_project.composites.exists()


def test_other_marks_and_names_are_reported_and_those_of_the_document_are_frozen(
    api, version, clips, other_project, posted
):
    twin(other_project, clips, database="Casme")
    Consensus.objects.filter(clip__project=other_project, clip__name="a").update(apex=25)
    answer = posted(exported(api, version)).json()
    assert (answer["there"], len(answer["other"])) == (0, 3)
    assert answer["other"][0]["differs"] == {"database": ["CASME II", "Casme"], "apex": [20, 25]}
    theirs = CompositeVersion.objects.get(pk=answer["version"])
    assert theirs.content_hash == version.content_hash
    assert theirs.samples.get(name="a").apex == 20


def test_comparing_freezes_nothing(api, version, clips, other_project, posted):
    twin(other_project, clips)
    answer = posted(exported(api, version), compare_only=True).json()
    assert (answer["status"], answer["version"], answer["there"]) == ("compared", None, 3)
    assert not other_project.composites.exists()


def test_an_unusable_clip_counts_as_missing(api, version, clips, other_project, posted):
    twin(other_project, clips)
    theirs = Clip.objects.filter(project=other_project)
    theirs.filter(name="a").update(state="processing")
    theirs.filter(name="b").update(face_frames=[])
    theirs.filter(name="c").update(frame_count=20)
    problems = [row["problem"] for row in posted(exported(api, version)).json()["lacking"]]
    assert problems == [
        "the clip is processing",
        "no face was found in the clip",
        "offset 30 is after the last frame, 19",
    ]


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (lambda d: d["samples"][0].update(apex=21), "a sample was changed"),
        (lambda d: d["samples"].pop(), "a sample was changed, added or removed"),
        (lambda d: d["label_map"]["CASME II"].update(fear="negative"), "changed after its export"),
        (lambda d: d["samples"][0].update(name="z"), "changed after its export"),
        (lambda d: d["samples"][0].update(apex=5), "samples.0: onset 10, apex 5, offset 30 are not in order"),
        (
            lambda d: d["samples"][0].update(label="angry"),
            "samples.0.label: Must be one of negative,",
        ),
        (lambda d: d["samples"][0].update(onset="10"), "samples.0.onset: Must be a whole number, not “10”"),
        (
            lambda d: d["samples"][0].update(name="\0"),
            "The text at /document/samples/0/name cannot be stored: it must not contain NUL characters",
        ),
        (lambda d: d["label_map"].update({"x": {"y": "angry"}}), "label_map.x.y: Must be one of"),
        (lambda d: d["samples"][0].update(kind="picture"), "a flow picture must have no onset"),
        (lambda d: d.pop("content_hash"), "content_hash: A value is required"),
        (lambda d: d.update(format="zip"), "format: Must be one of mer-composite-version, not “zip”"),
        (lambda d: d.update(preset="megc3000"), "does not have a preset “megc3000”"),
        (lambda d: d.update(rules={"x": 1}), "Rule “x” not found"),
        (lambda d: d.update(samples=[]), "samples: Must be a list of at least 1 value"),
    ],
)
def test_a_changed_document_is_refused_with_the_reason(api, version, posted, alter, words):
    data = exported(api, version)
    alter(data)
    answer = posted(data)
    assert answer.status_code == 400
    assert words in json.dumps(answer.json(), ensure_ascii=False)


def test_half_a_character_is_refused(api, version):
    data = exported(api, version)
    data["samples"][0]["name"] = "\ud800"
    with pytest.raises(ValidationError, match=r"samples\.0\.name: Must be a text, not “\?”"):
        document.read(json.dumps(data))


@pytest.mark.parametrize("data", [None, [], "text", 3, {"samples": {}}, {"samples": [[]]}])
def test_a_file_that_is_not_a_document_is_refused(posted, data):
    assert posted(data).status_code == 400


def test_a_document_can_contain_flow_pictures(api, project, database, other_project, posted, alice):
    def picture(base, name, subject, sha256):
        person = Subject.objects.create(database=base, name=subject)
        FlowPicture.objects.create(
            subject=person, name=name, emotion="disgust", sha256=sha256, file=f"p/{name}", width=28, height=28
        )

    theirs = Database.objects.create(project=other_project, name="CASME II")
    for base in (database, theirs):
        picture(base, "a", "sub01", "a" * 64)
        picture(base, "b", "sub02", "b" * 64)
    version = freeze(project, "Pictures", [database], MAP, alice)
    answer = posted(exported(api, version))
    assert answer.status_code == 201
    assert (
        Sample.objects.filter(version=answer.json()["version"], picture__subject__database=theirs).count()
        == 2
    )


def test_the_diff_shows_added_removed_and_changed_samples_and_the_recipe(
    api, project, database, version, clips, make_clip, alice
):
    Consensus.objects.filter(clip=clips[0]).update(apex=22, emotion="happiness")
    clips[1].consensus.all().delete()
    label(make_clip("d", "sub04"))
    label(make_clip("e", "sub05"), kind="macro")
    label_map = {"CASME II": {**MAP["CASME II"], "surprise": None}}
    later = freeze(project, "Lab set", [database], label_map, alice, rules={"kinds": ["micro", "macro"]})
    shown = api.get(f"{URL}{later.pk}/diff/?against={version.pk}").json()
    assert (shown["before"], shown["after"], shown["same"]) == (version.pk, later.pk, 1)
    assert [row["name"] for row in shown["added"]] == ["d", "e"]
    assert [row["name"] for row in shown["removed"]] == ["b"]
    (change,) = shown["changed"]
    assert change["fields_changed"] == ["apex", "emotion", "label"]
    assert (change["before"]["apex"], change["after"]["apex"]) == (20, 22)
    assert shown["label_map"] == [
        {"database": "CASME II", "emotion": "surprise", "before": "surprise", "after": None}
    ]
    assert shown["rules"] == [{"rule": "kinds", "before": None, "after": ["micro", "macro"]}]


def test_a_reingested_clip_of_the_same_name_is_a_change_of_content(version, clips):
    before = list(version.samples.all())
    after = list(version.samples.all())
    after[0].content_sha256 = "9" * 64
    found = compare(before, after)
    assert [list(change.fields) for change in found.changed] == [["content_sha256"]]
    assert (found.added, found.removed, found.same) == ([], [], 2)


def test_the_diff_needs_another_version_of_the_project(api, bobs_api, version):
    assert "?against=<id>" in str(api.get(f"{URL}{version.pk}/diff/").json())
    assert api.get(f"{URL}{version.pk}/diff/?against=9999").status_code == 404
    assert api.get(f"{URL}{version.pk}/diff/?against=x%00").status_code == 400
    assert bobs_api.get(f"{URL}{version.pk}/diff/?against={version.pk}").status_code == 404


@pytest.mark.parametrize("path", ["export/", "check/", "diff/?against={pk}", "samples/"])
def test_members_who_code_blind_cannot_see_marks(member, project, version, path):
    client = member(project, "carol", Role.ANNOTATOR)
    assert client.get(f"{URL}{version.pk}/{path.format(pk=version.pk)}").status_code == 403


def test_annotators_cannot_import(member, project, api, version):
    client = member(project, "carol", Role.ANNOTATOR)
    data = {"project": project.pk, "document": exported(api, version)}
    assert client.post(f"{URL}import/", data).status_code == 403


def test_the_commands_move_a_version_to_another_lab(version, clips, other_project, tmp_path, capsys):
    twin(other_project, clips)
    path = tmp_path / "version.json"
    call_command("composite_export", str(version.pk), "--output", str(path))
    call_command("composite_import", str(path), "--project", other_project.slug, "--json")
    printed = json.loads(capsys.readouterr().out)
    assert (printed["status"], printed["content_hash"]) == ("frozen", version.content_hash)
    with pytest.raises(CommandError, match="Composite version 99 not found"):
        call_command("composite_export", "99")
    path.write_text('{"format": ')
    with pytest.raises(CommandError, match="not JSON: line 1, column 12"):
        call_command("composite_import", str(path), "--project", other_project.slug)
    with pytest.raises(CommandError, match="Cannot read"):
        call_command("composite_import", str(tmp_path / "none"), "--project", other_project.slug)


class TestPages:
    @pytest.fixture
    def browser(self, client, alice):
        client.force_login(alice)
        return client

    def url(self, name, *args):
        return reverse(name, args=args)

    def test_the_export_button_downloads_the_document(self, browser, project, version):
        answer = browser.get(self.url("version-json", project.slug, version.pk))
        assert f"Lab-set-v1-{version.content_hash[:12]}.json" in answer["Content-Disposition"]
        assert document.read(answer.content).content_hash == version.content_hash

    def test_a_file_is_compared_then_imported(self, client, bob, other_project, version, clips):
        twin(other_project, clips)
        client.force_login(bob)
        url = self.url("composite-import", other_project.slug)
        file = SimpleUploadedFile("v.json", json.dumps(document.export(version)).encode())
        page = client.post(url, {"document": file})
        assert "All clips are in this project" in page.content.decode()
        assert not other_project.composites.exists()
        answer = client.post(url, {"text": page.context["text"], "do": "import"})
        made = CompositeVersion.objects.get(composite__project=other_project)
        assert answer["Location"] == self.url("version", other_project.slug, made.pk)
        assert made.content_hash == version.content_hash

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"{", "not JSON: line 1"),
            (b"\xff\xfe\x00", "not JSON text"),
            (b"[" * 100_000, "JSON"),
            (b"{}", "A value is required"),
        ],
    )
    def test_a_bad_file_is_refused_with_the_reason(self, browser, project, content, words):
        file = SimpleUploadedFile("v.json", content)
        answer = browser.post(self.url("composite-import", project.slug), {"document": file})
        assert answer.status_code == 422
        assert words in answer.content.decode()

    def test_a_missing_file_is_reported(self, browser, project):
        answer = browser.post(self.url("composite-import", project.slug))
        assert (answer.status_code, "Choose the file" in answer.content.decode()) == (422, True)

    def test_the_diff_page_shows_the_change(self, browser, project, database, version, clips, alice):
        Consensus.objects.filter(clip=clips[0]).update(apex=22)
        later = freeze(project, "Lab set", [database], MAP, alice)
        page = browser.get(self.url("version-diff", project.slug, later.pk) + f"?against={version.pk}")
        assert "Lab set v2 compared with Lab set v1" in page.content.decode()
        assert page.context["diff"].changed[0].fields == {"apex": (20, 22)}
        assert browser.get(self.url("version-diff", project.slug, later.pk)).status_code == 404

    @pytest.mark.parametrize("name", ["version-diff", "version-json"])
    def test_marks_are_for_researchers(self, client, bob, project, version, name):
        Membership.objects.create(project=project, user=bob, role=Role.ANNOTATOR)
        client.force_login(bob)
        url = self.url(name, project.slug, version.pk) + f"?against={version.pk}"
        assert client.get(url).status_code == 403
        assert client.get(self.url("composite-import", project.slug)).status_code == 403

    def test_the_builder_keeps_rules_as_typed_and_says_what_is_wrong(self, browser, project, database, clips):
        fields = {
            "name": "R", "database": database.pk, "rule-unit": "ms", "rule-kinds": "micro", "rule-shortest": "500",
            "rule-longest": "100",
        }  # fmt: skip
        answer = browser.post(self.url("composite-new", project.slug), fields)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "The shortest duration (500) is longer than the longest (100)" in page
        assert 'value="500"' in page
        assert not CompositeVersion.objects.exists()

    def test_a_preview_never_freezes(self, browser, project, database, clips):
        fields = {
            "name": "R",
            "database": database.pk,
            "rule-unit": "ms",
            "rule-kinds": "micro",
            "rule-without": "CASME II/sub9",
        }
        answer = browser.post(
            self.url("composite-new", project.slug),
            fields,
            headers={"HX-Request": "true", "HX-Target": "preview"},
        )
        assert answer.status_code == 200
        assert "A rule names something that is not in these databases" in answer.content.decode()
        assert not CompositeVersion.objects.exists()

    def test_the_builder_freezes_under_the_preset(self, browser, project, database, clips):
        fields = {"name": "M", "database": database.pk, "preset": "megc2019"}
        page = browser.post(self.url("composite-new", project.slug), fields)
        assert page.status_code == 422  # none of these names is in the list
        Clip.objects.filter(name="a").update(name="EP02_01f")
        Clip.objects.filter(name="b").update(name="EP01_11f")
        answer = browser.post(self.url("composite-new", project.slug), fields, follow=True)
        assert "Published list: 2 of 442" in answer.content.decode()
        assert set(Sample.objects.values_list("label", flat=True)) == {"positive", "negative"}
