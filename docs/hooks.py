"""Hooks of the documentation site (mkdocs.yml): the files at the repository's root, and the reference of models_ml."""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
# Files at the root that belong to the site, and their paths there.
AT_ROOT = {"README.md": "index.md", "LICENSE": "LICENSE.txt"}
AT_ROOT |= {
    name: name for name in ("CONTRIBUTING.md", "STYLE.md", "CHANGELOG.md", "SECURITY.md", "CITATION.cff")
}
RELATIVE_LINK = re.compile(r"(?<=\]\()(\.\./)?(docs/)?([\w./-]+)(?=[)#])")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the reference to the navigation."""
    reference = [{name: f"reference/{name}.md"} for name in packages()]
    config.nav = [*(config.nav or []), {"Reference: models_ml": reference}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not files in docs/."""
    for name, path in AT_ROOT.items():
        files.append(File.generated(config, path, content=(ROOT / name).read_text("utf-8")))
    for package, modules in packages().items():
        files.append(
            File.generated(config, f"reference/{package}.md", content=reference_page(package, modules))
        )
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Rewrite links between the root and docs/: on the site, both are one folder."""
    return RELATIVE_LINK.sub(lambda match: AT_ROOT.get(match[3], match[3]), markdown)


def packages() -> dict[str, list[str]]:
    """Return the modules of models_ml by package, as dotted names. Modules outside a package belong to ``models_ml``."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "models_ml").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        dotted = ".".join(parts).removesuffix(".__init__")
        is_private = parts[-1].startswith("_") and parts[-1] != "__init__"
        if is_private or dotted == "models_ml" or not path.read_text("utf-8").strip():
            continue
        package = parts[1] if len(parts) > 2 else "models_ml"
        found.setdefault(package, []).append(dotted)
    return found


def reference_page(package: str, modules: list[str]) -> str:
    """Return the Markdown of one page of the reference."""
    title = package if package == "models_ml" else f"models_ml.{package}"
    return "\n\n".join([f"# `{title}`", *(f"::: {module}" for module in modules)])
