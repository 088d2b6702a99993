"""Does an example's output depend on who else is in its batch?"""

from __future__ import annotations

from pipeline.findings.settings.chart import named_factors
from pipeline.findings.settings.figures import Setting
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Block, Command, Nothing, Section, Table, Text
from pipeline.wording import MISSING, arguments, number


def section(summary: Summary) -> Section:
    """Return how far outputs move, arm by arm."""
    rows = []
    for name, factors in named_factors(summary, lambda each: any(map(_measured, each.settings))):
        rows += [_row(name, setting) for setting in factors.settings]
    blocks: list[Block] = []
    if rows:
        heads = ("Cell", "Arm", "Settings", "Training mode", "Inference mode", "Runs")
        blocks += [
            Text(
                "The same examples went through each trained network with other batch-mates. A "
                "change is relative to the largest output; the largest over examples and seeds is "
                "shown. What is left at a millionth is rounding."
            ),
            Table("Change of an output when its batch changes", heads, tuple(rows), labels=2),
            Command(summary.commands["sweep"]),
        ]
    else:
        blocks.append(Nothing("Nothing to show: no experiment measures it."))
    return Section("independence", "Outputs and their batch", tuple(blocks))


def _measured(setting: Setting) -> bool:
    return setting.change_training is not None or setting.change_inference is not None


def _row(name: str, setting: Setting) -> tuple[str, ...]:
    return (
        name,
        setting.arm,
        arguments(setting.values) or "as the file has them",
        _change(setting.change_training),
        _change(setting.change_inference),
        f"{setting.outcomes.runs} of {setting.planned}",
    )


def _change(found: float | None) -> str:
    return MISSING if found is None else number(found)
