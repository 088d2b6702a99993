"""Norms put into finished models: how many, where, and that all the rest stays as it was."""

import keras
import numpy as np
import pytest
from keras import layers

from pipeline.errors import Refusal
from pipeline.models.norms import norm_factory
from pipeline.models.variants import build, variant
from pipeline.records import Arm, Component

GENERATOR = np.random.default_rng(0)
TARGETS = {
    "batch": "keras.layers.BatchNormalization",
    "layer": "keras.layers.LayerNormalization",
    "group": "keras.layers.GroupNormalization",
}
ARMS = ("none", *TARGETS)


def norm(arm, placement="before", **arguments):
    """Return the factory of an arm."""
    if arm == "none":
        return norm_factory(Arm(layer=None, placement="before"))
    more = {"groups": 8} if arm == "group" else {}
    layer = Component(target=TARGETS[arm], arguments=more | arguments)
    return norm_factory(Arm(layer=layer, placement=placement))


def plain_cnn():
    x = examples = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, activation="relu", name="first")(x)
    x = layers.Conv2D(16, 3, name="second")(x)
    x = layers.Flatten()(layers.ReLU(name="relu")(x))
    x = keras.ops.tanh(layers.Dense(8, name="third")(x))
    return keras.Model(examples, layers.Dense(5, activation="softmax", name="end")(x))


def sequential_mlp():
    hidden = [layers.Dense(16, activation="gelu", name=f"hidden_{n}") for n in range(3)]
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), *hidden, layers.Dense(5)])


def normed_after():
    x = examples = keras.Input((8, 8, 3))
    for n in range(2):
        x = layers.Conv2D(8, 3, activation="relu", name=f"conv_{n}")(x)
        x = layers.BatchNormalization(name=f"bn_{n}")(x)
    return keras.Model(examples, layers.Dense(5)(layers.GlobalAveragePooling2D()(x)))


def residual():
    x = examples = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", name="stem")(x)
    for n in range(2):
        y = layers.BatchNormalization(name=f"norm_{n}")(x)
        y = layers.Conv2D(8, 3, padding="same", name=f"conv_{n}")(layers.ReLU()(y))
        x = layers.Add()([x, y])
    return keras.Model(examples, layers.Dense(5)(layers.GlobalAveragePooling2D()(x)))


def nested():
    """A backbone with norms within a Sequential, in which no layer but the last is a layer."""
    x = inner = keras.Input((8, 8, 3))
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(8, 3, name="conv")(x))
    backbone = keras.Model(inner, layers.ReLU()(x), name="backbone")
    head = [layers.GlobalAveragePooling2D(), layers.LayerNormalization(name="ln"), layers.Dense(5)]
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(2.0), backbone, *head])


def nested_plain():
    """The last activation of the backbone is hidden, as a head stands behind it."""
    x = inner = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, activation="relu", name="conv")(x)
    backbone = keras.Model(inner, x, name="backbone")
    end = [layers.GlobalAveragePooling2D(), layers.Dense(5), layers.Activation("sigmoid")]
    return keras.Sequential([keras.Input((8, 8, 3)), backbone, *end])


def application(name):
    def make():
        make = getattr(keras.applications, name)
        return make(weights=None, input_shape=(32, 32, 3), classes=5, classifier_activation=None)

    return make


# model -> places of norms; its own settings of BN; whether the places are norms of its own
CASES = {
    plain_cnn: (3, None),
    sequential_mlp: (3, None),
    normed_after: (2, {"momentum": 0.99, "epsilon": 1e-3}),
    residual: (2, {"momentum": 0.99, "epsilon": 1e-3}),
    nested: (2, None),
    nested_plain: (1, None),
}
APPLICATIONS = {
    "MobileNetV2": (52, {"momentum": 0.999, "epsilon": 1e-3}),
    "ResNet50": (53, {"momentum": 0.99, "epsilon": 1.001e-5}),
    "EfficientNetB0": (49, {"momentum": 0.99, "epsilon": 1e-3}),
}
SLOW = ("ResNet50", "EfficientNetB0")
ALL = [
    *(pytest.param(make, *case, id=make.__name__) for make, case in CASES.items()),
    *(
        pytest.param(application(name), *case, id=name, marks=[pytest.mark.slow] * (name in SLOW))
        for name, case in APPLICATIONS.items()
    ),
]
NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization")


def layers_of(model):
    """Return the layers of a model and of those within it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        else:
            yield layer


def norms_of(model):
    return [each for each in layers_of(model) if type(each).__name__ in NORMS]


def weights_of(model, norms):
    own = {id(weight) for norm in norms for weight in norm.weights}
    return {each.path: each.numpy() for each in model.weights if id(each) not in own}


def examples_of(model):
    return GENERATOR.normal(0.0, 1.0, (4, *model.input_shape[1:])).astype(np.float32)


@pytest.mark.parametrize(("make", "places", "settings"), ALL)
def test_every_arm_stands_in_each_place_and_the_rest_is_kept_to_the_bit(make, places, settings):
    keras.utils.set_random_seed(1)
    model = make()
    before, rest = model.get_weights(), weights_of(model, norms_of(model))
    examples = examples_of(model)
    for arm in ARMS:
        changed = variant(model, norm(arm))
        kinds = [type(each).__name__ for each in norms_of(changed)]
        asked = [] if arm == "none" else [TARGETS[arm].rpartition(".")[2]] * places
        assert kinds == asked
        kept = weights_of(changed, norms_of(changed))
        assert kept.keys() == rest.keys()
        assert all(np.array_equal(kept[name], value) for name, value in rest.items())
        assert changed.output_shape == model.output_shape
        assert np.isfinite(changed(examples)).all()
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


OWN = [case for case in ALL if case.values[2] is not None]


@pytest.mark.parametrize(("make", "places", "settings"), OWN)
def test_a_model_with_its_own_norms_exchanged_for_equals_says_the_same_to_the_bit(
    make, places, settings
):
    keras.utils.set_random_seed(1)
    model = make()
    changed = variant(model, norm("batch", **settings))
    assert len(norms_of(changed)) == places
    examples = examples_of(model)
    draws = any(isinstance(each, layers.Dropout) for each in layers_of(model))
    for training in [False] + [True] * (not draws):
        said = model(examples, training=training).numpy()
        np.testing.assert_array_equal(changed(examples, training=training).numpy(), said)


@pytest.mark.parametrize("make", [plain_cnn, sequential_mlp, nested_plain])
def test_a_split_model_under_the_plain_arm_says_the_same_to_the_bit(make):
    model = make()
    examples = examples_of(model)
    said = model(examples).numpy()
    np.testing.assert_array_equal(variant(model, norm("none"))(examples).numpy(), said)
    np.testing.assert_array_equal(model(examples).numpy(), said)  # it is whole still


def test_a_norm_stands_on_the_arm_s_side_of_an_activation_and_never_at_the_outputs():
    for placement, order in (
        ("before", ["first", "first_norm", "first_activation", "second", "relu_norm", "relu"]),
        ("after", ["first", "first_activation", "first_norm", "second", "relu", "relu_norm"]),
    ):
        changed = variant(plain_cnn(), norm("batch", placement))
        names = [layer.name for layer in changed.layers]
        assert names[1:7] == order
        assert names[-1] == "end"
        assert changed.layers[-1].activation.__name__ == "softmax"


def test_a_shared_activation_has_a_norm_of_its_own_at_each_call():
    x = examples = keras.Input((6,))
    relu = layers.ReLU(name="relu")
    for n in range(3):
        x = relu(layers.Dense(8, name=f"dense_{n}")(x))
    changed = variant(keras.Model(examples, x), norm("batch"))
    assert [each.name for each in norms_of(changed)] == ["relu_norm", "relu_norm_2"]  # not the last


def test_a_backbone_that_is_called_twice_is_changed_once():
    inner = keras.Input((6,))
    tower = keras.Model(
        inner, layers.BatchNormalization(name="bn")(layers.Dense(8)(inner)), name="tower"
    )
    one, other = keras.Input((6,)), keras.Input((6,))
    both = layers.Concatenate()([tower(one), tower(other)])
    changed = variant(keras.Model([one, other], layers.Dense(2)(both)), norm("layer"))
    assert [type(each).__name__ for each in norms_of(changed)] == ["LayerNormalization"]


class Block(layers.Layer):
    """A layer with a norm within."""

    def __init__(self, **more):
        super().__init__(**more)
        self.parts = [layers.Dense(4), layers.BatchNormalization(name="within")]

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


class Own(keras.Model):
    def call(self, x):
        return x


def shared_norm():
    x = examples = keras.Input((6,))
    bn = layers.BatchNormalization(name="bn")
    return keras.Model(examples, bn(layers.Dense(6)(bn(x))))


def of(*parts, shape=(6,)):
    return keras.Sequential([keras.Input(shape), *parts])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Own, "Own is no graph of layers"),
        (shared_norm, r"bn \(BatchNormalization\) is called more than once"),
        (
            lambda: of(Block(name="block"), layers.BatchNormalization()),
            "block .Block. holds within",
        ),
        (
            lambda: of(
                layers.TimeDistributed(layers.BatchNormalization(name="deep"), name="steps"),
                layers.LayerNormalization(),
                shape=(3, 6),
            ),
            r"steps \(TimeDistributed\) holds deep",
        ),
        (
            lambda: of(layers.Dense(2), layers.BatchNormalization(axis=1), shape=(3, 6)),
            "normalizes axis 1",
        ),
        (lambda: of(layers.Dense(2)), "no norm and no activation between two layers"),
        (lambda: of(layers.Dense(4, activation="relu")), "no norm and no activation between"),
        (
            lambda: of(layers.Dense(4, activation=layers.PReLU()), layers.Dense(2)),
            "activates by a layer",
        ),
    ],
)
def test_what_a_graph_does_not_allow_is_refused_in_one_line(make, says):
    model = make()
    with pytest.raises(Refusal, match=says) as refused:
        variant(model, norm("layer"))
    assert len(str(refused.value)) < 400


def test_channels_that_groups_do_not_divide_are_told():
    model = of(layers.Dense(6, "relu", name="dense"), layers.Dense(2, name="end"))
    with pytest.raises(Refusal, match=r"does not fit in the place of dense_norm: .*groups .8."):
        variant(model, norm("group"))


SOURCES = """
import keras

layers = keras.layers


def of_nothing():
    return keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), layers.Dense(3)])


def of_both(size, count):
    return keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(count)])


def by_name(*, outputs, shape, width=8):
    examples = keras.Input(shape)
    return keras.Sequential([examples, layers.Dense(width, "relu"), layers.Dense(outputs)])


def of_outputs(outputs):
    return keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), layers.Dense(outputs)])


def needing(shape, outputs, width):
    return None


def a_builder(shape, outputs, norm):
    return None


def no_model():
    return 3
"""


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Returns the dotted path of one of the functions above."""
    name = f"sources_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(SOURCES)
    monkeypatch.syspath_prepend(tmp_path)
    return lambda function: f"{name}.{function}"


@pytest.mark.parametrize("function", ["of_nothing", "of_both", "by_name", "of_outputs"])
def test_a_function_takes_nothing_or_a_shape_and_outputs_in_its_own_way(function, sources):
    model = build((6,), 3, norm("batch"), source=sources(function))
    assert model.output_shape == (None, 3)
    assert model.input_shape == (None, 6)
    assert len(norms_of(model)) == 1


@pytest.mark.parametrize(
    ("function", "shape", "says"),
    [
        ("of_nothing", (7,), r"a model from \(6,\) to \(3,\), but .* \(7,\) to \(3,\)"),
        ("of_nothing", (6, 2), r"from \(6, 2\) to \(3,\)"),
        ("needing", (6,), "needs 'width', too; give it a default"),
        ("a_builder", (6,), "needs 'norm', too; name it as a builder"),
        ("no_model", (6,), "returned int, not a keras.Model"),
        ("nowhere", (6,), "has no 'nowhere'"),
    ],
)
def test_a_function_that_will_not_do_is_told_in_one_line(function, shape, says, sources):
    with pytest.raises(Refusal, match=says):
        build(shape, 3, norm("none"), source=sources(function))


def test_arms_share_the_weights_of_the_rest_and_seeds_do_not(built_model):
    def weights(*overrides):
        model = built_model("model=variant", *overrides)
        return weights_of(model, norms_of(model))

    plain = weights("norm=none", "seed=3")
    for arm in ("batch", "layer", "group"):
        found = weights(f"norm={arm}", "seed=3")
        assert found.keys() == plain.keys()
        assert all(np.array_equal(found[name], plain[name]) for name in plain)
    other = weights("norm=none", "seed=4")
    kernels = [name for name in plain if name.endswith("kernel")]
    assert len(kernels) == 3
    assert all((other[name] != plain[name]).any() for name in kernels)


def test_the_code_of_the_function_is_part_of_the_question(asked, sources, tmp_path, monkeypatch):
    from pipeline.execution import environment

    def key():
        environment.code_digest.cache_clear()
        return asked("model=variant", f"model.source={sources('by_name')}").key

    before = key()
    [module] = tmp_path.glob("*.py")
    module.write_text(SOURCES + "\n# a remark\n")
    assert key() == before
    module.write_text(SOURCES.replace("width=8", "width=9"))
    assert key() != before
