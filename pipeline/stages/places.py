"""Where a profile's files lie, relative to the current folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The files of one profile: outputs that DVC caches, and pages that lie in the open."""

    profile: str

    @property
    def artifacts(self) -> Path:
        """Folder of the cached outputs."""
        return Path("artifacts") / self.profile

    @property
    def arrays(self) -> Path:
        """Folder with one sub-folder of .npy files and a manifest per dataset."""
        return self.artifacts / "arrays"

    def dataset(self, name: str) -> Path:
        """Return the folder of a dataset's arrays."""
        return self.arrays / name

    @property
    def studies(self) -> Path:
        """Sealed answers of the sweep, one line each."""
        return self.artifacts / "studies.jsonl"

    @property
    def confirmed(self) -> Path:
        """Sealed answers of the winners on fresh seeds, one line each."""
        return self.artifacts / "confirmed.jsonl"

    @property
    def costs(self) -> Path:
        """What a training step costs, and what training took: clock readings."""
        return self.artifacts / "cost.json"

    @property
    def models(self) -> Path:
        """Folder with one .keras file per confirmed winner."""
        return self.artifacts / "models"

    def model(self, study: str) -> Path:
        """Return the file of a study's confirmed winner."""
        return self.models / f"{study}.keras"

    @property
    def lock(self) -> Path:
        """What a run of this profile holds while it writes."""
        return Path("artifacts") / f"{self.profile}.lock"

    @property
    def progress(self) -> Path:
        """What a run of this profile tells other terminals."""
        return Path("artifacts") / f"{self.profile}.progress.json"

    @property
    def reports(self) -> Path:
        """Folder of the composed configuration, the analysis and the pages."""
        return Path("reports") / self.profile

    @property
    def plan(self) -> Path:
        """The composed configuration."""
        return self.reports / "config.yaml"

    @property
    def inputs(self) -> Path:
        """Digests of the user's data and code, which DVC can't see by itself."""
        return self.reports / "inputs.yaml"

    @property
    def seen(self) -> Path:
        """What data looked like when they were digested last: no need to read them again."""
        return Path("artifacts") / f"{self.profile}.inputs.json"

    def made(self, what: str) -> Path:
        """Return where it is noted what outputs were made of: no need to make them again."""
        return Path("artifacts") / f"{self.profile}.{what}.made.json"

    @property
    def analysis(self) -> Path:
        """Every figure that the report prints."""
        return self.reports / "analysis.json"

    @property
    def metrics(self) -> Path:
        """The analysis's headline figures, for MLflow and whoever names the file to DVC."""
        return self.reports / "metrics.json"

    @property
    def verdicts(self) -> Path:
        """How many claims got which verdict: a line that `dvc metrics show` has room for."""
        return self.reports / "verdicts.json"
