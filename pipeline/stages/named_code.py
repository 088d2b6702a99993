"""What the code that a configuration names raises is for its author: one line that says where."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import modules
from pipeline.errors import Contradiction, Refusal, reason_of

SHAPE = re.compile(r"shape\[(\d+(?:,\d+)*)\]")


@contextmanager
def told_in_one_line(targets: Iterable[str]) -> Iterator[None]:
    """Turn an exception that passed through the code of these dotted paths into a refusal.

    So is what TensorFlow cannot compute: the layers and their sizes are the first path's. Any other
    is a bug of this package, and goes on as it is.
    """
    paths = list(targets)
    try:
        yield
    except (Refusal, Contradiction):
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            size = SHAPE.search(str(error))
            array = f": an array of shape ({size[1].replace(',', ', ')})" if size else ""
            raise Refusal(
                f"{paths[0]}: its model needs more memory than there is{array}; make the model "
                "or the batch smaller"
            ) from error
        files = {modules.source(found) for each in paths if (found := modules.module(each))}
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename) in files
        ]
        if not frames and type(error).__module__.startswith("tensorflow."):
            raise Refusal(
                f"{paths[0]}: its model cannot be computed: {reason_of(error)}"
            ) from error
        if not frames:
            raise
        place = f"{frames[-1].filename}, line {frames[-1].lineno}"
        raise Refusal(f"{place}: {reason_of(error)}") from error
