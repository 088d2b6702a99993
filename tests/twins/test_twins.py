"""The pipeline's effects against those of plain Keras, which shares no code with it."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.claims.claim import Claim, Part
from pipeline.claims.judging import part_sample
from pipeline.configuration.claim import claims
from pipeline.configuration.hydra import Told
from pipeline.configuration.study import studies
from pipeline.configuration.task import compose_task
from pipeline.data.prepared import prepare
from pipeline.execution.environment import environment
from pipeline.records import Answer, Result
from pipeline.search.factorial import Factorial
from pipeline.search.questions import components, question
from pipeline.statistics.pairs import with_statistics
from pipeline.statistics.runs import runs_table
from pipeline.statistics.samples import cluster_means, oriented
from pipeline.studies import Study

CONF = Path("conf")
TWIN = Path(__file__).with_name("plain_keras.py")
THIRTY_LINES = Path(__file__).with_name("t1_in_thirty_lines.py")
SEEDS = (1, 2, 3, 4)
MORE_SEEDS = (1, 2, 3, 4, 5, 6, 7, 8)
CHOOSING = (101, 102, 103)  # seeds of the pipeline's that choose rates and are not judged
# no fast path, no setting of the pipeline's: only the number of threads is the same
ONE_THREAD = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}
Sides = dict[str, np.ndarray]  # of each part: bounds of each seed's effect, shape (seeds, 2)


@pytest.mark.parametrize("script", [TWIN, THIRTY_LINES])
def test_the_twin_imports_nothing_of_the_pipeline(script):
    """Nor what could import by name: these are all of its modules."""
    nodes = list(ast.walk(ast.parse(script.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    libraries = {"keras", "mlxtend", "numpy"}
    standard = {"collections", "functools", "itertools", "json", "sys"}
    assert libraries <= {name.partition(".")[0] for name in plain | named} <= libraries | standard
    assert not {"__import__", "eval", "exec"} & {n.id for n in nodes if isinstance(n, ast.Name)}


def twin(claim: str, seeds: Sequence[int] = SEEDS) -> Sides:
    """Return each part's effects as plain Keras has them, in a process of its own."""
    command = [sys.executable, str(TWIN), claim, *map(str, seeds)]
    done = subprocess.run(
        command, env=os.environ | ONE_THREAD, check=True, stdout=subprocess.PIPE, text=True
    )
    return {part: np.array(bounds) for part, bounds in json.loads(done.stdout).items()}


def measured(
    claim: str, folder: Path, seeds: Sequence[int] = SEEDS, arms: Sequence[str] = ()
) -> tuple[Claim, pd.DataFrame]:
    """Return a claim and the table of its experiment's runs at these seeds, of all or some arms."""
    judged = [Claim.parse(plain) for plain in claims(CONF, ()).values()]
    [asked] = [each for each in judged if each.id == claim]
    has_choice = any(part.own is not None for part in asked.parts)
    told = Told("these tests", (f"seeds={[*CHOOSING, *seeds] if has_choice else list(seeds)}",))
    planned = list(studies(CONF, asked.experiment, told, partial(compose_task, CONF)))
    manifest = prepare(planned[0][1], "mnist_5k", folder)
    own = {study.name: study for study, _ in planned if not arms or study.arm in arms}
    answers = [each for study in own.values() for each in answered(study, folder, manifest.digest)]
    return asked, runs_table(answers, own, {"mnist_5k": manifest})


def answered(study: Study, folder: Path, digest: str) -> Iterator[Answer]:
    """Train all that a study of fixed settings asks for."""
    from pipeline.training.determinism import configure

    configure("cpu", threads=1)
    from pipeline.training.engine import train

    here = environment(components(study), study.trainer)
    proposer, results = Factorial(study), list[Result]()
    for index, asked in enumerate(study.asked):
        trial = question(
            study.placed(proposer.propose(results).values),
            data_digest=digest,
            environment=here,
            seed=asked.seed,
            split="validation",
        )
        results.append(train(trial, folder).result)
        yield Answer(study=study.name, index=index, key=trial.key, trial=trial, result=results[-1])


def effects(runs: pd.DataFrame, parts: Iterable[Part]) -> Sides:
    """Return parts' effects seed by seed, treatment minus control as the twin has them."""
    found = {}
    for part in parts:
        sample = oriented(part_sample(part, runs), part.asserts)
        found[part.name] = np.stack(cluster_means(sample), axis=1)
    return found


def hold_together(claim: str, twins: Sides, pipelines: Sides) -> None:
    """Print both sides of a claim's parts, and compare them.

    The two sides estimate one effect from other splits, weights, batches and formulas, so that
    their means over seeds differ by chance: by less than Welch's interval of a difference at 99%,
    and what lies between bounds by what those leave open. Parts whose means are clear of zero on
    both sides, at 95%, have one sign; each claim has such a part.
    """
    assert twins.keys() == pipelines.keys()
    print(f"\n{claim:4}{'part':42}{'twin':>16}{'pipeline':>16}{'apart':>8}{'allowed':>8}")
    wrong, clear = [], 0
    for part, sides in ((part, (twins[part], pipelines[part])) for part in pipelines):
        middles = [side.mean(axis=1) for side in sides]
        means = np.array([each.mean() for each in middles])
        errors = np.array([stats.sem(each) for each in middles])
        allowed = welch(errors, [len(each) for each in middles])
        allowed += sum(np.ptp(side, axis=1).mean() / 2 for side in sides)
        apart = abs(means[0] - means[1])
        shown = [f"{mean:+.3f} ± {error:.3f}" for mean, error in zip(means, errors, strict=True)]
        print(f"{'':4}{part:42}{shown[0]:>16}{shown[1]:>16}{apart:8.3f}{allowed:8.3f}")
        quantiles = [stats.t.ppf(0.975, len(each) - 1) for each in middles]
        if np.all(np.abs(means) > quantiles * errors):
            clear += 1
            if means[0] * means[1] < 0:
                wrong.append(f"{part}: signs differ")
        if not apart <= allowed:
            wrong.append(f"{part}: {apart:.3f} apart, {allowed:.3f} allowed")
    assert not wrong
    assert clear


def welch(errors: np.ndarray, seeds: Sequence[int]) -> float:
    """Half the width of Welch's 99% interval of a difference of two means with these errors."""
    terms = errors**2
    if not terms.sum():
        return 0.0
    freedom = terms.sum() ** 2 / sum(t**2 / (n - 1) for t, n in zip(terms, seeds, strict=True))
    return float(stats.t.ppf(0.995, freedom) * np.sqrt(terms.sum()))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_steps_to_the_target_agree_with_plain_keras(tmp_path):
    claim, runs = measured("T2", tmp_path, seeds=MORE_SEEDS, arms=("none", "batch"))
    names = ("steps to 90%", "at one rate, 0.001")
    parts = [part for part in (*claim.parts, *claim.beside) if part.name in names]
    found = {
        f"{name}, {statistics}": each
        for statistics in ("moving", "recalibrated")
        for name, each in effects(with_statistics(runs, statistics), parts).items()
    }
    hold_together("T2", twin("T2", MORE_SEEDS), found)


def renamed(part: Part, name: str, where: dict[str, float]) -> Part:
    """Return a part under another name, at other settings."""
    return part.model_copy(update={"name": name, "where": part.where | where})


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_largest_rate_agrees_with_plain_keras(tmp_path):
    claim, runs = measured("T3", tmp_path)
    hold_together("T3", twin("T3"), effects(with_statistics(runs, claim.statistics), claim.parts))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_lag_of_moving_averages_agrees_with_plain_keras(tmp_path):
    claim, runs = measured("T5", tmp_path)
    found = effects(runs, (*claim.parts, *claim.beside))
    for name, model in (("cnn", "cnn_small"), ("mlp", "mlp")):
        for step in (20, 50, 200, 500):
            gaps = [gap(row, step) for _, row in runs[runs["model"] == model].iterrows()]
            found[f"batch less moving, {name} at {step} steps"] = np.array([gaps, gaps]).T
    twins = twin("T5")
    hold_together("T5", {name: twins[name] for name in found}, found)


def gap(run: pd.Series, step: int) -> float:
    """Points of validation accuracy by which batch statistics are ahead of moving ones."""
    place = run["steps"].index(step)
    return 100 * (run["validation_score_batch_curve"][place] - run["validation_score_curve"][place])


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_small_batches_agree_with_plain_keras(tmp_path):
    claim, runs = measured("T11", tmp_path)
    parts = [part for part in (*claim.parts, *claim.beside) if part.own is not None]
    hold_together("T11", twin("T11"), effects(with_statistics(runs, claim.statistics), parts))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_depth_agrees_with_plain_keras(tmp_path):
    claim, runs = measured("T16", tmp_path)
    parts = [part for part in (*claim.parts, *claim.beside) if part.own is not None]
    [deepest] = [part for part in parts if part.name == "error at depth 20, with skips"]
    parts += [
        renamed(deepest, f"error at depth {depth}, with skips", {"model.depth": depth})
        for depth in (2, 6)
    ]
    hold_together("T16", twin("T16"), effects(with_statistics(runs, claim.statistics), parts))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_five_epochs_agree_with_thirty_lines_of_plain_keras(tmp_path):
    """Shrunk on both sides to 3,000 images; the profile `tutorial` has the 54,000."""
    command = [sys.executable, str(THIRTY_LINES), *map(str, MORE_SEEDS)]
    said = subprocess.run(
        command, env=os.environ | ONE_THREAD, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    head, *rows, _ = said.splitlines()
    assert head.split() == ["seed", "none@0.001", "none@0.01", "batch@0.001", "batch@0.01"]
    table = np.array([row.split() for row in rows], dtype=float)
    assert tuple(table[:, 0]) == MORE_SEEDS
    plain, by_rate, by_norm, both = np.log((1000 * table[:, 1:].T + 0.5) / 1001)
    cells = {"error": both, "rate alone": by_rate, "norm alone": by_norm}
    twins = {name: np.stack([each - plain] * 2, axis=1) for name, each in cells.items()}
    claim, runs = measured("T1s", tmp_path, seeds=MORE_SEEDS)
    parts = (*claim.parts, *claim.beside)
    hold_together("T1s", twins, effects(with_statistics(runs, claim.statistics), parts))
