"""The words of figures that may be of several tasks."""

from fake_answers import fake_runs

from pipeline.findings.spoken import PLAIN, spoken
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
