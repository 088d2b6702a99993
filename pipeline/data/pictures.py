"""One picture's file to an array of bytes of the asked size and colors, by Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

# Not all that Pillow knows: its EPS decoder, for one, starts another program
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
FINER = 2  # times the asked size is what a JPEG is decoded at, at least: a photograph in a fifth


@dataclass(frozen=True)
class Color:
    """Pillow's name for a kind of picture, and its channels."""

    mode: str
    channels: int


COLORS = {"gray": Color("L", 1), "rgb": Color("RGB", 3)}
GROUNDS = {"white": (255, 255, 255, 255), "black": (0, 0, 0, 255)}


def decoded(file: Path, size: tuple[int, int], color: str, ground: str | None) -> NDArray[np.uint8]:
    """Return a picture as people see it, stretched to `size`, on a ground.

    Of an animation it is the first frame. Call it within `quiet_decoders`.

    Args:
        file: In one of FORMATS.
        size: Height and width.
        color: A key of COLORS.
        ground: A key of GROUNDS: what shows through where it is transparent; None refuses that.

    Returns:
        Shape (height, width, channels).

    Raises:
        ValueError: It cannot be decoded; the message says why.
    """
    height, width = size
    try:
        with Image.open(file, formats=FORMATS) as opened:
            if opened.mode.startswith(("I", "F")):  # Pillow would cut them off at 255
                raise ValueError("more than 8 bits a channel; save it with 8")
            opened.draft(None, (FINER * max(size), FINER * max(size)))
            opened.load()
            ImageOps.exif_transpose(opened, in_place=True)
            picture = _grounded(opened, ground).convert(COLORS[color].mode)
    except MemoryError:
        raise
    except UnidentifiedImageError:
        raise ValueError(f"not a picture of these: {', '.join(FORMATS)}") from None
    except Exception as error:  # a decoder meets damaged bytes with whatever it likes
        raise ValueError(getattr(error, "strerror", None) or str(error) or repr(error)) from error
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(height, width, COLORS[color].channels)


def _grounded(picture: Image.Image, ground: str | None) -> Image.Image:
    if not picture.has_transparency_data:
        return picture
    if ground is None:
        raise ValueError("transparent, and nobody said on what ground; save it without that")
    under = Image.new("RGBA", picture.size, GROUNDS[ground])
    under.alpha_composite(picture.convert("RGBA"))
    return under.convert("RGB")


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep Pillow's remarks on odd files to itself; refuse a picture that would fill the memory."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
