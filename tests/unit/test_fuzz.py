"""Fuzzed configuration: a value that was given is the one in the record, or one line says why not.

Overrides, edited files and cluster words are drawn by kind. Whatever composes
is compared with the shipped configuration: it may differ in the keys that were
given, and in nothing else. `python -m pytest -s --numprocesses=0 -m slow
tests/unit/test_fuzz.py` prints the outcomes by kind.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from pipeline.configuration.cell import compose_cells
from pipeline.configuration.cluster import compose_cluster
from pipeline.configuration.plan import compose_plan
from pipeline.content import content_digest
from pipeline.errors import Refusal
from pipeline.studies import Plan

CONF = Path("conf")
LONGEST_LINE = 600
NOTHING: dict[str, Any] = {}


@dataclass(frozen=True)
class Case:
    """What is asked, and what the record must hold for it, where that is known."""

    kind: str
    asked: tuple[str, ...]
    given: dict[str, Any] | None = None
    multirun: bool = False


# Keys and what is written behind them

WHOLE = ("seed", "epochs", "batch_size", "examples", "dataset.train", "dataset.seed", "model.width")
REAL = ("optimizer.learning_rate", "norm.momentum", "norm.epsilon", "model.taper", "norm.axis")
TRUTH = ("summary", "decay_norm_weights", "norm.center", "model.use_bias", "optimizer.amsgrad")
TEXT = ("norm.beta_initializer", "dataset.source.digest", "model.activation", "norm.placement")
OTHER = ("device", "trainer", "probes", "probes.shadow_momenta", "dataset.test", "norm._target_")
KEYS = (*WHOLE, *REAL, *TRUTH, *TEXT, *OTHER)
GROUPS = ("dataset", "model", "norm", "optimizer")
NAMES = ("cnn", "mlp", "none", "layer", "batch", "sgd", "adam", "mnist_5k")
CHOICES = ("model=cnn", "norm=none", "norm='layer'", "optimizer=sgd", "dataset=mnist", "norm=cnn")

keys = st.sampled_from(KEYS)
groups = st.sampled_from(GROUPS)
whole_numbers = (
    st.integers(1, 64)
    | st.integers()
    | st.sampled_from([0, 1, 2, 3, 32, 2**31, 2**32, 2**63, 10**30])
)
real_numbers = st.floats(1e-9, 0.999) | st.floats(allow_nan=False, allow_infinity=False)
disguises = st.sampled_from(
    [
        *("nan", "NaN", "inf", "-inf", "+inf", "1e400", "-1e400", "1e-400", "1e3", "1E-3"),
        *("0x10", "0b1", "0o17", "010", "-0", "+1", "1_000", "_1", "1__0", ".5", "5.", "1:30"),
        *("1.2.3", "1j", "1/2", "50%", "٣", "½", "--", "-", "~", "???", "yes", "no", "on", "off"),
        *("True", "TRUE", "fAlse", "None", "none", "Null", "1,5"),
    ]
)
printable = st.text(
    st.characters(exclude_characters="\\'\"$?", exclude_categories=["Cs", "Cc"]), max_size=20
)
soup = st.text("abz019._-=+~@/:,;'\"\\()[]{}<>$|*%#& \t\n", max_size=30)
anything = st.text(max_size=30) | soup
references = st.sampled_from(
    [
        "${seed}",
        "${dataset.train}",
        "${nothing}",
        "${dataset.nothing}",
        "${.seed}",
        "${..seed}",
        "${...}",
        "${}",
        "${",
        "$",
        "${seed",
        "a${seed}b",
        "${${seed}}",
        "${model}",
        "${hydra.runtime.cwd}",
        "${hydra:runtime.cwd}",
        "${now:%Y}",
        "${python_version:}",
        "${oc.env:HOME}",
        "${oc.env:PATH,3}",
        "${oc.env:NORMBENCH_NOT_SET}",
        "${oc.decode:'3'}",
        "${oc.create:{a: 1}}",
        "${oc.select:nothing,3}",
        "${oc.deprecated:seed}",
        "${oc.dict.keys:model}",
        "${shell:ls}",
        "${eval:'1+1'}",
        "\\${seed}",
        "${probes.shadow_momenta[0]}",
        "${seed:}",
    ]
)
hostile_names = st.sampled_from(
    [
        "",
        ".",
        "..",
        "../cell",
        "../norm/batch",
        "/etc/passwd",
        "mlp.yaml",
        "MLP",
        "mlp ",
        "'mlp'",
        "a" * 300,
        "a/" * 300,
        "[mlp]",
        "{a:1}",
        "null",
        "'nu\x00ll'",
        "'größe'",
        "'<img src=x>'",
        "_self_",
        "override",
    ]
)
packages = st.sampled_from(["@_global_", "@foo", "@model", "@_group_", "@:x", "@", "@a:b"])
prefixes = st.sampled_from(["", "+", "++", "~", "~~", "+++", "-", "!"])
nestings = st.builds(
    lambda opened, closed, depth: opened * depth + closed * depth,
    st.sampled_from(["[", "{a:", "(", "int(", "'"]),
    st.sampled_from(["]", "}", ")", "", "'"]),
    st.integers(1, 2000),
)
sweeps = st.sampled_from(
    [
        "1,2",
        "1,1",
        "a,",
        ",",
        "range(1,4)",
        "range(4,1)",
        "range(0,5,0)",
        "range(0,1,0.1)",
        "range(0,1000000000000)",
        "range(0,inf)",
        "range(0,nan)",
        "range(0,1e-9,1e-18)",
        "interval(0,1)",
        "choice(1,2)",
        "choice()",
        "glob(*)",
        "glob([b*],exclude=batch)",
        "glob(zz)",
        "shuffle(1,2)",
        "shuffle(range(0,1000000000000))",
        "sort(3,1,2)",
        "tag(a,1,2)",
        "int(2.5),3",
        "float(x)",
        "batch,none",
        "batch,nothing",
        "[1],[2]",
    ]
)


def one(kind: str, text: st.SearchStrategy[str]) -> st.SearchStrategy[Case]:
    return text.map(lambda override: Case(kind, (override,)))


def valued(kind: str, key: st.SearchStrategy[str], value: st.SearchStrategy[Any]) -> Any:
    """Return overrides of a key by a value that the record must hold."""
    written = {
        bool: lambda v: str(v).lower(),
        str: lambda v: f"'{v}'",
        type(None): lambda _: "null",
    }

    def case(name: str, content: Any) -> Case:
        text = written.get(type(content), repr)(content)
        return Case(kind, (f"{name}={text}",), {name: content})

    return st.builds(case, key, value)


def joined(*parts: Any) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(p) if isinstance(p, str) else p for p in parts)).map("".join)


SINGLE: dict[str, st.SearchStrategy[Case]] = {
    "whole number": valued("whole number", st.sampled_from((*WHOLE, *REAL)), whole_numbers),
    "real number": valued("real number", st.sampled_from((*WHOLE, *REAL)), real_numbers),
    "number in disguise": one("number in disguise", joined(keys, "=", disguises)),
    "mistyped": valued(
        "mistyped", keys, st.booleans() | st.none() | printable | st.lists(st.integers(0, 9))
    ),
    "text": valued("text", st.sampled_from(TEXT), printable),
    "very long": one(
        "very long",
        joined(keys, "=", st.integers(500, 50_000).map("x".__mul__))
        | joined(keys, "=", st.integers(500, 9_000).map("9".__mul__))
        | joined(st.integers(500, 50_000).map("x".__mul__), "=1"),
    ),
    "nested": one("nested", joined(keys, "=", nestings)),
    "group": one("group", st.sampled_from(CHOICES) | joined(groups, "=", hostile_names)),
    "group of another kind": one("group of another kind", joined(groups, "=", disguises | soup)),
    "unknown key": one(
        "unknown key", joined(keys | groups, st.sampled_from(["x", ".x", "/x"]), "=1")
    ),
    "deletion": one("deletion", joined("~", keys | groups, st.sampled_from(["", "=", "=1"]))),
    "addition": one(
        "addition",
        joined(
            prefixes, keys | groups | st.sampled_from(["x", "hydra", "model.x"]), "=", disguises
        ),
    ),
    "interpolation": one("interpolation", joined(keys | groups, "=", references)),
    "quoted interpolation": one("quoted interpolation", joined(keys, "='", references, "'")),
    "package": one("package", joined(prefixes, groups, packages, "=", st.sampled_from(NAMES))),
    "hydra's own": one(
        "hydra's own",
        joined(
            prefixes,
            st.sampled_from(["hydra", "hydra.run.dir", "hydra/launcher", "hydra.searchpath"]),
            "=",
            anything,
        ),
    ),
    "mapping": one("mapping", joined(keys, "={", anything, "}")),
    "list": one("list", joined(keys, "=[", anything, "]")),
    "grammar": one("grammar", joined(prefixes, keys, "=", soup)),
    "Unicode": one("Unicode", joined(keys, "=", st.text(min_size=1, max_size=20))),
    "any text": one("any text", anything),
    "several values": st.builds(
        lambda key, values, multirun: Case("several values", (f"{key}={values}",), None, multirun),
        keys | groups,
        sweeps,
        st.booleans(),
    ),
}
SEVERAL = "several overrides"
single = st.sampled_from(sorted(SINGLE)).flatmap(SINGLE.__getitem__)
several = st.lists(single, min_size=2, max_size=4).map(
    lambda cases: Case(
        SEVERAL,
        tuple(text for case in cases for text in case.asked),
        multirun=any(case.multirun for case in cases),
    )
)
OVERRIDES = st.integers(0, len(SINGLE)).flatmap(lambda n: single if n else several)


# Where conf/ says what the record holds


def place(key: str) -> tuple[str, ...]:
    """Return the path, in {"dataset": ..., "cell": ...}, of what a key of conf/ says."""
    section, *rest = key.split(".")
    if section == "summary":
        return ("summary",)
    if section == "dataset" and rest[0] == "source":
        return ("dataset", "source", *of_component(rest[1]))
    if section == "dataset":
        return ("dataset", *rest)
    if section == "norm" and rest[0] != "placement":
        return ("cell", "norm", "layer", *of_component(rest[0]))
    if section in ("model", "optimizer"):
        return ("cell", section, *of_component(rest[0]))
    return ("cell", section, *rest)


def of_component(name: str) -> tuple[str, ...]:
    return ("target",) if name == "_target_" else ("arguments", name)


def put(record: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        record = record[part]
    record[path[-1]] = value


def same(found: Any, wanted: Any) -> bool:
    """Compare plain data: a whole number may stand for a real one, true never for 1."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[k], wanted[k]) for k in found)
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def plain_of(asked: Any) -> dict[str, Any]:
    return {
        "dataset": asked.dataset.plain(),
        "cell": asked.cell.plain(),
        "summary": asked.summary,
    }


@cache
def shipped() -> str:
    [asked] = compose_cells(CONF, [], multirun=False)
    return json.dumps(plain_of(asked))


def expected(given: dict[str, Any]) -> dict[str, Any]:
    """Return the shipped record with the given values in their places."""
    record: dict[str, Any] = json.loads(shipped())
    for key, value in given.items():
        put(record, place(key), value)
        if key == "dataset.train":  # conf/cell.yaml: examples: ${dataset.train}
            put(record, place("examples"), value)
    return record


# What may come out


def refused(refusal: Refusal) -> str:
    line = str(refusal)
    assert line.isprintable(), line
    assert len(line) < LONGEST_LINE, line
    assert line.encode()
    where, _, what = line.partition(": ")
    assert where.startswith(("command line", "cluster ")) or Path(where).name, line
    assert what, line
    return "refused"


def composed(case: Case) -> str:
    """Compose overrides: the records are valid and as given, or a line says why not."""
    try:
        asked = compose_cells(CONF, case.asked, multirun=case.multirun)
    except Refusal as refusal:
        return refused(refusal)
    assert asked, "nothing at all was asked for, and nobody was told"
    for each in asked:
        assert type(each.cell).parse(each.cell.plain()) == each.cell
        assert content_digest(each.cell.plain())
        assert "${" not in json.dumps(each.dataset.plain()) or "\\$" in str(case.asked)
    if case.given is not None:
        assert same(plain_of(asked[0]), expected(case.given)), case
    return "composed"


@dataclass
class Table:
    """How often each kind came to each outcome."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __str__(self) -> str:
        lines = [f"{'kind':24}{'composed':>10}{'refused':>10}"]
        for kind in sorted({kind for kind, _ in self.counts}):
            counts = [self.counts[kind, outcome] for outcome in ("composed", "refused")]
            lines.append(f"{kind:24}{counts[0]:10}{counts[1]:10}")
        totals = [
            sum(n for (_, outcome), n in self.counts.items() if outcome == each)
            for each in ("composed", "refused")
        ]
        return "\n".join([*lines, f"{'all':24}{totals[0]:10}{totals[1]:10}"])


def fuzz(cases: st.SearchStrategy[Case], check: Callable[[Case], str], count: int) -> Table:
    """Check so many cases, the same ones each time, and return the outcomes by kind."""
    table = Table()

    @seed(count)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def every(case: Case) -> None:
        table.counts[case.kind, check(case)] += 1

    every()
    return table


# A profile of one study, whose files are edited


@pytest.fixture(scope="module")
def conf(tmp_path_factory) -> Path:
    """A copy of conf/ with a profile of one study."""
    conf = Path(shutil.copytree(CONF, tmp_path_factory.mktemp("fuzz") / "conf"))
    (conf / "experiment" / "one.yaml").write_text(
        "datasets: [mnist_5k]\nmodels: [mlp]\nnorms: [batch]\noptimizers: [adam]\n"
        "design: tpe\naxes: {}\noverrides: [epochs=5]\n"
    )
    (conf / "profile" / "one.yaml").write_text(
        "defaults: [quick, _self_]\nexperiments: [one]\noverrides: []\n"
        "analysis:\n  reference: batch\n  level: 0.95\n  minimum: null\n  cost_experiments: []\n"
    )
    shutil.rmtree(conf / "claim")
    shutil.rmtree(conf / "situation")  # which name claims
    return conf


FILES = (
    "study.yaml",
    "cell.yaml",
    "dataset/mnist_5k.yaml",
    "model/mlp.yaml",
    "norm/batch.yaml",
    "norm/batch_default.yaml",
    "optimizer/adam.yaml",
    "design/tpe.yaml",
    "experiment/one.yaml",
    "profile/one.yaml",
)
# a line of a file -> where the plan holds its value
VALUES = {
    ("cell.yaml", "batch_size: 32"): ("cell", "batch_size"),
    ("cell.yaml", "seed: 0"): ("cell", "seed"),
    ("dataset/mnist_5k.yaml", "train: 3000"): ("dataset", "train"),
    ("model/mlp.yaml", "width: 256"): ("cell", "model", "arguments", "width"),
    ("model/mlp.yaml", "activation: relu"): ("cell", "model", "arguments", "activation"),
    ("norm/batch_default.yaml", "momentum: 0.99 "): (
        "cell",
        "norm",
        "layer",
        "arguments",
        "momentum",
    ),
    ("norm/batch_default.yaml", "center: true"): ("cell", "norm", "layer", "arguments", "center"),
    ("norm/batch_default.yaml", "placement: before"): ("cell", "norm", "placement"),
    ("optimizer/adam.yaml", "beta_1: 0.9\n"): ("cell", "optimizer", "arguments", "beta_1"),
    ("study.yaml", "budget: 16"): ("cell", "design", "trials"),
    ("design/tpe.yaml", "prune_after: 1"): (
        "cell",
        "design",
        "proposer",
        "arguments",
        "prune_after",
    ),
}
snippets = (
    disguises
    | references
    | st.sampled_from(
        [
            "[",
            "{",
            "}",
            "- a",
            "a: b: c",
            "&a [*a]",
            "&a {b: *a}",
            "*nobody",
            "!!binary aGVsbG8=",
            "!!python/object/apply:os.system [ls]",
            "!!python/object/apply:pathlib.Path [a]",
            "!!set {a}",
            "!unknown x",
            "2024-01-01",
            "0x1F",
            "0o17",
            "1e5",
            ".inf",
            ".NaN",
            "!!float 3",
            "!!str 3",
            "|",
            "> text",
            "'open",
            '"\\ud800"',
            '"\\0"',
            "[" * 3000,
            "[" * 900 + "]" * 900,
            "9" * 5000,
            "x" * 50_000,
            "null",
            "{}",
            "[]",
            "{low: 1, high: 2, scale: log, points: null}",
            "{low: 1, high: 2, scale: log, points: 1000000000000}",
            "\t",
            "%YAML 1.2",
            "---",
            "...",
            "? x",
        ]
    )
)


@dataclass(frozen=True)
class Edit:
    """A line of a file, chosen by number, and what becomes of it."""

    kind: str
    file: str
    line: int = 0
    text: str = ""
    value: Any = None

    def of(self, before: bytes) -> bytes:
        """Return the file's new content."""
        lines = before.decode().splitlines()
        at = self.line % len(lines)
        name, colon, _ = lines[at].partition(":")
        if self.kind == "cut":
            return before[: self.line % len(before)]
        if self.kind == "bytes":
            where = self.line % len(before)
            return before[:where] + self.text.encode("utf-16") + before[where:]
        if self.kind == "whole file":
            return self.text.encode(errors="surrogateescape")
        if self.kind == "deleted line":
            del lines[at]
        elif self.kind == "doubled line":
            lines.insert(at, lines[at])
        elif self.kind == "moved line":
            lines.append(lines.pop(at))
        elif self.kind == "new line":
            lines.insert(at, self.text)
        else:
            lines[at] = f"{name}{colon} {self.text}" if colon else self.text
        return "\n".join(lines).encode(errors="surrogateescape")


def edit(kind: str, text: st.SearchStrategy[str]) -> st.SearchStrategy[Edit]:
    return st.builds(Edit, st.just(kind), st.sampled_from(FILES), st.integers(0, 10**4), text)


@st.composite
def new_values(draw: Any) -> Edit:
    """Return another value, of any type, for a line of which it is known where it goes."""
    file, line = draw(st.sampled_from(sorted(VALUES)))
    value = draw(whole_numbers | real_numbers | st.booleans() | st.none() | printable)
    written = yaml.safe_dump({line.partition(":")[0]: value}, allow_unicode=True, width=10**6)
    return Edit("value", file, 0, written.rstrip("\n").replace("\n", "\n  "), (line, value))


CHANGES = (
    new_values(),
    new_values(),
    new_values(),
    edit("snippet", snippets),
    edit("new line", joined(st.sampled_from(["x: ", "seed: ", "  ", "- ", "? ", "1: "]), snippets)),
    edit("deleted line", st.just("")),
    edit("doubled line", st.just("")),
    edit("moved line", st.just("")),
    edit("cut", st.just("")),
    edit("bytes", st.text(min_size=1, max_size=3)),
    edit("whole file", anything | snippets),
)
EDITS = st.integers(0, len(CHANGES) - 1).flatmap(lambda n: CHANGES[n])


def study_of(plan: Plan) -> dict[str, Any]:
    [study], [dataset] = plan.studies.values(), plan.datasets.values()
    return {"cell": study.plain(), "dataset": dataset.plain()}


def edited(conf: Path, before: dict[str, Any], case: Case) -> str:
    """Edit a file of conf/, compose the profile, and return what came of it."""
    change: Edit = case.given["edit"] if case.given else Edit("", "")
    file = conf / change.file
    original = file.read_bytes()
    if change.value is None:
        content = change.of(original)
    else:
        line, _ = change.value
        text = original.decode()
        assert line in text
        content = text.replace(line, f"{change.text}\n", 1).encode()
    file.write_bytes(content)
    try:
        plan = compose_plan(conf, "one")
    except Refusal as refusal:
        return refused(refusal)
    finally:
        file.write_bytes(original)
    assert Plan.parse(plan.plain()) == plan
    assert content_digest(plan.plain())
    if change.value is not None:
        line, value = change.value
        wanted = json.loads(json.dumps(before))
        path = VALUES[change.file, line]
        put(wanted, path, value)
        if path == ("dataset", "train"):
            wanted["cell"]["examples"] = value
        assert same(study_of(plan), wanted), change
    return "composed"


# Cluster words


WORDS = st.sampled_from(
    [
        "workers",
        "limits.wall_seconds",
        "limits.memory_bytes",
        "limits",
        "_target_",
        "x",
        "",
        "hydra.x",
    ]
)
CLUSTERS = st.one_of(
    st.builds(
        lambda workers: Case("workers", (f"local workers={workers}",), {"workers": workers}),
        st.integers(-3, 10**20),
    ),
    joined("local ", WORDS, "=", disguises | references | soup | sweeps).map(
        lambda text: Case("word", (text,))
    ),
    joined(st.sampled_from(["local", "inline", "address", ""]), " ", anything).map(
        lambda text: Case("words", (text,))
    ),
    (hostile_names | anything).map(lambda text: Case("name", (text,))),
)


def clustered(case: Case) -> str:
    """Compose a cluster and return what came of it."""
    try:
        cluster = compose_cluster(CONF, case.asked[0])
    except Refusal as refusal:
        return refused(refusal)
    assert type(cluster).parse(cluster.plain()) == cluster
    if case.given is not None:
        assert cluster.pool.arguments["workers"] == case.given["workers"]
        assert cluster.limits.wall_seconds is cluster.limits.memory_bytes is None
    return "composed"


# The proofs


def fuzz_files(conf: Path, count: int) -> Table:
    before = study_of(compose_plan(conf, "one"))
    cases = EDITS.map(lambda change: Case(change.kind, (), {"edit": change}))
    return fuzz(cases, lambda case: edited(conf, before, case), count)


def test_80_overrides_each_compose_as_given_or_are_refused_in_one_line():
    print(fuzz(OVERRIDES, composed, 80))


def test_edited_files_each_compose_as_given_or_are_refused_in_one_line(conf):
    print(fuzz_files(conf, 60))


def test_cluster_words_each_compose_as_given_or_are_refused_in_one_line():
    print(fuzz(CLUSTERS, clustered, 60))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_5000_overrides_leave_no_traceback(capsys):
    table = fuzz(OVERRIDES, composed, 5000)
    with capsys.disabled():
        print(f"\noverrides\n{table}")
    assert {kind for kind, _ in table.counts} == {*SINGLE, SEVERAL}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_1000_edited_files_leave_no_traceback(conf, capsys):
    table = fuzz_files(conf, 1000)
    with capsys.disabled():
        print(f"\nfiles\n{table}")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_1000_cluster_words_leave_no_traceback(capsys):
    table = fuzz(CLUSTERS, clustered, 1000)
    with capsys.disabled():
        print(f"\nclusters\n{table}")
