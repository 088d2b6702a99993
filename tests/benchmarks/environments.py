"""Environments of the tools that we are compared with: pinned, made from the package index.

Each lies below build/ and is no part of ours. One may stand on ours: then it finds here what its
own requirements do not bring, so that both train with the same TensorFlow and Keras.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from pipeline.errors import Refusal

PEERS = Path(__file__).with_name("peers")
BUILD = Path("build/peers")


def python_of(name: str, *, on_ours: bool = False, build: Path = BUILD) -> str:
    """Return the Python of an environment, made when it is missing or was made of other pins.

    Args:
        name: Its requirements are peers/NAME.txt.
        on_ours: Whether it stands on ours.
        build: Where environments lie.

    Raises:
        Refusal: pip could not install what it needs.
    """
    requirements = PEERS / f"{name}.txt"
    ours = sysconfig.get_path("purelib") if on_ours else ""
    folder = build.resolve() / name
    python, ready = folder / "bin" / "python", folder / ".ready"
    made_of = "\n".join([sys.version, ours, requirements.read_text()])
    if ready.exists() and ready.read_text() == made_of:
        return str(python)
    shutil.rmtree(folder, ignore_errors=True)
    _carry_out(requirements, [sys.executable, "-m", "venv", str(folder)])
    if on_ours:
        (found,) = folder.glob("lib/python*/site-packages")
        (found / "ours.pth").write_text(ours + "\n")
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _carry_out(requirements, [str(python), *install, "--requirement", str(requirements)])
    ready.write_text(made_of)
    return str(python)


def pins(name: str) -> dict[str, str]:
    """Return the versions that an environment's requirements name."""
    lines = (PEERS / f"{name}.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def _carry_out(requirements: Path, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
        why = next((line for line in said if line.startswith("ERROR")), said[-1])
        raise Refusal(
            f"tests/benchmarks/peers/{requirements.name}: its environment could not be made: "
            f"{why}; run it where pip reaches a package index"
        )
