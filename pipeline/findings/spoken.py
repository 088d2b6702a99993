"""The words in which figures of several studies are said."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records import ErrorWords, Task
from pipeline.studies import Study

PLAIN = ErrorWords(noun="error", less="less", more="more")


def spoken(studies: Sequence[Study], profile: Sequence[Study]) -> Task:
    """Return the task of studies; plain words where tasks differ, or nothing says which it is.

    Args:
        studies: Those whose figures are said; none where a profile doesn't run them.
        profile: All of a profile's.
    """
    first = profile[0].task
    if studies and all(study.task == studies[0].task for study in studies):
        return studies[0].task
    return first.model_copy(update={"score": "score", "error": PLAIN})
