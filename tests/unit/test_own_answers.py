"""Somebody's own model in five lines: what is said of figures that leave no doubt, or all of it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from fake_analysis import fake_analysis, with_figures

from pipeline.__main__ import main
from pipeline.findings.decisions.figures import Decided, Figures, Price
from pipeline.findings.decisions.own import Answer, answers
from pipeline.findings.decisions.section import section
from pipeline.findings.summary import Summary
from pipeline.page.blocks import Listing
from pipeline.statistics.intervals import Estimate
from pipeline.wording import TIE

CELL = "tuned/mnist_5k/mlp/adam"


def estimate(value: float, low: float, high: float) -> Estimate:
    """Of the log of the plain arm's errors over an arm's: over 0 where the arm has fewer."""
    return Estimate(
        value=value,
        known="exactly",
        low=low,
        high=high,
        level=0.99,
        spread=(high - low) / 4,
        clusters=8,
        blocks=16,
        method="t",
    )


def decided(found: Decided, **changes: Any) -> Decided:
    """Return an arm's decision with another word, or another estimate and no errors in 100."""
    if "estimate" in changes:
        reading = found.readings[0].model_copy(
            update={"estimate": changes.pop("estimate"), "errors": None, "failed": None}
        )
        changes["readings"] = (reading,)
    return found.model_copy(update=changes)


def told(prices: tuple[Price, ...] = (), **arms: dict[str, Any]) -> Answer:
    """Return the answer about the MLP's arms, changed so."""
    summary = fake_analysis()
    own = {
        each.norm: each
        for each in summary.of(Figures).decided
        if each.study is not None and each.study.startswith(f"{CELL}/")
    }
    assert set(own) == {"batch", "batch_default", "layer"}
    changed = tuple(decided(own[arm], **arms[arm]) for arm in arms)
    (answer,) = answers(with_figures(summary, Figures, decided=changed, prices=prices))
    return answer


HELPS = {"decision": "use it", "estimate": estimate(0.7, 0.4, 1.0)}
HELPS_MORE = {"decision": "use it", "estimate": estimate(1.2, 1.0, 1.4)}
HURTS = {"decision": "leave it out", "estimate": estimate(-0.7, -1.0, -0.4)}
OPEN = {"decision": "can't tell yet", "estimate": estimate(0.3, -0.1, 0.7)}


def test_the_arm_that_helps_most_is_used_with_what_its_best_search_found() -> None:
    found = told(batch=HELPS, layer=HELPS_MORE, batch_default=HURTS)
    assert (found.arm, found.is_decided) == ("layer", True)
    assert set(found.settings) == {"optimizer.learning_rate", "batch_size", "norm.epsilon"}
    assert found.use.startswith("Use layer: learning rate ")
    assert ", batch size " in found.use
    # exp(-1.2) = 0.301 of the plain arm's errors; exp(-1.4) = 0.247, exp(-1.0) = 0.368
    assert found.buys.replace(TIE, " ").startswith(
        "It buys 70% fewer errors [75% fewer, 63% fewer], against none (8 searches, 99% interval)"
    )
    assert found.left_open == "Nothing that was asked is left open."
    assert found.lines == (found.use, found.buys, found.costs, found.risks, found.left_open)


def test_an_arm_that_helps_as_it_is_goes_before_one_that_needs_a_change() -> None:
    found = told(batch=HELPS, batch_default={**HELPS_MORE, "changed": True})
    assert found.arm == "batch"
    assert "recalibrate" not in found.use
    assert found.left_open.endswith("which is best of batch and batch_default: all of them help.")


def test_rivals_that_may_be_as_good_are_named() -> None:
    wide = {"decision": "use it", "estimate": estimate(0.9, 0.3, 1.5)}
    found = told(layer=HELPS_MORE, batch=wide)
    assert found.left_open == "Not known yet: which is best of layer and batch: all of them help."


def test_where_nothing_helps_none_is_used() -> None:
    same = {"decision": "makes no difference", "estimate": estimate(0.01, -0.05, 0.06)}
    found = told(batch=HURTS, layer=same)
    assert (found.arm, found.is_decided) == ("none", True)
    assert found.use.startswith("Use no norm (none): learning rate ")
    assert "; batch: 2.01 times the errors [" in found.buys  # exp(0.7)
    assert found.risks.startswith("It risks no gap: it does the same in training and at inference")
    assert found.left_open == "Nothing that was asked is left open."


def test_what_cannot_be_told_yet_says_how_many_searches_would() -> None:
    found = told(batch=OPEN, layer=HURTS)
    assert (found.arm, found.is_decided) == ("batch", False)
    assert found.use.startswith("Can't tell yet what to use; batch is ahead: learning rate ")
    more = found.more_searches["batch"]
    assert more is not None
    assert f"Not known yet: whether batch helps, about {more} more search" in found.left_open
    # 0.3 is 0.205 beyond the margin of log 1.1, and the spread 0.2: t(n - 1) x 0.2 / sqrt(n) at 99%
    # is 0.234 for n = 9, 0.206 for 10 and 0.191 for 11: three more than 8
    assert math.log(1.1) == pytest.approx(0.0953, abs=1e-4)
    assert more == 3


def test_an_arm_behind_that_cannot_be_told_leaves_none_ahead() -> None:
    behind = {"decision": "can't tell yet", "estimate": estimate(-0.1, -0.5, 0.3)}
    found = told(batch=behind)
    assert (found.arm, found.is_decided) == ("none", False)
    assert found.use.startswith("Can't tell yet what to use; no norm (none) is ahead")


def test_a_change_that_a_norm_needs_is_said() -> None:
    found = told(batch={**HELPS, "changed": True})
    assert found.use.endswith("; recalibrate its averages before use.")
    assert found.buys.endswith("against none (8 searches, 99% interval, recalibrated).")


def test_batch_norm_s_gap_and_the_runs_that_failed_are_its_risk() -> None:
    found = told(batch_default=HELPS)
    assert "at inference" in found.risks
    assert "of 84 runs failed, " in found.risks  # 4 searches of 16 trials and 5 confirmed runs
    assert "of 168 of none." in found.risks


def test_a_step_s_cost_is_said_where_it_was_measured() -> None:
    assert told(batch=HELPS).costs == "What it costs a step was not measured."
    price = Price(
        cell=CELL,
        arm="batch",
        batch_size=32,
        step_milliseconds=1.25,
        cost_ratio=estimate(math.log(1.2), math.log(1.1), math.log(1.3)),
    )
    said = told((price,), batch=HELPS).costs.replace(TIE, " ")
    assert said == "It costs 1.25 ms a step of 32 examples, 1.2 [1.1, 1.3] times none's."
    plain = price.model_copy(update={"arm": "none", "cost_ratio": None})
    assert told((plain,), batch=HURTS).costs == "It costs 1.25 ms a step of 32 examples."


@pytest.fixture
def profile(tmp_path, monkeypatch) -> Summary:
    """An analysis in a checkout of its own."""
    monkeypatch.chdir(tmp_path)
    summary = fake_analysis()
    (tmp_path / "reports" / "mine").mkdir(parents=True)
    (tmp_path / "reports" / "mine" / "analysis.json").write_text(summary.text())
    return summary


def test_the_page_opens_with_the_lines_that_the_command_prints(profile, capsys) -> None:
    assert main(["decide", "mine"]) == 0
    printed = capsys.readouterr().out.splitlines()
    lines = [line for each in answers(profile) for line in each.lines]
    assert len(lines) == 10
    assert [line for line in printed if line and not line.startswith("On ")] == lines
    blocks = section(profile).blocks
    opening = [each for each in blocks[:6] if isinstance(each, Listing)]
    assert [line for block in opening[:2] for line in block.items] == lines


def test_a_script_reads_the_same_as_json(profile, capsys) -> None:
    assert main(["decide", "mine", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [each["use"] for each in said["answers"]] == [each.use for each in answers(profile)]
    assert said["answers"][0]["cell"] == CELL
    assert said["answers"][0]["is_decided"] is False


def test_a_profile_without_a_model_of_ones_own_says_where_its_decisions_are(
    profile, tmp_path, capsys
) -> None:
    bare = with_figures(profile, Figures, decided=())
    (tmp_path / "reports" / "mine" / "analysis.json").write_text(bare.text())
    assert main(["decide", "mine"]) == 2
    assert "report.html" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "names no profile"),
        (["--model", "mlp"], "not both --model and --data"),
        (["quick", "--model", "mlp"], "not both"),
        (["--model", "mlpp", "--data", "digits"], "did you mean 'mlp'?"),
        (["--model", "mlp", "--data", "digit"], "did you mean 'digits'?"),
        (["--model", "no.where", "--data", "digits"], "there is no module 'no'"),
        (["--model", "mlp", "--data", "digits", "--cluster", "locale"], "did you mean 'local'?"),
        (["--model", "q_network", "--data", "cartpole"], "is learned by acting"),
        (["--model", "pipeline.models.mlp", "--data", "digits"], "needs 'width', too"),
    ],
)
def test_what_cannot_be_asked_is_one_line(arguments, says, capsys) -> None:
    assert main(["decide", *arguments]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert len([line for line in err.splitlines() if line.startswith("normbench decide:")]) == 1


def test_no_minutes_are_refused(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["decide", "--model", "mlp", "--data", "digits", "--minutes", "0"])
    assert end.value.code == 2
    assert "must be a whole number from 1" in capsys.readouterr().err
