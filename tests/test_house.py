"""The house rules: format, style, types, layers, and files that agree with one another."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "style": ["ruff", "check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports"],
}


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
