"""The picture hash: the same photo sent again is near, another scene is far, and it fits a signed bigint."""

import io
from random import Random

import pytest
from PIL import Image, ImageDraw, ImageEnhance

from domain.reports.likeness import SAME_PICTURE_BITS, is_telling, picture_bits
from runtime import media


def scene(seed: int, size: tuple[int, int] = (1200, 900)) -> Image.Image:
    """Draw a street-like picture: sky, ground and things of random place, size and colour."""
    random = Random(seed)
    image = Image.new("RGB", size, tuple(random.randint(120, 255) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, size[1] * random.uniform(0.4, 0.7), *size), fill=tuple(random.randint(30, 140) for _ in range(3)))
    for _ in range(25):
        x, y = random.randint(0, size[0]), random.randint(0, size[1])
        box = (x, y, x + random.randint(60, 400), y + random.randint(60, 400))
        (draw.rectangle if random.random() < 0.5 else draw.ellipse)(box, fill=tuple(random.randint(0, 255) for _ in range(3)))
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **more: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def of(data: bytes) -> int:
    return media.decode(data).likeness


@pytest.mark.parametrize("seed", range(12))
def test_the_same_photo_scaled_darkened_and_encoded_anew_is_the_same_picture(seed: int) -> None:
    first = scene(seed)
    again = ImageEnhance.Brightness(first.resize((800, 600), Image.Resampling.LANCZOS)).enhance(0.85)
    bits = picture_bits([of(encoded(first, quality=92))], [of(encoded(again, quality=60))])
    assert bits is not None
    assert bits <= SAME_PICTURE_BITS


def test_other_scenes_are_other_pictures() -> None:
    hashes = [of(encoded(scene(seed))) for seed in range(40)]
    assert all(-(1 << 63) <= one < (1 << 63) for one in hashes)
    assert sum(is_telling(one) for one in hashes) >= 38
    bits = [picture_bits([a], [b]) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(one for one in bits if one is not None) > SAME_PICTURE_BITS


def test_a_black_frame_and_a_white_wall_tell_nothing() -> None:
    for colour in ("black", "white", "gray"):
        assert not is_telling(of(encoded(Image.new("RGB", (640, 480), colour), "PNG")))
