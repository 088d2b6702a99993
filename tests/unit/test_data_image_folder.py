"""A folder of pictures becomes images, decoded one by one; whatever cannot is refused by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_permissions import somewhere, unprivileged
from PIL import Image

from pipeline.data import image_folder
from pipeline.data.arrays import open_split, read_manifest, write
from pipeline.data.pictures import FORMATS, decoded, quiet_decoders
from pipeline.data.source import Source
from pipeline.errors import Refusal
from pipeline.records import Component
from pipeline.studies import Dataset

HOSTILE = "<img src=x onerror=alert(1)>"


def picture(file: Path, level: int = 0, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> Path:
    """A picture of one gray level; `size` is width and height, as Pillow has it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).convert(mode).save(file)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 cats of gray levels 0 to 19, 20 dogs of 100 to 119."""
    place = tmp_path / "pets"
    for i in range(20):
        picture(place / "cat" / f"{i:02}.png", i)
        picture(place / "dog" / f"{i:02}.bmp", 100 + i)
    return place


def load(path: object, **changes: Any) -> Source:
    arguments: dict[str, Any] = {"size": (4, 6), "color": "rgb", "ground": "white"}
    arguments |= {"license": "CC0"} | changes
    return image_folder.load(path=path if path is None else str(path), **arguments)


def refused(path: object, **changes: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        load(path, **changes)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def prepared(source: Source, folder: Path, **changes: Any) -> Path:
    component = Component(target="pipeline.data.image_folder.load", arguments={})
    content = {"task": "classification", "source": component, "seed": 0}
    content |= {"train": 20, "validation": 10, "test": 10}
    write(source, Dataset(**{**content, **changes}), "pets", folder / "arrays")
    return folder / "arrays"


def test_each_folder_is_a_class_in_the_order_of_names(folder: Path) -> None:
    source = load(folder)
    assert source.labels == ("cat", "dog")
    assert source.targets.tolist() == [0] * 20 + [1] * 20
    assert source.examples.shape == (40, 4, 6, 3)
    images = source.examples[np.array([0, 39, 7])]
    assert images[:, 0, 0, 0].tolist() == [0, 119, 7]
    assert source.test_examples is None


def test_pictures_keep_their_labels_on_their_way_to_arrays(folder: Path, tmp_path: Path) -> None:
    arrays = prepared(load(folder), tmp_path)
    seen: list[int] = []
    for split in ("train", "validation", "test"):
        images, labels = open_split(arrays, split)
        assert (images[:, 0, 0, 0] // 100).tolist() == labels.tolist()
        seen.extend(images[:, 0, 0, 0].tolist())
    assert sorted(seen) == [*range(20), *range(100, 120)]


def test_the_same_pictures_in_another_order_on_disk_give_the_same_digest(
    folder: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    for file in sorted(folder.rglob("*.*"), reverse=True):
        (again / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        (again / file.relative_to(folder)).write_bytes(file.read_bytes())
    digests = {
        read_manifest(prepared(load(each), each.with_name(f"{each.name}-out"))).digest
        for each in (folder, again)
    }
    assert len(digests) == 1


def test_pictures_are_brought_to_the_asked_size_and_color(folder: Path) -> None:
    picture(folder / "cat" / "tall.png", 50, size=(10, 200))
    source = load(folder, size=(3, 5), color="gray")
    assert source.examples.shape == (41, 3, 5, 1)
    assert source.examples[np.array([20])].tolist() == [[[[50]] * 5] * 3]


def test_a_photograph_is_turned_as_people_see_it(tmp_path: Path) -> None:
    # EXIF orientation 6: the camera was held upright, the top of the scene is at the left
    stored = np.zeros((4, 8, 3), np.uint8)
    stored[:, :4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.fromarray(stored).save(tmp_path / name / "photo.png", exif=exif)
    seen = load(tmp_path, size=(8, 4)).examples[np.array([0])][0]
    assert (seen[:4] == 255).all()
    assert (seen[4:] == 0).all()


def test_a_large_photograph_is_decoded_smaller_but_not_other(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 1600, dtype=np.uint8)[None, :, None]
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.broadcast_to(ramp, (1200, 1600, 3)).copy()).save(
            tmp_path / name / "photo.jpg", quality=95
        )
    seen = load(tmp_path, size=(30, 40)).examples[np.array([0])][0].astype(int)
    whole = ramp[0, :, 0].reshape(40, 40).mean(axis=1)  # what each of the 40 columns covers
    assert np.abs(seen[:, :, 0] - whole[None, :]).max() <= 3


def test_train_and_test_folders_are_the_publishers_splits(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "split"
    place.mkdir()
    folder.rename(place / "train")
    for i in range(3):
        picture(place / "test" / "dog" / f"{i}.png", 200 + i)
    source = load(place)
    assert source.labels == ("cat", "dog")
    assert source.test_targets is not None
    assert source.test_targets.tolist() == [1, 1, 1]
    arrays = prepared(source, tmp_path, test="publisher")
    images, labels = open_split(arrays, "test")
    assert sorted(images[:, 0, 0, 0].tolist()) == [200, 201, 202]
    assert labels.tolist() == [1, 1, 1]


def test_a_test_folder_beside_the_classes_is_a_split_and_no_class(folder: Path) -> None:
    picture(folder / "test" / "cat" / "0.png", 200)
    source = load(folder)
    assert source.labels == ("cat", "dog")
    assert source.test_targets is not None
    assert source.test_targets.tolist() == [0]


def test_classes_called_train_and_test_are_classes(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "0.png")
    picture(tmp_path / "test" / "0.png")
    assert load(tmp_path).labels == ("test", "train")


def test_a_test_class_that_is_not_trained_on_is_refused(folder: Path) -> None:
    picture(folder / "test" / "dgo" / "0.png")
    assert refused(folder).startswith(
        f"{folder}/test/dgo: is no class of the training pictures; did you mean 'dog'?"
    )


@pytest.mark.parametrize("called", ["val", "valid", "validation"])
def test_a_validation_folder_beside_train_is_the_publishers_split(
    folder: Path, tmp_path: Path, called: str
) -> None:
    place = tmp_path / "split"
    place.mkdir()
    folder.rename(place / "train")
    for i in range(3):
        picture(place / called / "dog" / f"{i}.png", 200 + i)
    source = load(place)
    assert source.labels == ("cat", "dog")
    arrays = prepared(source, tmp_path, validation="publisher")
    images, labels = open_split(arrays, "validation")
    assert sorted(images[:, 0, 0, 0].tolist()) == [200, 201, 202]
    assert labels.tolist() == [1, 1, 1]
    drawn, _ = open_split(prepared(source, tmp_path), "validation")  # a number draws from train
    assert drawn.max() < 200


def test_a_validation_split_that_is_not_there_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"validation is 'publisher', but .* brings no validation"):
        prepared(load(folder), tmp_path, validation="publisher")


def test_two_validation_folders_are_refused(tmp_path: Path) -> None:
    for place in ("train/cat", "train/dog", "val/cat", "valid/cat"):
        picture(tmp_path / place / "0.png")
    assert refused(tmp_path).startswith(f"{tmp_path}/valid: lies beside val, which is")


def test_a_folder_beside_train_is_refused_not_passed_over(tmp_path: Path) -> None:
    for place in ("train/cat", "train/dog", "more/cat"):
        picture(tmp_path / place / "0.png")
    assert refused(tmp_path) == (
        f"{tmp_path}/more: lies beside train, whose folders are the classes; "
        "move it there if it is a class, or elsewhere; other splits are called val and test"
    )


def test_an_empty_class_folder_is_named(folder: Path) -> None:
    (folder / "void").mkdir()
    assert refused(folder) == (
        f"{folder}/void: this class's folder holds no picture; put some there, or remove the folder"
    )


@pytest.mark.parametrize(("ground", "level"), [("white", 255), ("black", 0)])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_a_transparent_picture_stands_on_the_ground_that_is_asked_for(
    tmp_path: Path, ground: str, level: int, mode: str
) -> None:
    drawing = Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    for place in ((1, 1), (2, 1)):
        drawing.putpixel(place, (90, 90, 90, 255))
    file = tmp_path / "drawing.png"
    drawing.convert(mode).save(file)
    expected = np.full((4, 6), level)
    expected[1, 1:3] = 90
    with quiet_decoders():
        assert (decoded(file, (4, 6), "gray", ground) == expected[..., None]).all()
        assert (decoded(file, (4, 6), "rgb", ground) == expected[..., None]).all()


def test_the_same_picture_in_two_splits_is_told(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prepared(load(folder), tmp_path)
    assert caplog.messages == []
    for i in range(20):
        picture(folder / "cat" / f"{i:02}.png", 50)
    prepared(load(folder), tmp_path)
    assert caplog.messages == [
        "dataset pets: exact duplicates across splits: 5 of 10 in validation are in train too, "
        "5 of 10 in test are in train too, 5 of 10 in test are in validation too; what is scored "
        "on them was seen in training, or counts twice: remove them from the source"
    ]


def test_what_file_browsers_leave_behind_is_passed_over(folder: Path) -> None:
    for name in (".DS_Store", "Thumbs.db"):
        (folder / "cat" / name).write_bytes(b"x")
    (folder / ".cache").mkdir()
    (folder / "README.txt").write_text("my pets")
    assert len(load(folder).targets) == 40


def test_a_hostile_class_name_travels_as_plain_text(folder: Path, tmp_path: Path) -> None:
    (folder / "dog").rename(folder / HOSTILE)
    arrays = prepared(load(folder), tmp_path)
    assert read_manifest(arrays).labels == (HOSTILE, "cat")
    assert HOSTILE in (arrays / "manifest.json").read_text()


def test_a_class_name_that_is_not_utf_8_is_refused(folder: Path) -> None:
    name = folder / os.fsdecode(b"caf\xe9")
    name.mkdir()
    assert refused(folder) == f"{str(name)!a}: this class's name is not UTF-8; rename the folder"


def test_a_picture_whose_name_is_not_utf_8_is_read_and_named_when_it_is_damaged(
    folder: Path,
) -> None:
    file = (folder / "cat" / "19.png").rename(folder / "cat" / os.fsdecode(b"\xff.png"))
    assert load(folder).examples[np.array([19])][0, 0, 0, 0] == 19
    file.write_bytes(b"nothing")
    with pytest.raises(Refusal, match=r"cat/\\udcff.png' \(not a picture of these: BMP, GIF,"):
        load(folder).examples[np.array([19])]


def test_undecodable_pictures_are_named_all_at_once_and_nothing_is_left(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "dog" / "03.bmp").write_text("not a picture")
    cut = folder / "cat" / "07.png"
    cut.write_bytes(cut.read_bytes()[:45])
    with pytest.raises(Refusal) as refusal:
        prepared(load(folder), tmp_path)
    line = str(refusal.value)
    assert line.startswith(f"{folder}/cat/07.png (")
    assert f"{folder}/dog/03.bmp (not a picture of these: BMP, " in line
    assert line.endswith("): cannot be decoded; repair or remove what is named")
    assert [each.name for each in tmp_path.iterdir()] == ["pets"]


def test_of_many_undecodable_pictures_five_are_named(folder: Path) -> None:
    for file in (folder / "cat").iterdir():
        file.write_text("not a picture")
    with pytest.raises(Refusal, match=r"04.png \(.*\) and 15 more: cannot be decoded") as refusal:
        load(folder).examples[np.array([0])]
    assert "05.png" not in str(refusal.value)


def test_pictures_of_16_bits_are_refused_not_cut_off(folder: Path) -> None:
    Image.fromarray(np.full((4, 6), 40_000, np.uint16)).save(folder / "cat" / "x-ray.png")
    with pytest.raises(Refusal, match=r"x-ray.png \(more than 8 bits a channel; save it with 8\)"):
        load(folder).examples[np.array([20])]


def test_a_picture_that_would_fill_the_memory_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)  # the pictures have 24
    with pytest.raises(Refusal, match=r"00.png \(Image size \(24 pixels\) exceeds limit of 20"):
        load(folder).examples[np.array([0])]


def test_a_file_that_may_not_be_read_is_named() -> None:
    with somewhere() as folder:
        picture(folder / "cat" / "0.png").chmod(0)
        picture(folder / "dog" / "0.png")
        with unprivileged():
            source = load(folder)
            with pytest.raises(Refusal, match=r"cat/0.png \(Permission denied\): cannot be"):
                source.examples[np.array([0])]


def test_a_folder_that_may_not_be_looked_into_is_named() -> None:
    with somewhere() as folder:
        picture(folder / "dog" / "0.png")
        picture(folder / "cat" / "0.png")
        (folder / "cat").chmod(0)
        with unprivileged():
            assert refused(folder) == (
                f"{folder}/cat: cannot be read: Permission denied; "
                "correct the path or its permissions"
            )


def test_a_link_to_nothing_or_in_a_circle_is_named(folder: Path) -> None:
    link = folder / "cat" / "link.png"
    link.symlink_to("nowhere.png")
    assert refused(folder) == f"{link}: is no file, or a link to nothing; remove it"
    link.unlink()
    link.symlink_to("link.png")
    assert refused(folder).startswith(f"{link}: ")


def test_a_folder_inside_a_class_is_refused(folder: Path) -> None:
    (folder / "cat" / "old").mkdir()
    assert refused(folder) == (
        f"{folder}/cat/old: is a folder inside a class; move its pictures one level up"
    )


def test_a_missing_path_is_refused() -> None:
    assert refused(None) == (
        "dataset.source.path: names nothing; add dataset.source.path=PATH to name "
        "a folder with one folder of pictures per class"
    )
    assert refused("/no/such/folder") == "/no/such/folder: does not exist; correct the path"


def test_a_file_in_the_place_of_the_folder_is_refused(folder: Path) -> None:
    file = folder / "cat" / "00.png"
    assert refused(file).startswith(f"{file}: is a file, not a folder; name a folder with one")


def test_a_folder_without_class_folders_is_refused(folder: Path) -> None:
    assert refused(folder / "cat").startswith(f"{folder}/cat: holds no folders; put each class's")


def test_class_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "dog").mkdir()
    assert refused(tmp_path) == f"{tmp_path}: its folders hold no pictures; put some there"


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "0.png")
    assert refused(tmp_path).endswith("a classifier needs at least two classes, found 'cat'")


def test_a_class_too_small_to_split_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    picture(folder / "emu" / "0.png")
    with pytest.raises(Refusal, match=r"class 'emu' has 1 of 41 examples, too few to appear in"):
        prepared(load(folder), tmp_path)


@pytest.mark.parametrize("size", [(4,), (4, 0), (4, 6, 3), ("4", 6), (4.0, 6), (True, 6), 4, "46"])
def test_a_size_that_is_not_two_whole_numbers_is_refused(folder: Path, size: Any) -> None:
    assert refused(folder, size=size).startswith("dataset.source.size: must be [height, width],")


def test_an_unknown_color_is_refused_with_the_nearest(folder: Path) -> None:
    line = refused(folder, color="grey")
    assert line == "dataset.source.color: is 'grey'; did you mean 'gray'? (valid: gray, rgb)"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_kind_of_8_bit_picture_is_read(tmp_path: Path, mode: str) -> None:
    file = picture(tmp_path / "one.png", 255, mode=mode)
    with quiet_decoders():
        assert (decoded(file, (4, 6), "gray", "white") == 255).all()
        assert decoded(file, (4, 6), "rgb", "white").shape == (4, 6, 3)


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_bytes_give_a_picture_or_a_reason_never_another_error(
    tmp_path: Path, kind: str
) -> None:
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    file = tmp_path / "picture"
    Image.fromarray(noise).save(file, kind)
    content = np.frombuffer(file.read_bytes(), np.uint8)
    refusals = 0
    for _ in range(100):
        damaged = content[: generator.integers(1, len(content) + 1)].copy()
        places = generator.integers(0, len(damaged), 3)
        damaged[places] = generator.integers(0, 256, 3)
        file.write_bytes(damaged.tobytes())
        with quiet_decoders():
            try:
                assert decoded(file, (9, 7), "rgb", "white").shape == (9, 7, 3)
            except ValueError:
                refusals += 1
    assert refusals


def test_a_class_in_two_unicode_forms_is_refused(tmp_path: Path) -> None:
    for n, name in enumerate(("caf\u00e9", "cafe\u0301", "tea")):
        picture(tmp_path / name / "1.png", n)
    assert refused(tmp_path).endswith(
        "is there twice, in two Unicode forms that look alike; move the pictures of both into one"
    )


def test_a_test_class_in_another_unicode_form_is_the_same_class(tmp_path: Path) -> None:
    for n, name in enumerate(("train/caf\u00e9", "train/tea", "test/cafe\u0301")):
        picture(tmp_path / name / "1.png", n)
    source = load(tmp_path)
    assert source.labels == ("caf\u00e9", "tea")
    assert source.test_targets is not None
    assert source.test_targets.tolist() == [0]
