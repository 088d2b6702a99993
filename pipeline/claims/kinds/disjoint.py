"""Runs that share no seed, compared as if they did: what a rule makes of no difference."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.claims.kind import Error, error_ratio, reads
from pipeline.claims.kinds import errors
from pipeline.statistics.pairs import ranked_seeds
from pipeline.statistics.samples import Sample


@reads(error_ratio())
def log_error_ratio(
    treatment: pd.DataFrame, control: pd.DataFrame, *, block: Sequence[str], metric: Error
) -> Sample:
    """Log error ratio of runs paired by the rank of their seeds, which they do not share.

    Args:
        treatment: Rows of one side.
        control: Rows of the other, on other seeds.
        block: What a pair shares; its seeds are numbered from 0 on either side.
        metric: An error, such as `validation_error`.
    """
    return errors.log_error_ratio(
        ranked_seeds(treatment), ranked_seeds(control), block=block, metric=metric
    )
