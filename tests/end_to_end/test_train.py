"""`normbench train` as a user runs it: processes of their own, files added to conf/."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

TINY = ("dataset.train=256", "dataset.validation=100", "dataset.test=100", "epochs=2")
RMS = """\
# Root-mean-square normalization (Zhang and Sennrich, 2019) before the activation.
_target_: keras.layers.RMSNormalization
axis: -1
epsilon: 1.0e-6
placement: before
search:
  epsilon: {low: 1.0e-7, high: 1.0e-3, scale: log, points: null}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a copy of conf/ and one arm more, added as one file."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree("conf", folder / "conf")
    (folder / "conf" / "norm" / "rms.yaml").write_text(RMS)
    return folder


def train(folder: Path, *overrides: str, store: str = "store") -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in os.environ if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "train", *overrides],
        cwd=folder,
        env=environment | {"NORMBENCH_STORE": str(folder / store)},
        capture_output=True,
        text=True,
    )


def weights(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return re.findall(r"^weights +([0-9a-f]{64})$", done.stdout, re.MULTILINE)


def test_two_processes_print_the_same_digest_and_another_seed_another(folder):
    first, second = (weights(train(folder, *TINY, "norm=batch")) for _ in range(2))
    [other] = weights(train(folder, *TINY, "norm=batch", "seed=1"))
    assert first == second
    assert first != [other]


def test_two_processes_save_the_same_bytes(folder):
    for name in ("one", "two"):
        save = f"--save={folder / name}.keras"
        weights(train(folder, *TINY, "norm=batch", "seed=3", save, store=name))
    assert (folder / "one.keras").read_bytes() == (folder / "two.keras").read_bytes()


def test_two_runs_at_once_prepare_what_neither_finds(folder):
    cell = (*TINY, "dataset=mnist_1d", "dataset.seed=77")
    with ThreadPoolExecutor(2) as both:
        runs = list(both.map(lambda norm: train(folder, *cell, f"norm={norm}"), ("none", "batch")))
    assert all(len(weights(done)) == 1 for done in runs)


def test_an_arm_is_added_by_adding_one_file(folder):
    done = train(folder, "-m", *TINY, "norm=rms,none", "summary=true")
    assert len(set(weights(done))) == 2
    assert "norm_0 (RMSNormalization)" in done.stdout
    assert "MLflow normbench/train: mlp/rms mnist_5k, adam, rate 0.001, batch" in done.stdout


def test_a_run_says_what_a_reader_wants_to_know(folder):
    done = train(folder, *TINY, "norm=batch")
    assert done.returncode == 0, done.stderr
    for part in ("validation accuracy", "moving", "recalibrated", "train/inference gap"):
        assert part in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("mistake", ["modle=cnn", "optimizer.learning_rate=fast"])
def test_a_mistake_is_one_line_and_exit_code_2(folder, mistake):
    done = train(folder, mistake)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


BROKEN = {
    "raising": ("raise OSError('no disk')", "does not import: OSError: no disk"),
    "leaving": ("import sys; sys.exit(1)", "does not import: SystemExit: 1"),
    "flat": (
        "import keras\ndef build(shape, outputs, norm):\n"
        "    x = keras.Input(shape)\n"
        "    return keras.Model(x, keras.layers.Conv1D(outputs, 99, name='c')(x))\n",
        "flat.py, line 4: ValueError: ",
    ),
    "subprocess.call": ("", "subprocess is Python's own"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_model_of_ones_own_that_breaks_is_one_line(folder, name):
    code, said = BROKEN[name]
    (folder / f"{name}.py").write_text(code)
    target = name if "." in name else f"{name}.build"
    (folder / "conf" / "model" / "broken.yaml").write_text(
        f"# Mine.\n_target_: {target}\nsearch: {{}}\ngrid: {{}}\n"
    )
    done = train(folder, *TINY, "model=broken")
    lines = [each for each in done.stderr.splitlines() if each.startswith("normbench")]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert said in lines[0]
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


def test_a_trial_starts_from_a_saved_one_and_says_what_is_new(folder):
    saved = train(folder, *TINY, "norm=batch", "model.width=16", "--save", "ten.keras")
    [key] = re.findall(r"^trial +([0-9a-f]{64})$", saved.stdout, re.MULTILINE)
    four = ("dataset.source.classes=[6,7,8,9]", f"start={key[:12]}")
    done = train(folder, *TINY, "norm=batch_frozen", "model.width=16", *four)
    assert weights(done) != weights(saved)
    assert f"started from trial {key[:12]}: layer logits is new" in done.stdout
    refused = train(folder, *TINY, "norm=none", "model.width=16", *four)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "its norm_0/gamma has no place in this model" in refused.stderr
