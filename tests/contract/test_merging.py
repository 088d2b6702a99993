"""What is merged without Hydra is what Hydra makes of it: values, their kinds, and their order."""

from pathlib import Path
from unittest import mock

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.configuration import composition, folders, hydra
from pipeline.configuration.merging import merged
from pipeline.configuration.plan import compose_plan
from pipeline.errors import Refusal

CONF = Path("conf")
PROFILES = [file.stem for file in sorted((CONF / "profile").glob("*.yaml"))]


def by_hydra(conf: Path, root: str, overrides: list) -> tuple:
    with hydra.composing(conf):
        found, choices = hydra.tree(conf, root, overrides)
        return hydra.resolved(found, lambda key: key), choices


def alone(conf: Path) -> list[str]:
    known = sorted(folders.groups(conf))
    groups = [f"{group}/{name}" for group in known for name in folders.names(conf, group)]
    return [file.stem for file in sorted(conf.glob("*.yaml"))] + groups


def test_what_every_profile_asks_for_is_merged_to_what_hydra_composes():
    """Each of the compositions of all profiles; none of them needs Hydra."""
    asked = {}

    def recorded(conf, root, overrides):
        asked[root, tuple(each.input_line for each in overrides)] = overrides
        return merged(conf, root, overrides)

    with mock.patch.object(composition, "merged", recorded):
        for profile in PROFILES:
            compose_plan(CONF, profile)
    assert len(asked) > 200
    for (root, said), overrides in asked.items():
        found = merged(CONF, root, overrides)
        assert found is not None, f"{root} under {said} is left to Hydra"
        assert repr(found) == repr(by_hydra(CONF, root, overrides)), (root, said)


@pytest.mark.parametrize("root", alone(CONF))
def test_a_file_by_itself_is_merged_to_what_hydra_composes_or_left_to_it(root):
    found = merged(CONF, root, [])
    assert found is None or repr(found) == repr(by_hydra(CONF, root, []))


def test_a_users_files_are_merged_with_those_that_ship_as_hydra_composes_them(tmp_path):
    conf = tmp_path / "some, 'odd' folder"
    for name, text in {
        "model/mine.yaml": "defaults: [mlp, _self_]\nwidth: 24\n",
        "norm/batch_default.yaml": "_target_: keras.layers.BatchNormalization\nplacement: after\n",
        "train.yaml": "defaults: [cell, _self_]\nsummary: true\n",
    }.items():
        (conf / name).parent.mkdir(parents=True, exist_ok=True)
        (conf / name).write_text(text)
    said = hydra.Told("this test", ("model=mine", "norm=batch_after", "epochs=3"))
    found = merged(conf, "train", hydra.overrides_of(said))
    assert found is not None
    assert repr(found) == repr(by_hydra(conf, "train", hydra.overrides_of(said)))
    assert found[0]["model"]["width"] == 24
    assert found[0]["summary"] is True


# texts as they stand in a file, where two readers of YAML could differ
SAID = """\
1 -2 0 010 1_000 0x1f 1:30 1.5 1. .5 1e3 1e-3 1.e-3 1E5 .inf -.nan true yes on No null ~ '' '1' text
a-b 2024-01-01 2024-01-01T10:00:00 '???' ??? ${a} ${b.c} ${..a} ${a}x '${oc.env:X}' é '${' <<
"""
SCALARS = st.sampled_from(SAID.split())
KEYS = st.sampled_from(["a", "b", "c", "d-e", "_target_", "no", "1"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda each: f"[{', '.join(each)}]"),
        st.dictionaries(KEYS, inner, max_size=3).map(
            lambda each: "{" + ", ".join(f"{key}: {value}" for key, value in each.items()) + "}"
        ),
    ),
    max_leaves=5,
)
CONTENTS = st.dictionaries(KEYS, VALUES, max_size=4).map(
    lambda each: "".join(f"{key}: {value}\n" for key, value in each.items())
)
STARTS = st.sampled_from(
    ["", "defaults: [one, _self_]\n", "defaults: [_self_, one]\n", "defaults: [one]\n"]
)
ROOTS = st.sampled_from(
    [
        "defaults:\n  - g: one\n  - _self_\n",
        "defaults:\n  - _self_\n  - g: two\n",
        "defaults:\n  - _self_\n  - g: null\n",
        "defaults:\n  - g: two\n  - h: one\n  - _self_\n",
        "defaults:\n  - base\n  - h: one\n  - _self_\n",
        "defaults:\n  - g: two\n",
        "defaults:\n  - optional g: three\n  - _self_\n",
        "defaults:\n  - g@h: two\n  - _self_\n",
    ]
)
OVERRIDES = st.one_of(
    st.sampled_from(["g=one", "g=two", "h=one", "g=missing", "a={}", "g.a={}", "~a", "+x=1"]),
    st.builds(
        lambda key, value: f"{key}={value}",
        st.sampled_from(["a", "b", "g.a", "g.b.c", "h.a", "g.d-e", "b.a"]),
        st.sampled_from(
            ["1", "1e-3", "null", "true", "text", "[1,b]", "{a:2}", "{z:2}", "{a:{b:1}}", "'${a}'"]
        ),
    ),
)


@given(
    ROOTS, CONTENTS, CONTENTS, STARTS, CONTENTS, CONTENTS, CONTENTS, st.lists(OVERRIDES, max_size=3)
)
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_is_merged_is_what_hydra_composes(
    tmp_path, root, own, base, start, one, two, other, said
):
    """Of any small tree of files under any overrides: the same, or left to Hydra."""
    texts = {
        "root.yaml": root + own,
        "base.yaml": f"defaults:\n  - g: one\n  - _self_\n{base}",
        "g/one.yaml": one,
        "g/two.yaml": start + two,
        "h/one.yaml": other,
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    try:
        overrides = list(hydra.overrides_of(hydra.Told("test", tuple(said))))
    except Refusal:
        return
    for path in ("root", "g/two"):
        found = merged(tmp_path, path, overrides)
        if found is not None:
            assert repr(found) == repr(by_hydra(tmp_path, path, overrides)), texts


def test_the_reader_is_there_in_c_or_reads_the_same():
    """Numbers, truths and dates as OmegaConf has them, whichever parser reads them."""
    from pipeline.configuration.merging import Reader

    said = "[1e-3, 1E5, 2024-01-01, on, 010, 1:30, .5, ~]"
    assert yaml.load(said, Loader=Reader) == [0.001, 1e5, "2024-01-01", True, 8, 90, 0.5, None]
