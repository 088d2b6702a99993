"""What somebody may have meant by a key that is not there: other tools' words for ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from pipeline.errors import offered

SEARCHED = ("search", "grid")  # what is below has the names of what is searched

SAME = {  # another word -> conf/'s
    "lr": "learning_rate",
    "wd": "weight_decay",
    "eps": "epsilon",
    "bs": "batch_size",
    "batch": "batch_size",
    "n_epochs": "epochs",
    "random_state": "seed",
    "random_seed": "seed",
    "units": "width",
    "hidden": "width",
    "hidden_size": "width",
    "layers": "depth",
    "num_layers": "depth",
    "gpu": "device",
    "gamma": "scale",
    "beta": "center",
    "train_size": "train",
    "val": "validation",
    "test_size": "test",
}
SCORES = ("metric", "metrics", "score", "scoring", "f1", "loss", "criterion")
TASKS = (
    ": loss and scores are those of the dataset's task; others are a class of yours and its file "
    "in conf/task, chosen by dataset.task=NAME"
)
CLOSE = 0.55  # as difflib measures it, of the last part of a key: the first ones are known


def meant(key: str, known: object) -> str:
    """Return a clause on a key whose last part is not among the known ones, nested mappings."""
    *above, name = key.split(".")
    if name in SCORES and not above:
        return TASKS
    section = known
    for part in above:
        section = section.get(part) if isinstance(section, dict) else None
    here = [str(each) for each in section] if isinstance(section, dict) else []
    said = SAME.get(name, name)
    prefix = "".join(f"{part}." for part in above)
    close = [said] if said in here else difflib.get_close_matches(name, here, n=1, cutoff=CLOSE)
    elsewhere = [each for each in _keys(known) if each.rpartition(".")[2] == said]
    guesses = [f"{prefix}{each}" for each in close] if said in here or not elsewhere else elsewhere
    return offered(next(iter(guesses), ""), [f"{prefix}{each}" for each in here])


def no_choice(group: str, name: str, chosen: Iterable[str]) -> str:
    """Return a clause on a group of conf/ from which a root file chooses nothing."""
    if group == "task":
        return f"is its dataset's to say; write dataset.task={name}"
    return f"is chosen elsewhere{offered('', chosen)}"


def _keys(known: object, above: str = "") -> Iterator[str]:
    for name, below in known.items() if isinstance(known, dict) else ():
        if name not in SEARCHED:
            yield f"{above}{name}"
            yield from _keys(below, f"{above}{name}.")
