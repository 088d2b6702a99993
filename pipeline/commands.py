"""The stages in their order: the command line, the printed commands and the tests take it here."""

from __future__ import annotations

STAGES = {
    "compose": "turn conf/ into one validated file",
    "prepare": "write the datasets as arrays, split and checked",
    "sweep": "search each arm's best settings, every arm with the same budget",
    "confirm": "train the winners again on fresh seeds and read the test split once",
    "cost": "time a training step of each arm, where the profile asks for it",
    "analyze": "compute every figure of the report",
    "report": "write the page: report.md, report.html and charts",
}


def since(stage: str, profile: str) -> str:
    """Return the shell line that runs a stage of a profile and all after it."""
    stages = list(STAGES)
    after = stages[stages.index(stage) :]
    return " && ".join(f"normbench {name} {profile}" for name in after)
