"""What a run asks and what its answer is, in the sentences that stand above it in MLflow."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.records import Answer
from pipeline.studies import Study
from pipeline.tracking.parameters import text, trial_parameters

NOTE = "mlflow.note.content"


def study_note(study: Study, best: Answer | None, figures: Mapping[str, float]) -> str:
    """Return a study's question, and, with its last trial, its answer.

    Args:
        study: The study.
        best: Its best trial; none where it has no winner, or not yet.
        figures: Its metrics, empty while trials are missing.
    """
    word = study.task.score
    setting = f"`{study.model_name}` with `{study.arm}` on `{study.dataset}`"
    trials, names = study.design.trials, ", ".join(f"`{name}`" for name in study.space)
    if study.design.searches:
        asked = f"Which {names or 'setting'} suit {setting}, trained by `{study.optimizer_name}`? "
        asked += f"{trials} trials, proposed by `{study.design.proposer.target}`."
    else:
        over = [f"`{name}` in {', '.join(map(text, study.axes[name]))}" for name in study.axes]
        over += [f"{len(study.seeds)} seeds"]
        asked = f"How does {setting} do, trained by `{study.optimizer_name}`, over "
        asked += f"{'; '.join(over)}? {trials} trials."
    if not figures:
        return asked
    if best is None:
        answer = f"validation {word} {figures['validation_score_mean']:.4f} on average"
    else:
        given = trial_parameters(study, best.trial)
        values = ", ".join(f"`{name}` {given[name]}" for name in study.space if name in given)
        answer = f"trial {best.index} is best, validation {word} "
        answer += f"{figures['validation_score']:.4f}{f' ({values})' if values else ''}"
    if figures["diverged"]:
        answer += f"; {figures['diverged']} diverged"
    return f"{asked}\n\n**Answer:** {answer}. {_confirmed(study, figures)}".rstrip()


def winner_note(study: Study, figures: Mapping[str, float]) -> str:
    """Return what the seeds below a winner say together."""
    asked = f"The best trial's settings of `{study.name}` on {len(study.confirm_seeds)} fresh seeds"
    return f"{asked}. {_confirmed(study, figures)}".rstrip()


def _confirmed(study: Study, figures: Mapping[str, float]) -> str:
    if "test_score" not in figures:
        return ""
    said = f"test {study.task.score} {figures['test_score']:.4f}"
    return f"**Confirmed:** {said}, the mean of {len(study.confirm_seeds)} seeds."
