"""A finished model, and examples if there are any -> what ails its normalization."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.diagnosis.diagnosis import Diagnosis, Mended
from pipeline.diagnosis.sections import (
    DRIFT_HEADS,
    alike,
    drift_rows,
    mates_sentence,
    mended_sentence,
    score_rows,
    sections,
    where,
)
from pipeline.errors import Refusal

SHOWN = 8  # layers on a terminal; the page has all
COLORS = {"harm": "bold red", "warning": "yellow", "note": "dim"}
LEAST = 100  # columns that a table needs


def run(
    model: str,
    *,
    conf: Path,
    data: str | None,
    examples: Path | None,
    batch_size: int,
    steps: int | None,
    modules: Sequence[str],
    trust: bool,
    as_json: bool,
    html: Path | None,
    mended: Path | None,
) -> int:
    """Print what was found; return how many findings there are.

    Args:
        model: A file, or `package.module:function`.
        conf: The folder of configuration groups, for `data`.
        data: A dataset of it.
        examples: An archive with arrays x and y.
        batch_size: In training.
        steps: Of training, if they are known.
        modules: Dotted paths of modules that register the model's layers.
        trust: Whether code in the model's file may run.
        as_json: Print the diagnosis as JSON, and nothing else.
        html: Where a page goes.
        mended: Where a recalibrated model goes, a .keras file.

    Raises:
        Refusal: Model, data or places are not as they should be.
    """
    _check_places(data, examples, html, mended)
    import_module("pipeline.training.determinism").configure("cpu", 1)
    diagnosing = import_module("pipeline.diagnosis.diagnosing")
    loaded = import_module("pipeline.diagnosis.loading").load(model, modules=modules, trust=trust)
    given = _examples(conf, data, examples)
    arguments: dict[str, Any] = {"batch_size": batch_size, "steps": steps, "name": model}
    if given is not None:
        training, scored = given.training, given.scored
        arguments |= {"x": training.examples, "y": training.targets}
        arguments["scored"] = (scored.examples, scored.targets)
    found: Diagnosis = diagnosing.diagnose(loaded, **arguments)
    if mended is not None:
        found = _mend(loaded, found, given, batch_size, mended)
    if as_json:
        print(json.dumps(found.plain(), indent=2))
    else:
        _print(found)
    if html is not None:
        rendering = import_module("pipeline.page.rendering")
        pages = rendering.rendered(f"Diagnosis of {model}", sections(found), is_screening=False)
        html.write_text(pages["report.html"])
        if not as_json:
            print(f"The page: {html}")
    return len(found.findings)


def schema() -> str:
    """Return the JSON schema of what `--json` prints."""
    return json.dumps(Diagnosis.model_json_schema(), indent=2)


def _check_places(
    data: str | None, examples: Path | None, html: Path | None, mended: Path | None
) -> None:
    for option, file, suffix in (("--html", html, ".html"), ("--recalibrate", mended, ".keras")):
        if file is not None and (file.suffix != suffix or not file.parent.is_dir()):
            raise Refusal(f"{option} {file}: must be a file NAME{suffix} in a folder that exists")
    if mended is not None and data is None and examples is None:
        raise Refusal("--recalibrate: needs training examples; name --data or --examples")


def _examples(conf: Path, data: str | None, examples: Path | None) -> Any:
    reading = import_module("pipeline.diagnosis.examples")
    if examples is not None:
        return reading.read_examples(examples)
    if data is None:
        return None
    folder = import_module("pipeline.stages.train").arrays_of(conf, data)
    arrays = import_module("pipeline.data.arrays")
    scale = arrays.read_manifest(folder).scale
    splits = []
    for split in ("train", "validation"):
        pixels, targets = arrays.open_split(folder, split)
        splits.append(reading.Examples((pixels * scale).astype("float32"), targets))
    return reading.Data(*splits)


def _mend(loaded: Any, found: Diagnosis, given: Any, batch_size: int, file: Path) -> Diagnosis:
    after = import_module("pipeline.diagnosis.diagnosing").mend(
        loaded, found, given, batch_size=batch_size
    )
    import_module("pipeline.training.saved").save_model(loaded, file)
    assert found.measured is not None
    assert found.measured.moving is not None
    mended = Mended(file=str(file), before=found.measured.moving, after=after)
    return found.model_copy(update={"mended": mended})


def _print(found: Diagnosis) -> None:
    console = Console()
    if console.width < LEAST:
        console = Console(width=LEAST)
    if found.findings:
        table = Table(header_style="dim", show_lines=True)
        for head, ratio in (("rank", None), ("layer", 2), ("found", 4), ("what to do", 4)):
            table.add_column(head, overflow="fold", ratio=ratio)
        for each, more in alike(found.findings):
            said = Text.assemble((each.code, "bold"), f": {each.says}. {each.why}.")
            rank = Text(each.rank, style=COLORS[each.rank])
            table.add_row(rank, Text(where(each, more)), said, Text(each.line, style="cyan"))
        console.print(table)
    told = found.measured
    if told is not None and told.moving is not None:
        table = Table("normalized by", box=None, header_style="dim")
        table.add_column(told.word, justify="right")
        table.add_column("loss", justify="right")
        for row in score_rows(told):
            table.add_row(*row)
        console.print(table)
    if told is not None:
        table = Table(*DRIFT_HEADS, box=None, header_style="dim")
        for drift in drift_rows(told)[:SHOWN]:
            table.add_row(*(Text(cell) for cell in drift))
        console.print(table)
        console.print(mates_sentence(told))
    if found.mended is not None:
        console.print(mended_sentence(found), soft_wrap=True)
    console.print(Text(found.summary), soft_wrap=True)
