"""The house itself: what every file of the project must, and must not, say."""

import dataclasses
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import netty

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ADRS = sorted((DOCS / "adr").glob("[0-9]*.md"))
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
# In parts, so that this file does not name them itself.
REGISTRY_HOSTS = tuple(
    "".join(parts)
    for parts in (
        ("registry.", "npmjs", ".org"),
        ("registry.", "yarnpkg", ".com"),
        ("pypi", ".org"),
        ("pypi.", "python", ".org"),
        ("files.", "pythonhosted", ".org"),
        ("proxy.", "golang", ".org"),
        ("static.", "crates", ".io"),
    )
)


def _tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git clone: " + listed.stderr.decode(errors="replace").strip())
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_no_file_names_the_host_of_a_registry() -> None:
    naming = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in _tracked_files()
        for host in REGISTRY_HOSTS
        if host.encode() in path.read_bytes()
    ]

    assert not naming


def test_nothing_that_is_built_is_committed() -> None:
    built = (
        "src/netty/web/static/",
        "frontend/node_modules/",
        "tests/interop/node_modules/",
        "dist/",
        ".venv/",
        ".setup/",
    )
    committed = [str(path.relative_to(ROOT)) for path in _tracked_files()]

    assert not [path for path in committed if path.startswith(built)]


@pytest.mark.parametrize("folder", ["frontend", "tests/interop"])
def test_the_package_lock_has_checksums_but_no_addresses(folder: str) -> None:
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert packages
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert not [name for name, package in packages.items() if "integrity" not in package]


@pytest.mark.parametrize("folder", ["frontend", "tests/interop"])
def test_a_package_names_exact_versions(folder: str) -> None:
    package = json.loads((ROOT / folder / "package.json").read_text())
    versions = package.get("dependencies", {}) | package["devDependencies"]

    assert not {name: version for name, version in versions.items() if not version[0].isdigit()}


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_exact_versions_and_nothing_else(path: Path) -> None:
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]

    assert not [line for line in lines if line and not re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[\w.]+( ;.*)?$", line)]


def test_every_dependency_is_pinned_and_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = [re.split(r"[\[<>=;~! ]", spec)[0].lower() for spec in project["project"]["dependencies"]]
    pinned = (ROOT / "requirements" / "runtime.txt").read_text()
    reasons = (DOCS / "adr" / "0012-dependencies.md").read_text().lower()

    assert not [name for name in names if f"\n{name}==" not in f"\n{pinned}"]
    assert not [name for name in names if name not in reasons]


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.stem)
def test_a_decision_record_is_one_page_of_four_parts(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line.startswith("## ")] == [
        "## Status",
        "## Context",
        "## Decision",
        "## Consequences",
    ]
    assert lines[0].startswith(f"# {int(path.name[:4])}. ")
    assert len(lines) <= 80


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))


def test_every_document_is_there_in_both_languages() -> None:
    english = {path.name for path in (DOCS / "en").glob("*.md")}

    assert english
    assert english == {path.name for path in (DOCS / "ja").glob("*.md")}


def _headings(path: Path) -> list[int]:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [len(marks) for marks in re.findall(r"^(#+) ", text, flags=re.MULTILINE)]


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        (ROOT / "README.md", ROOT / "README.ja.md"),
        *((path, DOCS / "ja" / path.name) for path in sorted((DOCS / "en").glob("*.md"))),
    ],
    ids=lambda path: path.name,
)
def test_both_languages_have_the_same_parts(english: Path, japanese: Path) -> None:
    assert _headings(english) == _headings(japanese)


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_readme_opens_with_the_two_commands(name: str) -> None:
    opening = (ROOT / name).read_text(encoding="utf-8")[:1200]

    assert opening.index("make demo") < opening.index("make test")


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")]), ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))

    assert not [link for link in links if not (path.parent / link).exists()]


def test_the_make_targets_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    documents = [*ROOT.glob("*.md"), *(DOCS / "en").glob("*.md"), *(DOCS / "ja").glob("*.md")]
    named = {name for path in documents for name in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))}

    assert named <= targets


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{netty.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()

    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_setting_is_documented_with_its_default(language: str) -> None:
    from netty.config.document import default_of
    from netty.config.remotes import toml_value
    from netty.config.settings import SECTIONS

    text = (DOCS / language / "settings.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## \[(\w+)\]\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    by_site = {("database", "url"), ("blobs", "url")}  # follow `data`

    lacking = [
        f"[{section}] | `{field.name}` | `{toml_value(default_of(field))}` |"
        for section, kind in SECTIONS.items()
        for field in dataclasses.fields(kind)
        if (section, field.name) not in by_site
        if f"| `{field.name}` | `{toml_value(default_of(field))}` |" not in parts.get(section, "")
    ]

    assert not lacking
