"""A worker is given what it has compiled, unless a core would wait for it."""

from pathlib import Path

from questions import trial

from pipeline.execution.affinity import REMEMBERED, Affinity, graph_of
from pipeline.execution.task import Task

NORM = {"target": "layers.Norm", "arguments": {"momentum": 0.9, "epsilon": 0.001}}


def optimizer(name, rate=0.001):
    return {"target": f"optimizers.{name}", "arguments": {"learning_rate": rate}}


def norm(**changes):
    layer = NORM | {"arguments": NORM["arguments"] | changes}
    return {"layer": layer, "placement": "before"}


def task(index=0, study="one", **changes) -> Task:
    return Task(study, index, trial(**changes), Path(), keep_model=False)


def test_numbers_that_a_graph_reads_do_not_make_another_one():
    rate = optimizer("Adam", 0.5)
    same = trial(optimizer=rate, seed=9, norm=norm(momentum=0.5), batch_size=64)
    assert graph_of(same) == graph_of(trial())
    assert graph_of(trial(optimizer=optimizer("SGD"))) != graph_of(trial())
    assert graph_of(trial(norm=norm(epsilon=0.1))).wide == graph_of(trial()).wide
    assert graph_of(trial(norm=norm(epsilon=0.1))).narrow != graph_of(trial()).narrow


def test_a_worker_gets_its_own_graph_then_a_new_one_then_anothers():
    affinity = Affinity()
    affinity.note(task(), "a")
    affinity.note(task(optimizer=optimizer("SGD")), "b")
    mine, near = task(1), task(2, norm=norm(epsilon=0.1))
    fresh = task(3, optimizer=optimizer("Lion"))
    others = task(4, optimizer=optimizer("SGD"))
    waiting = [others, fresh, near, mine]
    order = []
    while waiting:
        chosen = affinity.choose(waiting, "a", {"one": 4})
        order.append(chosen)
        waiting.remove(chosen)
    assert order == [mine, near, fresh, others]


def test_no_core_waits_for_a_graph_that_another_one_has():
    affinity = Affinity()
    affinity.note(task(), "a")
    only = task(1)
    assert affinity.choose([only], "b", {"one": 1}) is only
    assert affinity.choose([], "b", {}) is None


def test_among_equals_the_study_with_the_most_left_goes_first():
    one = task(1, study="one", optimizer=optimizer("SGD"))
    other = task(1, study="other", optimizer=optimizer("Lion"))
    assert Affinity().choose([one, other], "a", {"one": 2, "other": 5}) is other


def test_old_graphs_are_forgotten():
    affinity = Affinity()
    for number in range(REMEMBERED + 1):
        affinity.note(task(optimizer=optimizer(f"Number{number}")), "a")
    newest = task(1, optimizer=optimizer("Number1"))
    oldest = task(0, optimizer=optimizer("Number0"))
    assert affinity.choose([oldest, newest], "a", {"one": 2}) is newest
