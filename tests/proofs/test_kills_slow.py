"""Four kills of four kinds, and one digest; `kills.py` beside it does any number of them."""

import random

import pytest
from kills import prove

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def test_kills_of_every_kind_leave_one_digest(tmp_path, capsys):
    same = prove(tmp_path, 4, random.Random(0))
    assert same, capsys.readouterr().out
