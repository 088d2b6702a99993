"""Every planted fault is named with its layer, and nothing else; on the healthy twin nothing is."""

import keras
import numpy as np
import pytest
import zoo
from keras import layers

from pipeline.diagnosis import diagnose
from pipeline.errors import Refusal

NAMES = [f"{number}-{each.code}" for number, each in enumerate(zoo.FAULTS)]
BOTH = {"averages-not-settled"}  # planted in two layers: steps are the whole model's


@pytest.mark.parametrize("fault", zoo.FAULTS, ids=NAMES)
def test_a_planted_fault_is_named_with_its_layer_and_nothing_else(fault):
    found = diagnose(fault.broken(), **fault.options).findings
    said = [(each.code, each.layer) for each in found]
    if fault.code in BOTH:
        assert said == [(fault.code, "first"), (fault.code, "norm")]
    else:
        assert said == [(fault.code, fault.layer)]
    assert all(each.why and each.line for each in found)


@pytest.mark.parametrize("fault", zoo.FAULTS, ids=NAMES)
def test_the_healthy_twin_has_nothing_named(fault):
    found = diagnose(fault.healthy(), **fault.options).findings
    named = [(each.code, each.layer) for each in found]
    if fault.code in BOTH:  # the second norm's momentum is another one
        assert named == [(fault.code, "first")]
    else:
        assert not named


def test_the_zoo_has_every_check():
    assert len(zoo.FAULTS) >= 12
    assert len({each.code for each in zoo.FAULTS}) >= 20


def test_a_frozen_backbone_below_a_head_that_trains_is_no_mixture():
    model = zoo.backbone(zoo.Norm(name="norm"))
    model.get_layer("backbone").trainable = False
    assert not diagnose(model).findings


def test_an_optimizers_decay_is_a_note_because_a_model_does_not_say_what_it_spares():
    model = zoo.compiled(keras.optimizers.AdamW(weight_decay=0.01))
    found = diagnose(model).findings
    assert {(each.code, each.rank) for each in found} == {("decay-on-gamma", "note")}
    assert not diagnose(zoo.compiled(keras.optimizers.Adam())).findings


def test_an_untrained_model_is_told_so_without_harm():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, use_bias=False), layers.BatchNormalization()]
    )
    [found] = diagnose(model).findings
    assert (found.code, found.rank) == ("averages-at-start", "note")


def test_a_model_without_norms_says_so():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    found = diagnose(model)
    assert not found.findings
    assert "no normalization layer" in found.summary


class Written(keras.Model):
    """A subclassed model, which does not say what its call does."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(4, use_bias=False)
        self.norm = layers.BatchNormalization(momentum=1.0, name="inner")
        self.out = layers.Dense(2)

    def call(self, x, training=None):
        return self.out(self.norm(self.dense(x), training=training))


def test_a_subclassed_model_is_walked_once_it_has_weights():
    examples = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    model = Written()
    with pytest.raises(Refusal, match="no weights yet"):
        diagnose(model)
    model(examples)
    zoo.settled(model)
    [found] = diagnose(model).findings
    assert found.code == "momentum-never-moves"
    assert "inner" in found.layer
