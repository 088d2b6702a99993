"""Which normalization to use: said of a profile that has run, or found out within some minutes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext, redirect_stdout
from importlib import import_module
from pathlib import Path

from pipeline.commands import STAGES
from pipeline.configuration.cell import Asked, compose_cells
from pipeline.configuration.cluster import compose_cluster
from pipeline.configuration.composition import check_choice
from pipeline.data.prepared import prepare
from pipeline.errors import Refusal
from pipeline.execution.cores import cores
from pipeline.findings.decisions.own import Answer, answers
from pipeline.findings.summary import Summary
from pipeline.stages import decide_files as files
from pipeline.stages.compare import found, read
from pipeline.stages.looking import takes_norm
from pipeline.stages.pace import apart, paces
from pipeline.stages.places import Places
from pipeline.stages.sizing import Pace, sized

ARMS = ("none", "batch", "batch_default", "layer", "group")
ALIKE = {"batch": "batch_default"}  # whose pace is another one's; its epsilon is tuned
LOCAL = "pipeline.execution.dask_clusters.local"
RUNNING = ("sweep", "confirm")


def run(profile: str, *, as_json: bool) -> None:
    """Print the answer of a profile, five lines for each of its cells.

    Args:
        profile: A profile, its analysis.json, or a folder that holds one.
        as_json: For a script.

    Raises:
        Refusal: It has not been analyzed, or tunes no arms of one's own.
    """
    file = found(profile)
    summary = read(file)
    said = answers(summary)
    if not said:
        raise Refusal(
            f"{file}: decides about no model of your own; its decisions are on "
            f"{file.parent / 'report.html'}"
        )
    print(_plain(summary, said) if as_json else _told(said))


def find_out(
    model: str, data: str, *, minutes: int, conf: Path, cluster: str, as_json: bool
) -> None:
    """Train what it takes to know, and print the answer.

    Args:
        model: A file of conf/model, or the dotted path of a function.
        data: A file of conf/dataset.
        minutes: That it may take, about.
        conf: The folder of configuration.
        cluster: Who works, as `sweep` takes it.
        as_json: For a script: all else goes to standard error.

    Raises:
        Refusal: It cannot be asked so.
        Unfinished: Some trials were given up.
    """
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        profile = _asked(model, data, minutes, conf, cluster)
        for name in STAGES:
            stage = import_module(f"pipeline.stages.{name}")
            if name == "compose":
                stage.run(conf, profile)
            elif name in RUNNING:
                stage.run(profile, conf=conf, cluster=cluster)
            else:
                stage.run(profile)
    if not as_json:
        print()
    run(profile, as_json=as_json)


def _asked(model: str, data: str, minutes: int, conf: Path, cluster: str) -> str:
    """Write the profile that asks, unless it is there, and return its name."""
    started = time.monotonic()
    check_choice(conf, "dataset", data, "--data")
    asked = files.named(model)
    if asked.function is None:
        check_choice(conf, "model", asked.name, "--model")
    workers = _workers(conf, cluster)
    name = files.profile_of(asked.name, data)
    request = f"{_request(asked)} --data {data} --minutes {minutes}"
    profile, experiment = (conf / group / f"{name}.yaml" for group in ("profile", "experiment"))
    known = [files.state(file, request) for file in (profile, experiment)]
    written = _write_model(conf, asked, model)
    if known == ["ours", "ours"]:
        print(f"{profile}: asked before, goes on: {files.plan_in(profile)}", flush=True)
        return name
    try:
        cells = {arm: _cell(conf, asked.name, data, arm) for arm in ARMS}
        arms = _measured(cells, Places(name).dataset(data))
        examples = cells["none"].cell.examples
        size = sized(
            arms,
            examples=examples,
            seconds=60 * minutes,
            spent=time.monotonic() - started,
            workers=workers,
        )
    except Refusal:
        if written is not None:
            written.unlink()
        raise
    plan = size.said(examples)
    text = files.experiment_text(asked.name, data, list(arms), size, examples=examples)
    _write(experiment, files.marked(request, text))
    _write(profile, files.marked(request, files.profile_text(name, plan)))
    print(f"{name}: {plan}", flush=True)
    return name


def _request(asked: files.Model) -> str:
    """Return how a command begins that asks about a model, however it was spelled."""
    return f"normbench decide --model {asked.function or asked.name}"


def _write_model(conf: Path, asked: files.Model, model: str) -> Path | None:
    """Write the file of a model that has none; return it where it was not there."""
    if asked.function is None:
        return None
    file, request = conf / "model" / f"{asked.name}.yaml", _request(asked)
    known = files.state(file, request)
    if known == "ours":
        return None
    text = files.model_text(asked.function, is_builder=apart(takes_norm, model, asked.function))
    _write(file, files.marked(request, text))
    return file if known == "absent" else None


def _write(file: Path, text: str) -> None:
    instead = ", instead of what an earlier request asked" if file.exists() else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    print(f"{file}: written{instead}", flush=True)


def _cell(conf: Path, model: str, data: str, arm: str) -> Asked:
    chosen = [f"dataset={data}", f"model={model}", f"norm={arm}"]
    [asked] = compose_cells(conf, chosen, multirun=False)
    if "engine" not in asked.cell.task.trainers:
        raise Refusal(f"--data {data}: is learned by acting; there are no minutes to plan for")
    return asked


def _measured(cells: Mapping[str, Asked], folder: Path) -> dict[str, Pace]:
    """Return the arms that can be trained with what they take; say which are left out, and why."""
    first = cells["none"]
    manifest = prepare(first.dataset, first.cell.dataset, folder)
    wanted = [arm for arm in ARMS if arm != "group" or len(manifest.shape) == 3]
    print("measuring what a run takes ...", flush=True)
    asked = {arm: cells[arm].cell for arm in wanted if arm not in ALIKE}
    known = apart(paces, asked, folder)
    if isinstance(plain := known["none"], str):
        raise Refusal(plain)
    measured: dict[str, Pace] = {}
    for arm in wanted:
        pace = known[ALIKE.get(arm, arm)]
        if isinstance(pace, Pace):
            measured[arm] = pace if arm in ALIKE else pace._replace(graphs=1)
        elif arm not in ALIKE:
            print(f"the arm {arm} is left out: {pace}", flush=True)
    if len(measured) < 2:
        raise Refusal("no arm but the plain one can be trained: there is nothing to compare")
    return measured


def _workers(conf: Path, cluster: str) -> int:
    """Return how many runs go on at a time; one where that is not known."""
    pool = compose_cluster(conf, cluster).pool
    if pool.target != LOCAL:
        return 1
    count = pool.arguments.get("workers")
    return count if isinstance(count, int) else cores()


def _told(said: tuple[Answer, ...]) -> str:
    several = len(said) > 1
    return "\n\n".join(
        "\n".join([*([f"On {each.cell}:"] if several else []), *each.lines]) for each in said
    )


def _plain(summary: Summary, said: tuple[Answer, ...]) -> str:
    plain = {"profile": summary.profile, "answers": [each.plain() for each in said]}
    return json.dumps(plain, indent=2, sort_keys=True, allow_nan=False)
