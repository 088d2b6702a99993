"""Bad input of every kind; `fuzz.py` beside it does any number of cases."""

from collections import Counter

import pytest
from fuzz import ELSE, KINDS, fuzz, table_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def test_500_inputs_of_every_kind_are_fine_or_refused_in_one_line(tmp_path, capsys):
    cases = list(fuzz(500, 0, tmp_path))
    with capsys.disabled():
        print(f"\n{table_of(cases)}")
    assert [case for case in cases if case.outcome == ELSE] == []
    kinds = Counter(case.kind for case in cases)
    assert kinds.keys() == set(KINDS)
    assert min(kinds.values()) == 50
    assert len({case.outcome for case in cases}) == 2
