"""The residual network: its depth, its shortcuts, where its norms stand and how they start."""

from functools import partial

import numpy as np
import pytest

from pipeline.errors import Refusal

SHAPE = (28, 28, 1)


@pytest.fixture
def resnet(built_model):
    """Builds it under overrides, for pictures of 28x28."""
    return partial(built_model, "model=resnet")


def layers_of(model, kind):
    return [layer for layer in model.layers if type(layer).__name__ == kind]


@pytest.mark.parametrize("preactivation", ["true", "false"])
@pytest.mark.parametrize("depth", [8, 14, 20, 32])
def test_depth_is_the_number_of_layers_with_weights_on_the_longest_way(
    depth, preactivation, resnet
):
    case = (f"model.depth={depth}", f"model.preactivation={preactivation}")
    plain = resnet(*case, "norm=none", "model.skips=false")
    assert len(layers_of(plain, "Conv2D")) + len(layers_of(plain, "Dense")) == depth
    assert not layers_of(plain, "Add")
    model = resnet(*case, "norm=none")
    assert len(layers_of(model, "Add")) == (depth - 2) // 2
    shortcuts = [layer for layer in layers_of(model, "Conv2D") if "shortcut" in layer.name]
    assert len(layers_of(model, "Conv2D")) + 1 - len(shortcuts) == depth
    assert [layer.kernel.shape for layer in shortcuts] == [(1, 1, 4, 8), (1, 1, 8, 16)]
    last = [model.get_layer(f"block_{stage}_0_conv_1").output.shape for stage in range(3)]
    assert last == [(None, 28, 28, 4), (None, 14, 14, 8), (None, 7, 7, 16)]


# 9 * 4 + 4; per stage two convolutions with biases, of 4, 8 and 16 filters; shortcuts; 16 * 10 + 10
PLAIN = 40 + 2 * 148 + (296 + 584) + (1168 + 2320) + (40 + 144) + 170


@pytest.mark.parametrize(
    ("overrides", "weights"),
    [
        (("norm=none",), PLAIN),
        # gamma and beta behind the stem, six convolutions and two shortcuts
        (("norm=layer",), PLAIN + 2 * (4 + 2 * (4 + 8 + 16) + 8 + 16)),
        (("norm=batch",), PLAIN + 4 * (4 + 2 * (4 + 8 + 16) + 8 + 16)),
        # in front of six convolutions, and the last one
        (("norm=layer", "model.preactivation=true"), PLAIN + 2 * (4 + 4 + 4 + 8 + 8 + 16 + 16)),
        (("norm=none", "model.skips=false"), PLAIN - (40 + 144)),
        (("norm=none", "model.use_bias=false"), PLAIN - (4 + 2 * (4 + 8 + 16) + 8 + 16)),
    ],
)
def test_it_has_as_many_weights_as_arithmetic_says(overrides, weights, resnet):
    assert resnet(*overrides).count_params() == weights


@pytest.mark.parametrize("arm", ["batch", "layer", "group"])
def test_a_gamma_of_zero_lets_each_block_start_as_its_shortcut(arm, resnet):
    case = ("model.width=8", f"norm={arm}")
    model, plain = resnet(*case, "model.zero_gamma=true"), resnet(*case)
    for stage in range(3):
        names = [f"block_{stage}_0_norm_{i}" for i in range(2)]
        assert [set(model.get_layer(name).gamma.numpy()) for name in names] == [{1.0}, {0.0}]
        assert set(plain.get_layer(names[1]).gamma.numpy()) == {1.0}
    through = type(model)(
        model.input,
        [model.get_layer(f"{name}_activation").output for name in ("stem_norm", "block_0_0")],
    )
    pictures = np.random.default_rng(0).random((3, *SHAPE), np.float32)
    np.testing.assert_array_equal(*map(np.asarray, through(pictures)))


@pytest.mark.parametrize("arm", ["none", "batch_no_scale"])
def test_a_norm_without_gamma_starts_as_ever(arm, resnet):
    for one, other in zip(
        resnet(f"norm={arm}", "model.zero_gamma=true").variables,
        resnet(f"norm={arm}").variables,
        strict=True,
    ):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_branches_are_scaled_so_that_blocks_do_not_double_the_signal(resnet):
    """15 blocks: each adds 2 over 15 of the second moment, less than e in all; unscaled 2^15."""
    pictures = np.random.default_rng(0).normal(size=(64, *SHAPE)).astype(np.float32)

    def growth(*overrides):
        case = ("norm=none", "model.depth=32", "model.width=16", *overrides)
        model = resnet(*case)
        names = ("stem_norm_activation", "block_2_4_activation")
        through = type(model)(model.input, [model.get_layer(name).output for name in names])
        first, last = (np.mean(np.square(each)) for each in through(pictures))
        return last / first

    assert growth() < 100
    assert growth("model.scaled_branches=false") > 1000
    scales = [layer.scale for layer in layers_of(resnet("model.depth=32"), "Rescaling")]
    assert scales == [15**-0.5] * 15


@pytest.mark.parametrize(
    ("overrides", "shape", "says"),
    [
        (("model.depth=9",), SHAPE, "model.depth=9: must be 6n"),
        (("model.depth=2",), SHAPE, "model.depth=2: must be 6n"),
        ((), (40, 1), r"takes pictures.*\(40, 1\); use model=mlp"),
        (("model.zero_gamma=true", "model.preactivation=true"), SHAPE, "would let nothing through"),
        (("model.zero_gamma=true", "model.skips=false"), SHAPE, "would let nothing through"),
        (("norm=layer_inside",), SHAPE, "inside a recurrence, and this model has none"),
    ],
)
def test_what_it_cannot_be_is_refused_in_one_line(overrides, shape, says, resnet):
    with pytest.raises(Refusal, match=says):
        resnet(*overrides, shape=shape)
