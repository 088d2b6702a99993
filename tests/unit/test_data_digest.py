"""A digest is the arrays' dtype, shape and bytes: nothing else changes it, each of them does."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from pipeline.data.digest import array_digest, arrays_digest, check_digest
from pipeline.errors import Refusal


def test_the_canonical_form_is_a_line_and_the_bytes() -> None:
    array = np.array([[1, 2], [3, 4]], dtype=np.int16)
    spelled = b"<i2 (2, 2)\n" + bytes([1, 0, 2, 0, 3, 0, 4, 0])
    assert array_digest(array) == hashlib.sha256(spelled).hexdigest()


def test_memory_layout_and_byte_order_do_not_change_it() -> None:
    array = np.arange(6, dtype=np.int16).reshape(2, 3)
    assert array_digest(np.asfortranarray(array)) == array_digest(array)
    assert array_digest(array.astype(">i2")) == array_digest(array)


def test_dtype_shape_and_values_change_it() -> None:
    array = np.zeros((2, 3), dtype=np.uint8)
    others = [array.astype(np.int8), array.reshape(3, 2), array + np.uint8(1)]
    assert len({array_digest(each) for each in [array, *others]}) == 4


def test_names_belong_to_it_and_their_order_does_not() -> None:
    zeros, ones = np.zeros(2), np.ones(2)
    assert arrays_digest({"a": zeros, "b": ones}) == arrays_digest({"b": ones, "a": zeros})
    assert arrays_digest({"a": zeros, "b": ones}) != arrays_digest({"a": ones, "b": zeros})


def test_other_arrays_are_refused_with_the_start_of_both_digests() -> None:
    arrays = {"images": np.zeros(2)}
    found = arrays_digest(arrays)
    check_digest(arrays, found, "mine.npz")
    with pytest.raises(Refusal) as refusal:
        check_digest(arrays, "0123456789abcdef", "mine.npz")
    assert f"expected digest 0123456789ab, found {found[:12]};" in str(refusal.value)
    assert str(refusal.value).startswith("mine.npz: ")
