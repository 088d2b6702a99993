"""DVC's stages depend on all the code that they run: on what is imported, and loaded by name."""

import ast
import fnmatch
from functools import cache
from pathlib import Path

import grimp
import pytest
import yaml

from pipeline.commands import STAGES

# What a module loads by name: a finding of FINDINGS, or what the composed configuration names.
BY_NAME = {
    "pipeline.claims.judging": "pipeline.claims.kinds.*",
    "pipeline.claims.kind": "pipeline.claims.kinds.*",
    "pipeline.components": "",  # for those who call it
    "pipeline.configuration.claim": "pipeline.claims.kinds.*",
    "pipeline.configuration.cluster": "pipeline.execution.*",
    "pipeline.configuration.study": "pipeline.search.*",
    "pipeline.data.prepared": "pipeline.data.*",
    "pipeline.diagnosis": "pipeline.diagnosis.*",
    "pipeline.diagnosis.loading": "",  # a user's own model
    "pipeline.execution.pool": "pipeline.execution.*",
    "pipeline.execution.queues": "pipeline.search.*",
    "pipeline.execution.work": "pipeline.training.*",
    "pipeline.findings.pages": "pipeline.findings.*.section",
    "pipeline.findings.summary": "pipeline.findings.*.figures",
    "pipeline.models.norms": "pipeline.models.*",
    "pipeline.models.variants": "pipeline.models.*",
    "pipeline.stages.decide": "",  # every stage, each with what it loads itself
    "pipeline.stages.diagnose": "pipeline.diagnosis.*",
    "pipeline.stages.looking": "",  # a user's own model
    "pipeline.stages.predict": "",  # layers of a user's own
    "pipeline.tasks.scoring": "pipeline.tasks.*",
    "pipeline.tracking.loading": "",  # libraries
    "pipeline.training.builder": "pipeline.models.*",
    "pipeline.training.determinism": "",  # TensorFlow and Keras
    "pipeline.training.engine": "pipeline.models.*",
    "pipeline.training.fit": "",  # Keras's losses and metrics
    "pipeline.training.loss": "",  # Keras's losses and metrics
    "pipeline.training.setting": "pipeline.models.*",
    "pipeline.training.steps": "",  # Keras's optimizers
}


@pytest.mark.parametrize("stage", [*STAGES, "inputs"])
def test_a_stage_depends_on_all_the_code_that_it_runs(stage):
    listed, run = deps(stage), files(stage)
    assert len(run) > 10
    assert not sorted(name for name in run if not any(within(name, dep) for dep in listed))
    assert not [dep for dep in listed if not any(within(name, dep) for name in run)], "not needed"


def test_the_stages_that_import_the_arguments_depend_on_them():
    """A changed range of an argument once left the page as it was."""
    assert all("pipeline/arguments.py" in deps(stage) for stage in STAGES)


def test_what_is_not_code_belongs_to_the_stages_that_read_it():
    assert "conf" in stages()["compose"]["do"]["deps"]
    assert any(name.endswith("templates/report.css") for name in files("report"))
    assert not any("templates" in name for name in files("analyze"))


def test_every_module_that_loads_others_by_name_says_which():
    found = set()
    for module in graph().modules:
        tree = ast.parse(file_of(module).read_text())
        names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        called = ("build", "callable_of", "resolve")
        loaders = {f"pipeline.components.{name}" for name in called}
        if names & {*loaders, "importlib.import_module"}:
            found.add(module)
    assert found - {"pipeline.__main__"} == set(BY_NAME)  # the command is the stage itself


def test_every_target_of_the_configuration_is_among_what_is_loaded_by_name():
    targets = {
        line.partition("_target_: ")[2].split(",")[0].strip("} \n")
        for file in Path("conf").rglob("*.yaml")
        for line in file.read_text().splitlines()
        if "_target_: pipeline." in line
    }
    assert len(targets) > 20
    assert not [
        each
        for each in targets
        if not any(fnmatch.fnmatch(each, name) for name in BY_NAME.values())
    ]


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("pipeline", cache_dir=None)


@cache
def stages() -> dict:
    return yaml.safe_load(Path("dvc.yaml").read_text())["stages"]


def deps(stage: str) -> list[str]:
    """Return the code that a stage depends on, as dvc.yaml lists it."""
    return [dep for dep in stages()[stage]["do"]["deps"] if dep.startswith("pipeline/")]


def files(stage: str) -> set[str]:
    """Return the files that a stage runs, and what else lies in the folders of its packages."""
    waiting, reached = [f"pipeline.stages.{stage}"], set()
    while waiting:
        module = waiting.pop()
        if module in reached:
            continue
        reached.add(module)
        waiting += graph().find_modules_directly_imported_by(module)
        waiting += fnmatch.filter(graph().modules, BY_NAME.get(module, ""))
        waiting += [module.rpartition(".")[0]] if "." in module else []
    found = {str(file_of(module)) for module in reached if says_something(module)}
    folders = {Path(name).parent for name in found} - {Path("pipeline")}
    for file in (file for folder in folders for file in folder.rglob("*")):
        if file.is_file() and file.suffix not in (".py", ".pyc"):
            found.add(str(file))
    return found


def file_of(module: str) -> Path:
    path = Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def says_something(module: str) -> bool:
    """Tell whether a module has more than its docstring."""
    return len(ast.parse(file_of(module).read_text()).body) > 1


def within(name: str, dep: str) -> bool:
    return name == dep or name.startswith(f"{dep}/")
