import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.label_checks import check_labels, decode_label, read_label
from hrnet_tf.data.label_sets import LabelSet, load_label_set
from hrnet_tf.data.schema import SegmentationExample

FRUIT = LabelSet("fruit", ("tree", "apple", "pear"), label_ids=(1, 2, 5))
VALUES = np.random.default_rng(0).choice([1, 2, 5, 255], (30, 40)).astype(np.uint8)


def coloured(values):
    """A palette picture of label values, in colours whose grey tells little."""
    image = Image.fromarray(values).convert("P")
    image.putdata(values.ravel().tolist())
    image.putpalette(
        [(37 * i * channel) % 256 for i in range(256) for channel in (1, 2, 3)]
    )
    return image


@pytest.fixture
def make(tmp_path):
    """Saves an image and a label map; returns their example."""

    def make(name="a", label=VALUES, size=(40, 30), **options):
        Image.new("RGB", size, "green").save(tmp_path / f"{name}.jpg")
        image = label if isinstance(label, Image.Image) else Image.fromarray(label)
        image.save(tmp_path / f"{name}.png", **options)
        paths = tmp_path / f"{name}.jpg", tmp_path / f"{name}.png"
        return SegmentationExample(*map(str, paths))

    return make


@pytest.mark.parametrize(
    "values, options",
    [
        (VALUES, {}),
        (VALUES % 16, {"bits": 4}),
        (VALUES % 2, {"bits": 1}),
        (VALUES, {"transparency": 3}),
    ],
)
def test_palette_files_are_read_as_indices(make, values, options):
    path = make(label=coloured(values), **options).label_path
    found = read_label(path)
    assert found.dtype == np.uint8 and (found == values).all()
    encoded = tf.io.read_file(path)
    # What would happen otherwise: TensorFlow reads the grey of the colours.
    assert (tf.io.decode_png(encoded, channels=1)[..., 0].numpy() != values).any()
    assert (decode_label(encoded).numpy() == values).all()


def test_grey_and_palette_files_in_a_graph(make):
    grey = make("grey", VALUES).label_path
    colour = make("colour", coloured(VALUES)).label_path
    assert (read_label(grey) == VALUES).all()
    dataset = tf.data.Dataset.from_tensor_slices([grey, colour, grey])
    dataset = dataset.map(lambda path: decode_label(tf.io.read_file(path)))
    assert dataset.element_spec.shape.as_list() == [None, None]
    maps = list(dataset.as_numpy_iterator())
    assert all(m.dtype == np.uint8 and (m == VALUES).all() for m in maps)
    assert len(maps) == 3


def truncated(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def damaged(path):
    """Flips a bit of the compressed data."""
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 20] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "save, message",
    [
        (lambda p: coloured(VALUES).convert("RGB").save(p), "8-bit RGB PNG.*colours"),
        (lambda p: coloured(VALUES).convert("RGBA").save(p), "8-bit RGBA PNG"),
        (lambda p: Image.fromarray(VALUES).convert("LA").save(p), "8-bit grey.alpha"),
        (lambda p: Image.fromarray(VALUES.astype("u2")).save(p), "16-bit grey PNG"),
        (lambda p: Image.fromarray(VALUES > 5).save(p), "1-bit grey PNG.*8 bits a pix"),
        (lambda p: Image.fromarray(VALUES).save(p, "JPEG"), r"no PNG .*JPEG would ch"),
        (lambda p: p.write_bytes(b""), r"no PNG \(it starts with b''\)"),
        (lambda p: (Image.fromarray(VALUES).save(p), truncated(p)), "cannot be read"),
        (lambda p: (Image.fromarray(VALUES).save(p), damaged(p)), "cannot be read"),
    ],
)
def test_other_files_are_refused(tmp_path, save, message):
    path = tmp_path / "label.png"
    save(path)
    with pytest.raises(BadExample, match=f"The label map .*label.png .*{message}"):
        read_label(path)


def test_absent_label(tmp_path):
    with pytest.raises(BadExample, match="There is no label map .*absent.png"):
        read_label(tmp_path / "absent.png")


def test_pixels_are_counted(make):
    examples = [make("a"), make("b", np.full((30, 40), 2, np.uint8))]
    seen = []
    kept, counts = check_labels(examples, FRUIT, progress=lambda *p: seen.append(p))
    assert kept == examples
    assert counts.dtype == np.int64 and counts.shape == (3,)
    expected = [(VALUES == value).sum() for value in (1, 2, 5)]
    assert counts.tolist() == [expected[0], expected[1] + 1200, expected[2]]
    assert seen == [(1, 2), (2, 2)]


def test_an_unknown_value_is_named_with_its_place(make):
    wrong = VALUES.copy()
    wrong[12, 7:9] = 3
    wrong[20, 0] = 9
    example = make("b", wrong)
    message = (
        r"b.png holds the value 3 \(and \[9\]\), first at row 12, column 7. Label set"
        r" 'fruit' has 3 classes with the values \[1, 2, 5\], and \[255\] for ignored"
    )
    with pytest.raises(BadExample, match=message):
        check_labels([make("a"), example], FRUIT)
    # A list of classes that is too short shows in the same way.
    short = LabelSet("short", ("a", "b"))
    with pytest.raises(BadExample, match="value 2 .*2 classes with the values 0 to 1,"):
        check_labels([make("c", np.array([[0, 1, 2, 5]], np.uint8), (4, 1))], short)


def test_sizes_are_compared(make):
    example = make(size=(41, 30))
    message = r"a.png has 40x30 pixels .* its image .*a.jpg has 41x30. Do they"
    with pytest.raises(BadExample, match=message):
        check_labels([example], FRUIT)


def test_bad_examples_may_be_skipped(make, tmp_path):
    good = make("good")
    examples = [
        make("size", size=(4, 4)),
        good,
        make("value", VALUES * 0),
        make("colours", coloured(VALUES).convert("RGB")),
        SegmentationExample(good.image_path, str(tmp_path / "absent.png")),
        SegmentationExample(str(tmp_path / "absent.jpg"), good.label_path),
    ]
    with pytest.warns(UserWarning) as warned:
        kept, counts = check_labels(examples, FRUIT, skip_bad=True)
    assert kept == [good]
    assert counts.sum() == (VALUES != 255).sum()
    text = str(warned[0].message)
    assert "Label maps of 'fruit': skipped 5 bad examples: 1 x label of" in text
    assert "1 x absent label" in text and "1 x absent image" in text
    truncated(tmp_path / "good.jpg")
    with pytest.raises(BadExample, match="The image .*good.jpg cannot be read"):
        check_labels([good], FRUIT)


def test_labels_without_a_class_are_refused(make):
    empty = make("empty", np.full((30, 40), 255, np.uint8))
    message = (
        "1 label maps hold no pixel of a class: 1200 pixels are ignored; bad: none."
    )
    with pytest.raises(ValueError, match=message):
        check_labels([empty], FRUIT)
    with pytest.raises(ValueError, match="0 pixels are ignored; bad: 1 x unknown val"):
        check_labels([make("value", VALUES * 0)], FRUIT, skip_bad=True)


def test_camvid(shared):
    folder = shared / "data" / "camvid"
    images = sorted((folder / "val").iterdir())[:20]
    labels = [folder / "valannot" / f"{path.stem}.png" for path in images]
    examples = [
        SegmentationExample(str(image), str(label))
        for image, label in zip(images, labels, strict=True)
    ]
    kept, counts = check_labels(examples, load_label_set("camvid"))
    assert kept == examples
    maps = [np.asarray(Image.open(label)) for label in labels]
    assert counts.tolist() == [sum((m == c).sum() for m in maps) for c in range(11)]
    assert counts.sum() < sum(m.size for m in maps)  # some pixels are void
