"""One trial by deep Q-learning (Mnih et al., 2015): a network that acts, and learns from it.

A step acts once in each actor's environment, by the network or at random, writes what came of it
into the replay, and updates the network once on a batch drawn from there, towards what the actions
earned and the best next action is worth to the target network, a copy that is a while old. An
epoch is one graph, which calls Python for nothing but the environment's own step. `agent.py` says
which statistics normalize when.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Refusal
from pipeline.records import Result, Trial
from pipeline.tasks.control import Control
from pipeline.tasks.scoring import scoring_of
from pipeline.training.agent import Agent
from pipeline.training.cartpole import STATE, Actors
from pipeline.training.checkpoint import Weights
from pipeline.training.graphs import Graphs, graph_key
from pipeline.training.measure import Trained, result_of, trained_on, validated
from pipeline.training.outputs import Outputs, Subject
from pipeline.training.probes import inert_marks, marks_of
from pipeline.training.replay import Drawing
from pipeline.training.setting import (
    Watch,
    arrays,
    is_over,
    output_count,
    permutation,
    plain,
    shape_of,
    steps_of,
)


def train(
    trial: Trial, folder: Path, watch: Watch | None = None, start: Weights | None = None
) -> Trained:
    """Answer a trial whose examples are the states in which episodes start.

    `determinism.configure` must have been called in this process.

    Args:
        trial: The question.
        folder: The dataset's folder, as `prepare` wrote it.
        watch: Called after each epoch with its index and the values of the curves.
        start: What the trial that this one starts from ended with; None where there is none.

    Raises:
        Refusal: The arrays are not those of the trial, a probe is asked for that makes no sense
            here, or the model cannot be built or started so.
    """
    _check_probes(trial)
    control = scoring_of(trial.task)
    shape = shape_of(folder, trial.data_digest)
    if not isinstance(control, Control) or shape != (STATE,):
        raise Refusal(
            f"trainer=dqn: acts in CartPole, whose states are {STATE} numbers, and "
            f"{trial.dataset} has examples of shape {shape}; take dataset=cartpole"
        )
    outputs = output_count(folder, trial.data_digest)
    agent = _agent_for(trial, control, outputs)
    actors = Actors(control.actors, control.episode_steps, _starts(trial, folder))
    kernels = agent.restart(trial, actors, start)
    subject = Subject(agent.model, agent.play, _no_batches, (), kernels)
    drawing = Drawing(trial, control, outputs)
    curves: list[dict[str, float]] = []
    done = 0
    for epoch in range(trial.epochs):
        steps = steps_of(trial, epoch)
        losses = agent.epoch(drawing.epoch(steps), done)
        done += steps
        missed = control.episode_steps - float(np.mean(actors.returns()))
        said = Outputs(trial, folder, subject)
        values = {
            **trained_on(trial, folder, float(np.mean(losses, dtype=np.float64)), missed),
            **validated(trial, folder, said.moving("validation")),
        }
        curves.append(values)
        if watch is not None:
            watch(epoch, values)
        if is_over(trial, epoch, values):
            break

    result = _result(said, agent, curves, drawing.rows_seen)
    return Trained(result, agent.model, lambda: plain(trial, shape, agent.model))


_graphs = Graphs[Agent]()


def _agent_for(trial: Trial, control: Control, outputs: int) -> Agent:
    """Return the agent of the trial's graph: kept from an earlier trial, or compiled now."""
    key = graph_key(trial, trial.norm.layer, outputs)
    return _graphs.find(key) or _graphs.add(lambda: (key, Agent(trial, control, outputs)))


def _starts(trial: Trial, folder: Path) -> Callable[[int], NDArray[np.float32]]:
    """Return what gives the n-th episode's first state: passes over the examples, shuffled."""
    examples, _ = arrays(folder, trial.data_digest, "train")
    count = trial.examples

    def start(number: int) -> NDArray[np.float32]:
        return examples[permutation(trial.seed, number // count, count)[number % count]]

    return start


def _result(said: Outputs, agent: Agent, curves: Sequence[dict[str, float]], filled: int) -> Result:
    """Return the result; what depends on which statistics normalize is measured here."""
    trial, folder = said.trial, said.folder
    result = result_of(said, curves)
    if result.status == "diverged" or not agent.layers:
        return result
    further = inert_marks(agent.layers)
    with agent.recalibrated(trial, filled):
        lent = Outputs(trial, folder, said.subject)
        for split in ["validation"] + ["test"] * (trial.split == "test"):
            further |= marks_of(trial, folder, split, lent.moving(split), "_recalibrated")
    return result.model_copy(update={"metrics": result.metrics | further})


def _no_batches(*_: object) -> NoReturn:
    raise AssertionError("an episode has no batch whose statistics could normalize it")


def _check_probes(trial: Trial) -> None:
    """Refuse what compares batches of examples: here they are only where episodes start."""
    probes = trial.probes
    asked = {
        "shadow_momenta": bool(probes.shadow_momenta),
        "statistics_curves": bool(probes.statistics_curves),
        "independence_examples": probes.independence_examples > 0,
        "single_examples": probes.single_examples > 0,
    }
    for name, is_asked in asked.items():
        if is_asked:
            raise Refusal(
                f"probes.{name}: is of batches of examples, and trainer=dqn's are states in which "
                "episodes start; leave it out"
            )
