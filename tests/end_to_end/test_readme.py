"""Recipes of README and docs for one's own data, models, arms, claims, tasks: pasted, they work."""

import json
import re

import numpy as np
import pytest
from checkout import Checkout
from PIL import Image
from recipes import OWN, RUNS, pasted


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    """A copy of the checkout, with 120 pictures of each of five colors in it, and 600 houses."""
    made = Checkout(tmp_path_factory.mktemp("readme"))
    rng = np.random.default_rng(0)
    for name, color in {
        "red": 0,
        "green": 1,
        "blue": 2,
        "dark": None,
        "light": slice(None),
    }.items():
        folder = made.root / "pictures" / name
        folder.mkdir(parents=True)
        for n in range(120):
            pixels = rng.integers(0, 90, (24, 20, 3), dtype=np.uint8)
            if color is not None:
                pixels[..., color] += 120
            Image.fromarray(pixels).save(folder / f"{n}.png")
    houses = [
        f"{area if area % 50 else ''},{'Oslo' if area % 3 else 'Rome'},{1000 * area}"
        for area in range(600)
    ]
    (made.root / "houses.csv").write_text("\n".join(["area,city,price", *houses]))
    return made


@pytest.mark.parametrize("section", RUNS)
def test_a_recipe_of_the_docs_works_as_it_is_pasted(section, checkout):
    script = pasted(OWN, section)
    assert "normbench" in script
    before = {file: file.read_bytes() for file in (checkout.root / "conf").rglob("*.yaml")}
    said = checkout.run("bash", "-euo", "pipefail", "-c", script)
    assert len(re.findall("^status +ok", said, re.M)) == RUNS[section], said
    assert all(file.read_bytes() == content for file, content in before.items())
    assert len(list((checkout.root / "conf").rglob("*.yaml"))) > len(before)


def test_a_saved_model_says_the_same_by_predict_and_by_plain_keras(checkout):
    script = pasted("docs/diagnose.md", "A trained model elsewhere")
    said = checkout.run("bash", "-euo", "pipefail", "-c", script)
    lines = re.findall(r"^(pictures/\w+/1\.png)  (\w+)  (\d\.\d{4})$", said, re.M)
    assert len(lines) == 10, said
    ours, plain = lines[:5], lines[5:]
    assert [each[:2] for each in ours] == [each[:2] for each in plain]
    for one, other in zip(ours, plain, strict=True):
        assert abs(float(one[2]) - float(other[2])) < 1e-3
    assert len({name for _, name, _ in ours}) > 1


def test_the_claim_of_the_docs_has_its_verdict_in_a_report(checkout):
    analysis = json.loads((checkout.root / "reports/mine/analysis.json").read_text())
    claims = analysis["findings"]["verdicts"]["claims"]
    [mine] = [each for each in claims if each["claim"]["id"] == "R1"]
    assert mine["judgement"]["verdict"]["word"] != "not tested here"
    assert mine["judgement"]["parts"][0]["present_blocks"] == 8
    page = (checkout.root / "reports/mine/report.html").read_text()
    assert mine["claim"]["statement"] in page


@pytest.mark.slow
def test_the_one_answer_of_the_readme_is_said_again_by_page_and_script(checkout):
    """It trains for as long as the recipe says: three minutes."""
    script = pasted("README.md", "Your model, your data: one answer")
    script = script.removeprefix("source .venv/bin/activate\n")  # the test's own is active
    said = checkout.run("bash", "-euo", "pipefail", "-c", script)
    assert re.search(r" arms x 8 searches x 7 runs of \d+ epochs?.*: about \d minutes? on ", said)
    name = "decide_my_project_net_make_digits"
    lines = said.rstrip().splitlines()[-5:]
    assert lines[0].startswith(("Use ", "Can't tell yet what to use; ")), said
    assert lines[1].startswith(("It buys ", "It forgoes nothing "))
    assert re.match(r"It costs \d\S* ms a step of 32 examples", lines[2])
    script = f"normbench decide {name} --json"
    [answer] = json.loads(checkout.run("bash", "-c", script))["answers"]
    assert [answer[part] for part in ("use", "buys", "costs", "risks", "left_open")] == lines
    page = (checkout.root / "reports" / name / "report.html").read_text()
    assert page.index("It costs") < page.index("<table")
    again = "normbench decide --model my_project.net:make --data digits --minutes 3"
    said = checkout.run("bash", "-c", again)
    assert "asked before, goes on" in said
    assert ", 0 of them trained now" in said
    assert said.rstrip().splitlines()[-5:] == lines
