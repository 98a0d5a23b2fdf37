"""The checks of ``make lint`` and ``.ci/run`` for secrets and vulnerable libraries find what they look for."""

from tests.audit import verdict
from tests.lint_secrets import found_secrets


def test_a_key_in_a_file_is_found_and_an_example_is_not(tmp_path):
    key = "AKIA" + "QYLPMN5HHHFPZAM2"
    (tmp_path / "settings.py").write_text(f'KEY = "{key}"\n')
    (tmp_path / "readme.md").write_text("redis://:secret@redis.lab and postgres://mer:password@db\n")
    (tmp_path / "id").write_text("-----BEGIN " + "RSA PRIVATE KEY-----\n")
    found = found_secrets(sorted(tmp_path.iterdir()))
    assert [line.removeprefix(f"{tmp_path}/") for line in found] == [
        "id:1: Private Key",
        "settings.py:1: AWS Access Key",
    ]


def test_the_audit_fails_for_a_known_vulnerability_only():
    clean = {"name": "a", "version": "1", "vulns": []}
    bad = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    unknown = {"name": "c", "skip_reason": "Dependency not found on PyPI"}
    assert verdict({"dependencies": [clean]})[0] == 0
    assert verdict({"dependencies": [clean, bad]}) == (1, ["b 2: CVE-1, fixed in 3"])
    assert "SKIPPED" in verdict({"dependencies": [unknown]})[1][0]
    assert "not audited" in verdict({"dependencies": [clean, unknown]})[1][0]
