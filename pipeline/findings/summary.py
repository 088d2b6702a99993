"""Every figure that the report prints, in one frozen record: each finding's own, by its name.

What was planned and did not come back keeps its place, with None where its figures would stand.
Nothing here reads a clock or a file, so that the same answers give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module, util
from types import ModuleType
from typing import TypeVar

from pydantic import SerializeAsAny, field_validator

from pipeline.content import Record
from pipeline.errors import nearest
from pipeline.findings import FINDINGS
from pipeline.records import Task
from pipeline.studies import Analysis

F = TypeVar("F", bound=Record)


class Summary(Record):
    """The whole analysis of one profile.

    `arms` are all that it has, the reference first; `tasks` say what each finding's runs call score
    and error, in plain words where they differ; `commands` reproduce it, by where they begin.
    """

    profile: str
    analysis: Analysis
    arms: tuple[str, ...]
    tasks: dict[str, Task]
    commands: dict[str, str]
    findings: dict[str, SerializeAsAny[Record]]

    @field_validator("findings", mode="before")
    @classmethod
    def _are_each_of_their_own_kind(cls, content: Mapping[str, object]) -> dict[str, Record]:
        found: dict[str, Record] = {}
        for name, figures in content.items():
            module = figures_module(name)
            if module is None:
                raise ValueError(f"{name} is no finding with figures{nearest(name, FINDINGS)}")
            found[name] = figures if isinstance(figures, Record) else module.Figures.parse(figures)
        return found

    def of(self, kind: type[F]) -> F:
        """Return the figures of the finding whose record this is."""
        found = self.findings[_finding(kind)]
        assert isinstance(found, kind)
        return found

    def task(self, kind: type[Record]) -> Task:
        """Return the task in whose words this finding's figures are said."""
        return self.tasks[_finding(kind)]

    def text(self) -> str:
        """Return the record as indented JSON, the same bytes for the same figures."""
        plain = json.dumps(self.plain(), sort_keys=True, indent=2, allow_nan=False)
        return plain + "\n"


def _finding(kind: type[Record]) -> str:
    return kind.__module__.split(".")[-2]


def figures_module(name: str) -> ModuleType | None:
    """Return what computes a finding's figures; None where it has none, or there is no such."""
    module = f"{__package__}.{name}.figures"
    if name not in FINDINGS or util.find_spec(module) is None:
        return None
    return import_module(module)
