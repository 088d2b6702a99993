"""What decides the digits of a cell's trials here, where its precision makes something faster."""

from __future__ import annotations

from pipeline.errors import Refusal
from pipeline.execution.environment import environment, processor
from pipeline.records import Environment
from pipeline.search.questions import components
from pipeline.studies import CellFields


def environment_of(cell: CellFields) -> Environment:
    """Return what decides the digits of a cell's trials on this machine.

    Raises:
        Refusal: A component's module cannot be found, or the cell asks for a precision that
            makes nothing faster here.
    """
    slow = cell.precision == "bfloat16" and cell.device == "cpu" and "bf16" not in processor()
    if slow and not cell.allow_slow_precision:
        raise Refusal(
            "precision=bfloat16: this processor has no instructions for it, so that nothing would "
            "be faster than in float32; allow_slow_precision=true takes it all the same"
        )
    return environment(components(cell), cell.trainer)
