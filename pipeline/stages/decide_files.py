"""The files of conf/ by which `normbench decide` asks: their names, texts and whose they are.

A first line marks a file as written here, for which request, and the digest of what follows: a file
that somebody edited, or wrote, is left alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline import modules
from pipeline.errors import Refusal
from pipeline.records import WRAPPED, WRAPPING
from pipeline.stages.sizing import AT_RANDOM, BUDGET, CONFIRM, Size, batch_sizes

MARK = re.compile(r"# (normbench decide .*) \[([0-9a-f]{12})\]")
FIRST_SEED = 101  # that confirms, as in conf/study.yaml

State = Literal["absent", "ours", "another"]


class Model(NamedTuple):
    """A model that is asked about: its name in conf/model, and its function where it has none."""

    name: str
    function: str | None


def named(model: str) -> Model:
    """Return what `--model` means: a file of conf/model, or the dotted path of a function.

    Raises:
        Refusal: There is no such module.
    """
    if "." not in model and ":" not in model:
        return Model(model, None)
    path = model.replace(":", ".")
    if modules.source(path) is not None:  # a module: its builder
        path = f"{path}.build"
    if not all(part.isidentifier() for part in path.split(".")):
        raise Refusal(f"--model {model}: must be package.module or package.module:function")
    if problem := modules.trouble(path):
        raise Refusal(f"--model {model}: {problem}")
    name = path.removesuffix(".build").replace(".", "_")
    return Model(name, path)


def profile_of(model: str, data: str) -> str:
    """Return the name of the profile, and of its experiment."""
    return f"decide_{model}_{data}"


def marked(request: str, text: str) -> str:
    """Return a file's text below the line that says whose it is."""
    return f"# {request} [{_digest(text)}]\n{text}"


def state(file: Path, request: str) -> State:
    """Tell whether a file is there, and of this request.

    `another` is one that was written here for another request.

    Raises:
        Refusal: It is somebody's own, or was edited.
    """
    try:
        first, _, text = file.read_text(encoding="utf-8").partition("\n")
    except FileNotFoundError:
        return "absent"
    except (OSError, UnicodeDecodeError):
        first, text = "", ""
    found = MARK.fullmatch(first)
    if found is None:
        raise Refusal(f"{file}: is not of normbench decide, and is left alone; call it otherwise")
    if found[2] != _digest(text):
        raise Refusal(
            f"{file}: was edited, and is left alone; run its profile's stages yourself (see "
            "docs/own.md), or remove it"
        )
    return "ours" if found[1] == request else "another"


def plan_in(file: Path) -> str:
    """Return what a profile that was written here says of its size: its second line."""
    return file.read_text(encoding="utf-8").splitlines()[1].removeprefix("# ")


def model_text(function: str, *, is_builder: bool) -> str:
    """Return a file of conf/model for a builder, or for a function whose model is wrapped."""
    target = function if is_builder else WRAPPING
    source = "" if is_builder else f"{WRAPPED}: {function}\n"
    return (
        f"# {function}, as normbench decide was given it.\n"
        f"_target_: {target}\n{source}search: {{}}\ngrid: {{norm.epsilon: 5}}\n"
    )


def experiment_text(
    model: str, data: str, arms: Sequence[str], size: Size, *, examples: int
) -> str:
    """Return the experiment: every arm searched and confirmed; `examples` are all there are."""
    sizes = list(batch_sizes(size.examples))
    seeds = ",".join(str(FIRST_SEED + n) for n in range(CONFIRM))
    overrides = [
        f"epochs={size.epochs}",
        *([f"examples={size.examples}"] if size.examples < examples else []),
        f"search.batch_size.low={sizes[0]}",
        f"search.batch_size.high={sizes[-1]}",
        f"budget={BUDGET}",
        f"design.proposer.startup_trials={AT_RANDOM}",
        f"searches={size.searches}",
    ]
    lines = [
        f"# {model} on {data}: which normalization to use.",
        f"datasets: [{data}]",
        f"models: [{model}]",
        f"norms: [{', '.join(arms)}]",
        "optimizers: [adam]",
        "design: tpe",
        "axes: {}",
        "overrides:",
        *(f"  - {each}" for each in overrides),
        f'  - "confirm_seeds=[{seeds}]"',
    ]
    return "\n".join(lines) + "\n"


def profile_text(name: str, plan: str) -> str:
    """Return the profile of an experiment of its name; `plan` says its size in one line."""
    return (
        f"# {plan}\ndefaults: [quick, _self_]\nexperiments: [{name}]\n"
        f"analysis:\n  cost_experiments: [{name}]\n"
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
