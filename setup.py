"""conf/ stands at the root, where it is edited, and travels within the package.

All else about the package is in pyproject.toml.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithConfiguration(build_py):
    """Puts conf/ into a wheel as pipeline/conf, unless the checkout itself is what is installed."""

    def run(self) -> None:
        """Copy it beside the code."""
        super().run()
        if not self.editable_mode:
            for file in sorted(Path("conf").rglob("*.yaml")):
                target = Path(self.build_lib, "pipeline", file)
                self.mkpath(str(target.parent))
                self.copy_file(str(file), str(target))


setup(cmdclass={"build_py": WithConfiguration})
