"""What ails a finished Keras model's normalization, whoever trained it: no configuration needed.

    from pipeline.diagnosis import NormWatch, diagnose, recalibrate

What lies here is imported when it is asked for: findings and checks need no TensorFlow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.diagnosis.diagnosing import diagnose
    from pipeline.diagnosis.recalibration import recalibrate
    from pipeline.diagnosis.watch import NormWatch

__all__ = ["NormWatch", "diagnose", "recalibrate"]
HOMES = {"NormWatch": "watch", "diagnose": "diagnosing", "recalibrate": "recalibration"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
