"""Planted tables of two arms, and what a claim makes of them before and after a run gets worse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from pipeline.claims.claim import Part
from pipeline.claims.judging import judge_part, read_part
from pipeline.claims.rules import Word
from pipeline.statistics.failures import marked
from pipeline.tasks.classification import Classification

EXAMPLES = 200
TASK = Classification()
LEVELS = (0.95, 0.99)
# Of an effect that rises as the treatment gets worse, from the treatment's side to the control's.
RULES: dict[str, tuple[dict[str, Any], dict[Word, int]]] = {
    "direction": (
        {"kind": "direction", "margin": 0.1},
        {"refuted": -1, "inconclusive": 0, "no practical difference": 0, "supported": 1},
    ),
    "amount": (
        {"kind": "amount", "amount": 0.3, "margin": 0.1},
        {"refuted": -1, "inconclusive": 0, "supported": 1},
    ),
}


def part(rule: str) -> Part:
    """The claim that the treatment makes more errors."""
    return Part.parse(
        {
            "name": "errors",
            "effect": {
                "target": "pipeline.claims.kinds.errors.log_error_ratio",
                "arguments": {"metric": "validation_error"},
            },
            "treatment": {"arm": "treatment"},
            "control": {"arm": "control"},
            "where": {},
            "own": None,
            "block": ["seed", "batch_size"],
            "asserts": "greater",
            "rule": RULES[rule][0],
        }
    )


def table(generator: Generator) -> pd.DataFrame:
    """Runs of 8 to 16 seeds at one or two batch sizes, with outliers, ties and failures."""
    seeds, sizes = int(generator.integers(8, 17)), int(generator.integers(1, 3))
    lean = generator.choice([-0.1, -0.04, 0.0, 0.04, 0.1])
    noise = generator.choice([0.0, 0.01, 0.05])
    fails = generator.choice([0.0, 0.1, 0.5], 2)
    rows = []
    for seed in range(seeds):
        for size in range(sizes):
            for arm, shift, share in zip(("treatment", "control"), (lean, 0.0), fails, strict=True):
                score = 0.8 + shift + noise * generator.standard_t(3)
                rows.append(run(seed, size, arm, score, diverged=generator.random() < share))
    return pd.DataFrame(rows)


def worsened(runs: pd.DataFrame, arm: str, generator: Generator) -> pd.DataFrame:
    """The same runs, one of an arm's with a lower score or diverged."""
    place = int(generator.choice(np.flatnonzero((runs["arm"] == arm).to_numpy())))
    row = runs.iloc[place]
    drop = generator.choice([0.005, 0.05, 0.4])
    changed = run(
        row["seed"],
        row["batch_size"],
        arm,
        row["validation_score"] - drop,
        diverged=bool(row["diverged"]) or bool(generator.random() < 0.3),
    )
    rows = runs.to_dict("records")
    rows[place] = changed
    return pd.DataFrame(rows)


def word(runs: pd.DataFrame, rule: str, level: float) -> Word:
    """The verdict on a table, failures marked as the report marks them."""
    judged = part(rule)
    found = judge_part(
        judged,
        read_part(judged, marked(runs.assign(is_own=False, is_shared=True))),
        planned_blocks=len(runs) // 2,
        manipulation_failure=None,
        minimum=8,
        level=level,
        failure_margin=0.05,
    )
    return found.verdict.word


def offence(generator: Generator) -> str:
    """Worsen one run of a planted table; say how the verdict moved the wrong way, if it did."""
    runs, arm = table(generator), str(generator.choice(["treatment", "control"]))
    rule, level = str(generator.choice(list(RULES))), float(generator.choice(LEVELS))
    worse = worsened(runs, arm, generator)
    before, after = word(runs, rule, level), word(worse, rule, level)
    sides = RULES[rule][1]
    moved = sides[after] - sides[before]
    if (moved < 0) if arm == "treatment" else (moved > 0):
        return f"{rule} at {level:g}, {arm} worse: {before} became {after}"
    return ""


def run(seed: Any, size: Any, arm: str, score: float, *, diverged: bool) -> dict[str, Any]:
    """One row of a table; scores are rounded to whole examples."""
    right = float(np.clip(round(score * EXAMPLES), 0, EXAMPLES)) / EXAMPLES
    return {
        "study": arm,
        "task": TASK,
        "arm": arm,
        "seed": int(seed),
        "batch_size": int(size),
        "diverged": diverged,
        "validation_score": right,
        "best_validation_score": right,
        "validation_error": 1 - right,
        "validation_examples": EXAMPLES,
    }
