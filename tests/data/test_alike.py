"""Pictures that look the same although their files differ."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from hrnet_tf.data.alike import check_alike, thumbnail


def photo(seed, size=(160, 120)):
    """Smooth shapes in random places, as pictures have."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (9, 12, 3), np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def checked(folder, train, val):
    """The findings of pictures (PIL images) in two parts."""
    splits, thumbnails = {}, {}
    for name, images in (("train", train), ("val", val)):
        splits[name] = []
        for i, image in enumerate(images):
            path = str(folder / f"{name}{i}.png")
            image.save(path)
            splits[name].append(path)
            thumbnails[path] = thumbnail(image)
    return check_alike(splits, thumbnails)


def as_jpeg(image):
    import io

    file = io.BytesIO()
    image.save(file, "JPEG", quality=40)
    return Image.open(file)


CHANGES = {
    "stored anew": as_jpeg,
    "smaller": lambda image: image.resize((64, 48), Image.Resampling.LANCZOS),
    "larger": lambda image: image.resize((400, 300)),
    "brighter": lambda image: Image.eval(image, lambda v: min(255, v + 6)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "with less colour": lambda image: ImageEnhance.Color(image).enhance(0.9),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_copies_are_found(tmp_path, change):
    train = [photo(i) for i in range(12)]
    val = [photo(50), change(photo(7)), photo(51)]
    (finding,) = checked(tmp_path, train, val)
    assert finding.level == "warning"
    assert finding.text.startswith("1 of 3 validation pictures looks the same as one")
    assert "val1.png" in finding.text and "train7.png" in finding.text


def test_others_are_not(tmp_path):
    assert not checked(
        tmp_path, [photo(i) for i in range(60)], [photo(i) for i in range(100, 140)]
    )


def test_something_small_in_the_same_place_is_another_picture(tmp_path):
    def scene(x):
        image = photo(3)
        image.paste((250, 250, 250), (x, 60, x + 12, 72))
        return image

    assert not checked(tmp_path, [scene(20)], [scene(90)])


def test_flat_pictures_and_true_copies_are_left_to_others(tmp_path):
    flat = [Image.new("RGB", (40, 30), color) for color in ("white", "grey")]
    assert not checked(tmp_path, flat[:1], flat[1:])
    assert not checked(tmp_path, [photo(1)], [photo(1)])
    assert not check_alike({"train": [], "val": []}, {})
