"""Input of eight kinds, drawn from a generator: good, broken in one place, or broken in several.

A maker writes its files into a folder and returns what is to be asked of them.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

SPLITS = ("dataset.train=40", "dataset.validation=10", "dataset.test=10")
DTYPES = (
    *("u1", "f4", "f8", "f2", "i1", "i8", "u2", "b1", "c8", "S3", "U3", "V4", ">f4", ">i2", "O"),
    *("M8[s]", "m8[s]"),
)
WORDS = (
    *("0", "1", "-1", "0.5", "1e400", "-1e-400", "9" * 30, "nan", "inf", "-.inf", "true", "null"),
    *(
        "''",
        "[]",
        "{}",
        "[1,2]",
        "{a:1}",
        "a b",
        "é",
        "\u202e",
        "\x00",
        "'\\'",
        "${seed}",
        "${oc.env:HOME}",
    ),
    *("???", "adam", "keras.layers.Dense", "os.system", "../..", "~", "x" * 3000, "1_000", "0x10"),
)
KEYS = (
    *("seed", "epochs", "batch_size", "examples", "device", "trainer", "steps_per_epoch", "probes"),
    *("model", "norm", "optimizer", "dataset", "task", "summary", "search", "dataset.train"),
    *("dataset.source", "dataset.source._target_", "model._target_", "norm._target_", "norm.axis"),
    *(
        "optimizer._target_",
        "optimizer.learning_rate",
        "optimizer.lr",
        "model.width",
        "model.depth",
    ),
    *("model.activation", "model.initializer", "norm.epsilon", "norm.momentum", "norm.placement"),
    *(
        "probes.shadow_momenta",
        "dataset.seed",
        "dataset.task",
        "metric",
        "hydra.run.dir",
        "",
        "a.b",
    ),
)
TARGETS = (
    *("keras.layers.Dense", "keras.Model", "keras.Sequential", "keras.optimizers.Adam", "keras"),
    *("keras.layers.BatchNormalization", "keras.layers.UnitNormalization", "keras.losses.Loss"),
    *(
        "keras.layers.Dropout",
        "keras.layers.InputLayer",
        "keras.optimizers.Optimizer",
        "numpy.array",
    ),
    *("builtins.print", "os.system", "subprocess.run", "pipeline.models.mlp.build", "pipeline.x.y"),
    *("pipeline.tasks.classification.Classification", "keras.optimizers.LossScaleOptimizer"),
    *("keras.optimizers.schedules.CosineDecay", "sys", "a", ".", "", "a..b", "é.ü", "json.loads"),
)


def mostly(draw: random.Random, usual: Any, *odd: Any, share: float = 0.12) -> Any:
    """Return what is usual, or, of a share of the draws, something odd."""
    return draw.choice(odd) if draw.random() < share else usual


def spoiled(content: bytes, draw: random.Random) -> bytes:
    """Return bytes that were cut, flipped, doubled, blanked or left alone."""
    place = draw.randrange(len(content) + 1)
    more = draw.choice([b"", b"\0" * 9, b"\xff\xfe", bytes(draw.randrange(256) for _ in range(9))])
    changes = (
        lambda: content[:place],
        lambda: content[:place] + more + content[place + len(more) :],
        lambda: content[:place] + more + content[place:],
        lambda: content + content[:place],
        lambda: content[place:],
        lambda: b"",
    )
    return draw.choice(changes)()


def array(draw: random.Random, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    """Return values of any type, in any order, some of them not finite."""
    numbers = np.random.default_rng(draw.randrange(2**32)).integers(0, 250, shape)
    if dtype == "O":
        return numbers.astype(object)
    found = numbers.astype("i8" if dtype[0] in "Mm" else "f8").astype(dtype)
    if found.dtype.kind == "f" and found.size and draw.random() < 0.1:
        found.flat[draw.randrange(found.size)] = draw.choice([np.nan, np.inf, -np.inf])
    return np.asfortranarray(found) if draw.random() < 0.2 else found


def stored(values: np.ndarray[Any, Any]) -> bytes:
    """Return an .npy file."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=True)
    return file.getvalue()


def header(content: bytes, draw: random.Random) -> bytes:
    """Return an .npy file whose header says something else."""
    old, new = draw.choice(
        [
            (b"'shape': (", b"'shape': (-"),
            (b"'shape': (", b"'shape': (9999999999999, "),
            (b"'shape': (", b"'shape': (True, "),
            (b"'descr': '", b"'descr': '>"),
            (b"'descr': '", b"'descr': 'O"),
            (b"'descr'", b"'other'"),
            (b"False", b"Maybe"),
            (b"NUMPY\x01", b"NUMPY\x07"),
            (b"{", b"[" * 40),
        ]
    )
    return content.replace(old, new, 1)


def shapes(draw: random.Random) -> tuple[int, ...]:
    count = mostly(draw, 60, 1, 0, 59)
    usual = draw.choice([(count, 6, 6, 1), (count, 6, 6), (count, 5), (count, 3, 2)])
    return mostly(draw, usual, (count,), (), (count, 0), (count, 3, 8, 8), (count, 1, 1, 1, 1))


def npz(folder: Path, draw: random.Random) -> list[str]:
    """An .npz archive; what to prepare of it."""
    classes = np.arange(60) % 3
    odd = [classes[:50], classes[:, None], np.eye(3)[classes], classes + 1, classes / 2, -classes]
    odd += [classes.astype("U1"), classes > 0, classes.astype("f4"), np.array(3), classes * np.nan]
    targets = mostly(draw, classes, *odd, share=0.25)
    kind = mostly(draw, draw.choice(["u1", "f4", ">f8", "f2"]), *DTYPES, share=0.2)
    members = {"x.npy": stored(array(draw, shapes(draw), kind)), "y.npy": stored(targets)}
    if draw.random() < 0.2:
        name = draw.choice(sorted(members))
        members[name] = draw.choice([spoiled, header])(members[name], draw)
    return _archived(folder / "a.npz", members, draw)


def _archived(file: Path, members: dict[str, bytes], draw: random.Random) -> list[str]:
    with zipfile.ZipFile(file, "w", draw.choice([0, 8, 12, 14])) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    if draw.random() < 0.1:
        file.write_bytes(spoiled(file.read_bytes(), draw))
    task = mostly(draw, "classification", "regression")
    return ["dataset=npz", f"dataset.source.path={file}", f"dataset.task={task}", *SPLITS]


def archive(folder: Path, draw: random.Random) -> list[str]:
    """A zip file that is not what it seems; what to prepare of it."""
    x, y = stored(np.ones((60, 5), np.float32)), stored(np.arange(60) % 3)
    members = draw.choice(
        [
            *[{"x.npy": x, "y.npy": y}] * 5,
            {"x": x, "y": y},
            {"../x.npy": x, "/y.npy": y},
            {"x.npy": x, "y.npy": y, "z.npy": b"?"},
            {"X.npy": x, "y.npy": y},
            {"x.npy/": b"", "y.npy": y},
            {"x.npy": gzip.compress(x), "y.npy": y},
            {"x.npy": x + b"\0" * 50_000_000, "y.npy": y},
            {},
        ]
    )
    found = _archived(folder / "a.npz", members, draw)
    content = bytearray((folder / "a.npz").read_bytes())
    for mark in mostly(draw, (), (b"PK\x01\x02",), (b"PK\x03\x04",), (b"PK\x05\x06",), share=0.4):
        place = content.find(mark) + 4 + draw.randrange(24)
        if 0 <= place < len(content):
            content[place] = draw.randrange(256)
    (folder / "a.npz").write_bytes(content)
    if draw.random() < 0.05:
        (folder / "a.npz").unlink()
        (folder / "a.npz").mkdir()
    return found


def idx(folder: Path, draw: random.Random) -> list[str]:
    """A file of MNIST's format; its name."""
    odd = [(6,), (), (0, 4), (6, 4, 4, 1, 1), (2**31, 2**31), (1,) * 200, (6, 4, 5)]
    dims = mostly(draw, (6, 4, 4), *odd, share=0.3)
    head = bytes([0, mostly(draw, 0, 1), mostly(draw, 8, 9, 13, 255), len(dims)])
    head += b"".join((size % 2**32).to_bytes(4, "big") for size in dims)
    body = bytes(draw.randrange(256) for _ in range(mostly(draw, 96, 6, 0, 95, 97)))
    content = mostly(draw, head + body, spoiled(head + body, draw))
    content = mostly(draw, content, gzip.compress(content), spoiled(gzip.compress(content), draw))
    name = draw.choice(["a-idx3-ubyte", "a-idx3-ubyte.gz"])
    (folder / name).write_bytes(content)
    return [str(folder / name)]


def picture(draw: random.Random) -> bytes:
    """A picture in any mode and format, whole or not."""
    modes = ["L", "RGBA", "LA", "P", "1", "I;16", "CMYK", "F", "I"]
    mode = mostly(draw, "RGB", *modes, share=0.02)
    size = mostly(draw, (8, 8), (1, 1), (3, 9), (300, 1))
    kind = mostly(draw, "PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "ICO", "PPM", share=0.02)
    made, file = Image.new(mode, size, draw.choice([0, 1])), io.BytesIO()
    if mode == "RGB":
        made = Image.frombytes(mode, size, draw.randbytes(3 * size[0] * size[1]))
    try:
        made.save(file, kind, **({"save_all": True} if kind == "GIF" else {}))
    except (OSError, ValueError, KeyError):  # a format that has no such mode
        made.convert("RGB").save(file, "PNG")
    content = file.getvalue()
    if draw.random() < 0.005:
        return spoiled(content, draw)
    if draw.random() < 0.002:  # says that it is larger than memory
        return content.replace((8).to_bytes(4, "big") * 2, b"\x00\x0f\xff\xff" * 2, 1)
    return content


def image_folder(folder: Path, draw: random.Random) -> list[str]:
    """A folder of pictures; what to prepare of it."""
    home = folder / draw.choice(["pictures", "p (2)", "é", "a=b"])
    splits = [("train", "test"), ("train", "val", "test"), ("train",), ("a", "b")]
    names = [("a", "b", "c"), ("a",), ("a", "A"), ("e\u0301", "é"), (" ", "b"), ("train", "test")]
    for split in mostly(draw, ("",), *splits, share=0.3):
        for name in mostly(draw, ("a", "b"), *names, share=0.3):
            place = home / split / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(mostly(draw, 40, 1, 0, share=0.05)):
                ending = mostly(draw, "png", "jpg", "PNG", "txt", "gif", "", share=0.02)
                (place / f"{number}.{ending}").write_bytes(picture(draw))
    home.mkdir(exist_ok=True)
    if draw.random() < 0.05:
        (home / "loop").symlink_to(home, target_is_directory=True)
    quoted = str(home).replace("'", "\\'")
    sizes = ["[0,4]", "[4]", "4", "[4,4.5]", "[99999999,9]", "null"]
    more = [f"dataset.source.size={mostly(draw, '[4,4]', *sizes)}"]
    more += mostly(draw, [], ["dataset.source.color=gray"], ["dataset.test=publisher"], share=0.3)
    return ["dataset=image_folder", f"dataset.source.path='{quoted}'", *SPLITS, *more]


def table(folder: Path, draw: random.Random) -> list[str]:
    """A table; what to prepare of it."""
    cells = [
        "1",
        "2.5",
        "-3",
        "",
        "NA",
        "nan",
        "inf",
        "1e999",
        "9" * 40,
        "x",
        "é",
        '"',
        "1,5",
        "TRUE",
    ]
    rows = [
        [str(n), f"{n / 7:.3f}", draw.choice(["a", "b"]), "xyz"[n % 3]]
        for n in range(mostly(draw, 66, 2, 0, 59))
    ]
    for _ in range(mostly(draw, 0, 1, 5, share=0.4) if rows else 0):
        draw.choice(rows)[draw.randrange(4)] = draw.choice(cells)
    heads = [
        ["n", "n", "city", "kind"],
        ["", "m", "city", "kind"],
        ["n", "m", "city"],
        ["N", *"mck"],
    ]
    head = mostly(draw, ["n", "m", "city", "kind"], *heads)
    frame = pd.DataFrame(rows, columns=range(4))
    if draw.random() < 0.25 and len({*head}) == 4:
        file = folder / "t.parquet"
        frame.columns = head
        frame.to_parquet(file)
        content = file.read_bytes()
    else:
        file = folder / mostly(draw, "t.csv", "t.CSV", "t.tsv", "t")
        comma = mostly(draw, ",", ";", "\t")
        text = "\n".join(comma.join(row) for row in [head, *rows])
        content = text.encode(mostly(draw, "utf-8", "utf-8-sig", "utf-16", "cp500"))
    file.write_bytes(mostly(draw, content, spoiled(content, draw)))
    said = {
        "target": mostly(draw, "kind", "n", "m", "none", "city", "null"),
        "categorical": mostly(draw, "[city]", "[]", "[n]", "[none]", "city", "[city,city]"),
        "numeric": mostly(draw, "null", "[m]", "[x]", "[m,city]", "[]", "[m,m]"),
        "missing": mostly(draw, "refuse", "mean", "median", "most_frequent", "x", share=0.3),
        "standardize": mostly(draw, "true", "false", "1"),
    }
    asked = [f"dataset.source.{name}={value}" for name, value in said.items()]
    task = mostly(draw, "classification", "regression")
    return ["dataset=table", f"dataset.source.path={file}", f"dataset.task={task}", *SPLITS, *asked]


FITTING = {  # what is good, key by key
    "seed": "3",
    "epochs": "2",
    "batch_size": "16",
    "examples": "320",
    "trainer": "fit",
    "model": "cnn",
    "norm": "layer",
    "optimizer": "sgd",
    "model.width": "8",
    "norm.epsilon": "0.1",
    "optimizer.learning_rate": "0.1",
    "dataset.seed": "7",
    "summary": "true",
}


def override(_: Path, draw: random.Random) -> list[str]:
    """Overrides of any keys; what to compose."""
    said = []
    for _ in range(draw.choice([1, 1, 2])):
        key = draw.choice([*FITTING]) if draw.random() < 0.6 else draw.choice(KEYS)
        value = draw.choice(WORDS + TARGETS)
        value = mostly(draw, FITTING.get(key, value), value, share=0.3)
        said.append(f"{mostly(draw, '', '+', '++', '~')}{key}{mostly(draw, '=', '', '==')}{value}")
    return said


def target(_: Path, draw: random.Random) -> list[str]:
    """Overrides that name code, and the numbers that it is given; what to train."""
    place = draw.choice(["model", "norm", "optimizer", "optimizer", "dataset.source"])
    if draw.random() < 0.4:
        return [f"{place}._target_={draw.choice(TARGETS)}"]
    number = draw.choice(["0", "-1", "1e-30", "1e30", "0.5", "1", "7", "null", "true", "a"])
    return [f"{draw.choice(NUMBERS)}={number}"]


NUMBERS = (
    *("norm.axis", "norm.epsilon", "norm.momentum", "norm.center", "norm.gamma_initializer"),
    *("optimizer.learning_rate", "optimizer.beta_1", "optimizer.epsilon", "optimizer.weight_decay"),
    *("model.width", "model.depth", "model.taper", "model.input_scale", "model.initializer"),
    *("batch_size", "epochs", "steps_per_epoch", "probes.recalibration_examples", "examples"),
)


def yaml(folder: Path, draw: random.Random) -> list[str]:
    """A copy of conf/ with a file that was changed, and what to compose of it."""
    files = sorted((folder / "conf").glob("**/*.yaml"))
    named = {"train", "cell", "mlp", "batch", "batch_default", "adam", "mnist_5k", "classification"}
    file = draw.choice([each for each in files if each.stem in named])
    lines = file.read_text().splitlines()
    place = draw.randrange(len(lines))
    key = lines[place].partition(":")[0]
    changes = (
        lambda: lines[:place] + lines[place + 1 :],
        lambda: [*lines[:place], f"{key}: {draw.choice(WORDS)}", *lines[place + 1 :]],
        lambda: [
            *lines,
            draw.choice(["x: 1", "- 1", "\tx", "[", "*a", "&a [*a]", "!!python/none"]),
        ],
        lambda: [*lines, lines[place]],
        lambda: ["# more", *lines, ""],
        lambda: [*lines[: place + 1], "# more", *lines[place + 1 :]],
        lambda: [" " * draw.randrange(4) + line for line in lines],
        lambda: ["defaults: [nowhere]", *lines],
    )
    file.write_bytes("\n".join(draw.choice(changes)()).encode())
    if draw.random() < 0.15:
        file.write_bytes(spoiled(file.read_bytes(), draw))
    return []


BUILDER = """import keras
import numpy as np
import tensorflow as tf

L = keras.layers


class Own(L.Layer):
    def call(self, x):
        {call}


def build(shape, outputs, norm{more}):
    x = inputs = {inputs}
    x = {first}(x)
    x = {middle}
    x = {last}
    {done}
"""
PARTS: dict[str, list[str]] = {
    "call": [
        "return x",
        *("return None", "raise ValueError('no')", "return x * keras.random.normal((1,))"),
        *("return x * np.nan", "return tf.cast(x, 'int32')", "return x.numpy()", "return [x, x]"),
        *(
            "tf.debugging.assert_less(x, 0.5); return x",
            "print('y' * 10**6); return x",
            "return x / 0",
        ),
        *(
            "return tf.py_function(lambda y: y, [x], tf.float32)",
            "return x.nothing",
            "return x[:1]",
        ),
    ],
    "more": ["", ", *, width=3", ", *, width", ", extra", ", **others"],
    "inputs": [
        "keras.Input(shape)",
        *("keras.Input((None,) * len(shape))", "keras.Input((7,))", "keras.Input(shape, 4)"),
        *("keras.Input(shape, dtype='int32')", "keras.Input(shape, dtype='string')", "shape"),
    ],
    "first": [
        "L.Flatten()",
        *(
            "L.Rescaling(1e30)",
            "L.Conv2D(2, 3)",
            "L.Conv2D(2, 99)",
            "L.Flatten",
            "L.LSTM(2)",
            "Own()",
        ),
        *("L.Embedding(2, 2)", "L.RandomFlip()", "L.MultiHeadAttention(1, 2)", "L.Dropout(0.5)"),
    ],
    "middle": [
        "norm(L.Dense(3)(x), name='n', activation='relu')",
        *(
            "norm(x)",
            "norm(x, 'n', 'nowhere')",
            "norm(norm(x, name='n'), name='n')",
            "L.Dense(0)(x)",
        ),
        *("norm(Own()(L.Dense(3)(x)), name='n')", "norm(L.BatchNormalization()(x), name='n')", "x"),
        "norm(L.Dense(3, bias_initializer=lambda s, dtype: np.random.normal(size=s))(x), name='n')",
    ],
    "last": [
        "L.Dense(outputs)(x)",
        *(
            "L.Dense(outputs, 'softmax')(x)",
            "L.Dense(outputs + 1)(x)",
            "L.Activation('relu')(x)",
            "x",
        ),
        *("Own()(L.Dense(outputs)(x))", "L.Reshape((1, outputs))(L.Dense(outputs)(x))", "None"),
    ],
    "done": [
        "return keras.Model(inputs, x)",
        *(
            "return x",
            "return None",
            "return keras.Model(inputs, [x, x])",
            "pass",
            "return keras.Model()",
        ),
        *(
            "return keras.Sequential([L.Flatten(), L.Dense(outputs)])",
            "raise SystemExit(3)",
            "1 / 0",
        ),
        *("return keras.Model(inputs, {'a': x})", "yield x", "return build", "return keras.Model"),
    ],
}


def module(folder: Path, draw: random.Random) -> list[str]:
    """A builder of one's own; what to train with it."""
    name = f"fuzzed_{draw.randrange(10**12)}"
    parts = {part: mostly(draw, each[0], *each, share=0.3) for part, each in PARTS.items()}
    code = BUILDER.format(**parts)
    if draw.random() < 0.1:
        code = draw.choice(
            [
                "import nowhere",
                "raise KeyError(1)",
                "(",
                "\x00",
                "x = 1",
                "print('z' * 10**6)\n" + code,
            ]
        )
    (folder / f"{name}.py").write_text(code)
    trainer = draw.choice(["engine", "engine", "fit"])
    norm = draw.choice(["batch", "batch", "layer", "none", "group"])
    return [f"model._target_={name}.build", f"norm={norm}", f"trainer={trainer}"]


def saved_model(folder: Path, draw: random.Random, model: Path) -> list[str]:
    """A saved model and a file that it is asked about, one of them changed; their names."""
    own, beside = folder / "m.keras", folder / "m.json"
    own.write_bytes(model.read_bytes())
    beside.write_bytes(model.with_suffix(".json").read_bytes())
    change = draw.choice(["nothing", "model", "manifest", "member", "config"])
    if change == "model":
        own.write_bytes(spoiled(own.read_bytes(), draw))
    if change == "manifest":
        beside.write_bytes(spoiled(beside.read_bytes(), draw))
    if change in ("member", "config"):
        with zipfile.ZipFile(own) as kept:
            members = {name: kept.read(name) for name in kept.namelist()}
        name = "config.json" if change == "config" else draw.choice(sorted(members))
        members[name] = (
            spoiled(members[name], draw) if change == "member" else _config(members[name], draw)
        )
        with zipfile.ZipFile(own, "w") as changed:
            for each, content in members.items():
                changed.writestr(each, content)
    file = folder / f"asked.{draw.choice(['npy', 'npy', 'npz', 'png', 'csv', 'txt'])}"
    if file.suffix == ".npy":
        shape = draw.choice([(3, 28, 28, 1), (3, 28, 28), (28, 28), (3, 784), (0, 28, 28, 1), ()])
        content = stored(array(draw, shape, draw.choice(["u1", "u1", *DTYPES])))
        file.write_bytes(
            draw.choice([content, content, header(content, draw), spoiled(content, draw)])
        )
    elif file.suffix == ".npz":
        np.savez(
            file,
            **{str(n): np.zeros((2, 28, 28, 1), np.uint8) for n in range(draw.choice([1, 2, 0]))},
        )
    else:
        file.write_bytes(picture(draw) if file.suffix == ".png" else b"a,b\n1,2\n")
    return [str(own), str(file)]


def _config(content: bytes, draw: random.Random) -> bytes:
    config = json.loads(content)
    layers = config["config"]["layers"]
    key = draw.choice(
        ["class_name", "module", "registered_name", "config", "inbound_nodes", "name"]
    )
    draw.choice(layers)[key] = draw.choice([None, "os", "Lambda", {}, [], 3, "keras.layers", "é"])
    return json.dumps(config).encode()


MAKERS: dict[str, Callable[[Path, random.Random], list[str]]] = {
    "arrays (.npz)": npz,
    "archives": archive,
    "arrays (idx)": idx,
    "image folders": image_folder,
    "tables": table,
    "YAML of conf": yaml,
    "overrides": override,
    "targets and numbers": target,
    "user modules": module,
}
