"""The words of figures that may be of several tasks."""

from dataclasses import replace

from fake_analysis import DIGESTS
from fake_answers import fake_runs
from fake_profile import fake_profile

from pipeline.findings.analyzing import analyze
from pipeline.findings.gap.figures import Figures as Gaps
from pipeline.findings.spoken import PLAIN, spoken
from pipeline.findings.stability.figures import Figures as Stability
from pipeline.findings.tuned.figures import Figures as Tuned
from pipeline.records import ErrorWords

SQUARED = ErrorWords(noun="mean squared error", less="smaller", more="larger")


def test_studies_speak_as_their_task_does_and_plainly_where_it_is_not_known():
    first, *_ = fake_runs().plan.studies.values()
    task = first.task.model_copy(update={"score": "R2", "error": SQUARED})
    other = first.model_copy(update={"task": task})
    both = [first, other]
    assert spoken([other, other], both) == task
    assert spoken([first], both) == first.task
    for unknown in (both, []):
        said = spoken(unknown, both)
        assert (said.score, said.error) == ("score", PLAIN)


def test_a_finding_speaks_as_the_task_of_its_own_runs_does_whatever_else_a_profile_has():
    runs = fake_profile()
    studies = {
        name: study.model_copy(
            update={"task": study.task.model_copy(update={"score": "R2", "error": SQUARED})}
        )
        if study.experiment in ("moving_averages", "rates_mlp")
        else study
        for name, study in runs.plan.studies.items()
    }
    runs = replace(runs, plan=runs.plan.model_copy(update={"studies": studies}))
    found = analyze(
        runs.plan, runs.swept, runs.confirmed, runs.manifests, costs=runs.costs, digests=DIGESTS
    )
    assert found.task(Tuned).score == "accuracy"
    assert found.task(Gaps).score == "R2"
    assert found.task(Stability).error == SQUARED
    settings = {each.place.experiment: each.task.score for each in found.findings["settings"].cells}
    assert settings["moving_averages"] == "R2"
    assert settings["norms_mlp"] == "accuracy"
    assert found.tasks["settings"].score == "score"
