"""Pictures and files of objects, drawn for tests of detection."""

import numpy as np
from drawn_people import HEIGHT, WIDTH, draw_pictures, write

from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.instance_masks import pack_runs, runs_of_mask
from hrnet_tf.data.object_sets import ObjectSet

FRUIT = ObjectSet("fruit", ("apple", "pear"))
# x, y, width and height.
APPLE, PEAR = (5.0, 4.0, 20.0, 10.0), (20.0, 15.0, 12.0, 12.0)


def annotation(number, image_id, box, **changes):
    """An annotation of COCO's."""
    fields = {"id": number, "image_id": image_id, "category_id": 7, "bbox": list(box)}
    return {**fields, "iscrowd": 0, "area": box[2] * box[3], **changes}


def outline(box):
    """The polygon around a box."""
    x, y, w, h = box
    return [[x, y, x + w, y, x + w, y + h, x, y + h]]


def coco_content(*annotations, count=2):
    """The content of a COCO file, with ids of categories that have a gap."""
    images = [
        {"id": i, "file_name": f"{i}.png", "height": HEIGHT, "width": WIDTH}
        for i in range(1, count + 1)
    ]
    categories = [{"id": 7, "name": "apple"}, {"id": 90, "name": "pear"}]
    return {
        "images": images,
        "annotations": list(annotations),
        "categories": categories,
    }


def coco_file(folder, *annotations, count=2, **changes):
    """Draws pictures and writes a COCO file of them; returns its path."""
    draw_pictures(folder, *(f"{i}.png" for i in range(1, count + 1)))
    content = {**coco_content(*annotations, count=count), **changes}
    return write(folder / "objects.json", content)


def two_objects(**changes):
    """An apple in the first picture, a pear in the second."""
    return (
        annotation(1, 1, APPLE, segmentation=outline(APPLE), **changes),
        annotation(2, 2, PEAR, segmentation=outline(PEAR), category_id=90),
    )


def example_of(boxes, classes, path="a.png", **fields):
    """An example without masks, of an image of 48x64."""
    return DetectionExample(
        str(path), 1, 48, 64, np.reshape(boxes, (-1, 4)), np.array(classes), **fields
    )


def drawn_examples(folder, count=6, seed=0, size=(48, 64), masks=True):
    """Draws pictures of bright ellipses; returns their examples."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    examples = []
    for number in range(count):
        pixels = rng.integers(0, 60, (*size, 3)).astype(np.uint8)
        boxes, classes, runs = [], [], []
        for _ in range(rng.integers(1, 4)):
            w, h = rng.integers(8, 20, 2)
            x, y = rng.integers(0, size[1] - w), rng.integers(0, size[0] - h)
            place = ((columns - x - w / 2) / w) ** 2 + ((rows - y - h / 2) / h) ** 2
            inside = place <= 0.25
            classes.append(int(rng.integers(2)))
            pixels[inside] = (220, 40, 30) if classes[-1] == 0 else (60, 220, 40)
            boxes.append((x, y, x + w, y + h))
            runs.append(runs_of_mask(inside) if masks else None)
        path = folder / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        packed, lengths = pack_runs(runs)
        examples.append(
            DetectionExample(
                image_path=str(path),
                image_id=number + 1,
                height=size[0],
                width=size[1],
                boxes=np.array(boxes, np.float32),
                classes=np.array(classes),
                mask_runs=packed,
                mask_lengths=lengths,
            )
        )
    return examples
