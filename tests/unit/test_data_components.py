"""Dotted paths lead to classes and functions, or are refused with the nearest valid name."""

from __future__ import annotations

import fractions
from pathlib import Path

import pytest

from pipeline.arguments import Argument
from pipeline.components import build, resolve
from pipeline.errors import Refusal
from pipeline.records import Component


def component(target: str, **arguments: Argument) -> Component:
    return Component(target=target, arguments=arguments)


def test_a_path_leads_to_a_class_a_function_or_a_method() -> None:
    assert resolve("fractions.Fraction") is fractions.Fraction
    assert resolve("pipeline.components.resolve") is resolve
    assert resolve("fractions.Fraction.limit_denominator") is fractions.Fraction.limit_denominator


def test_arguments_of_the_file_and_of_the_caller_are_joined() -> None:
    built = build(component("fractions.Fraction", denominator=4), numerator=3)
    assert built == fractions.Fraction(3, 4)
    assert build(component("fractions.Fraction"), 3, 4) == fractions.Fraction(3, 4)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("pipelin.data.mnist.load", "no module 'pipelin'; install it or correct the path"),
        ("pipeline.date.mnist.load", "pipeline has no 'date'; did you mean 'data'?"),
        ("pipeline.data.mnst.load", "pipeline.data has no 'mnst'; did you mean 'mnist'?"),
        ("pipeline.data.mnist.laod", "pipeline.data.mnist has no 'laod'; did you mean 'load'?"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_the_nearest_name(
    path: str, message: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        resolve(path)
    assert str(refusal.value).startswith(f"{path}: {message}")


def test_a_module_that_needs_another_names_the_one_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needy_source.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Refusal, match="needy_source needs 'no_such_dependency'; install it"):
        resolve("needy_source.load")


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(Refusal, match=r"^math.pi: is a float, not a class or function$"):
        build(component("math.pi"))


def test_an_unknown_argument_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(Refusal, match=r"takes no argument 'digset'; did you mean 'digest'\?"):
        build(component("pipeline.data.mnist_5k.load", digset="00"))


def test_an_argument_that_vanishes_in_keywords_still_gets_the_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "layers_with_keywords.py").write_text(
        "class Layer:\n"
        "    def __init__(self, epsilon=0.1, **kwargs):\n"
        "        if kwargs:\n"
        "            raise ValueError(f'unrecognized {kwargs}')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Refusal, match=r"unrecognized .*; did you mean 'epsilon'\?"):
        build(component("layers_with_keywords.Layer", epsilom=1))


def test_a_missing_argument_is_refused_by_name() -> None:
    with pytest.raises(Refusal, match="missing a required argument: 'valid'"):
        build(component("pipeline.errors.nearest", name="x"))


def test_an_argument_that_the_caller_sets_is_refused_in_the_file() -> None:
    with pytest.raises(Refusal, match="numerator is set by the caller"):
        build(component("fractions.Fraction", numerator=1), numerator=2)


def test_a_value_that_a_class_refuses_is_a_refusal() -> None:
    with pytest.raises(Refusal, match=r"datetime.date: refuses its arguments: .*month"):
        build(component("datetime.date", year=2000, month=13, day=1))


def test_an_error_inside_a_function_is_not_hidden() -> None:
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        build(component("math.sqrt"), -1.0)
