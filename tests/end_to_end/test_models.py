"""`normbench train` with each kind of network, on small pictures: it learns, or says why not."""

import json
import os
import subprocess
import sys

import pytest

CHANCE = 0.1
DIGITS = ("dataset=digits", "dataset.train=1200", "dataset.validation=200", "dataset.test=200")


@pytest.fixture
def train(tmp_path):
    def run(*overrides, **variables):
        environment = {name: os.environ[name] for name in os.environ if name[:6] != "MLFLOW"}
        return subprocess.run(
            [sys.executable, "-m", "pipeline", "train", *overrides, *DIGITS, "--json"],
            env=environment | {"NORMBENCH_STORE": str(tmp_path / "store")} | variables,
            capture_output=True,
            text=True,
        )

    return run


def runs(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_resnet_and_its_plain_twin_learn(train):
    case = ("norm=batch", "optimizer.learning_rate=0.01", "epochs=4")
    for model in ("resnet", "cnn_deep"):
        [run] = runs(train(f"model={model}", "model.depth=8", *case))
        assert run["metrics"]["validation_score"] > 5 * CHANCE


@pytest.mark.slow
def test_five_ways_to_normalize_an_lstm_are_arms_of_one_product(train):
    """Under the batch's own statistics where an arm has them: its averages need longer."""
    case = ("model=rnn", "model.rows_per_step=4", "optimizer.learning_rate=0.01", "epochs=3")
    found = runs(train("-m", "norm=none,batch,layer,layer_inside,batch_inside", *case))
    assert len({run["weights"] for run in found}) == 5
    for run in found:
        batchwise = run["metrics"].get("gap_batch", run["metrics"]["validation_score"])
        assert batchwise > 5 * CHANCE
    with_statistics = [run["settings"]["norm"] for run in found if "gap_batch" in run["metrics"]]
    assert with_statistics == ["batch", "batch_inside"]


@pytest.mark.slow
def test_a_network_of_keras_s_learns_and_its_frozen_norms_are_no_parameters(train):
    case = ("model=keras_application", "model.application=MobileNetV2", "model.alpha=0.35")
    [run] = runs(train(*case, "model.dense=64", "norm=batch", "optimizer.learning_rate=0.003"))
    # 396,128 of the network's 410,208 weights train; 1280 * 64 + 64, gamma and beta, 64 * 10 + 10
    assert run["metrics"]["parameters"] == 396_128 + 1280 * 64 + 64 + 2 * 64 + 650
    assert run["metrics"]["gap_batch"] > 3 * CHANCE


def test_weights_that_cannot_be_downloaded_are_named_with_their_place(train, tmp_path):
    """A proxy that nobody listens at stands in for a machine without a network."""
    nobody = "http://127.0.0.1:9"
    done = train(
        "model=keras_application",
        "model.pretrained=imagenet",
        https_proxy=nobody,
        KERAS_HOME=str(tmp_path),
    )
    assert (done.returncode, done.stdout) == (2, "")
    said = done.stderr.splitlines()[-1]
    assert "model.pretrained=imagenet: ResNet50's weights are not here" in said
    file = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert f"put {file} into {tmp_path / 'models'}" in said
