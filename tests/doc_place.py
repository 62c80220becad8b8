"""The folder that the commands of the docs run in: small drawn data, random models.

Each name that a page may mention is made when it does.
"""

import shutil
from pathlib import Path

import keras
import numpy as np
from drawn_faces import draw_faces, write_json
from drawn_labels import IGNORED, draw_labels
from drawn_shapes import draw_data_set, draw_shape
from drawn_video import write_video
from own_people import write_people
from PIL import Image

import hrnet_tf
from hrnet_tf.data.keypoint_sets import KeypointSet, load_keypoint_set
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.data.synthetic import generate_people

SIZE = {"image_size": (64, 64)}


def prepare(text):
    """Makes in the current folder what a page's text mentions.

    Args:
        text: str.
    Returns:
        dict of the names that the page's Python may use: `crops` and `images`, random
        pixels.
    """
    for name, make in MAKERS.items():
        if name in text:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            make(Path(name))
    rng = np.random.default_rng(0)
    sizes = {"crops": (2, 256, 192, 3), "images": (1, 64, 96, 3)}
    return {
        name: rng.integers(0, 256, size).astype("uint8") for name, size in sizes.items()
    }


def _people(folder):
    generate_people(folder, 6, 4, image_size=(120, 160))


def _hands(folder):
    """Three points each, in COCO's layout."""
    hand = KeypointSet("hand", ("wrist", "thumb", "little_finger"))
    for seed, split in enumerate(("train2017", "val2017")):
        found = draw_faces(folder / split, hand, 4, seed)
        path = folder / "annotations" / f"person_keypoints_{split}.json"
        write_json(path, found, center=None, scale=None)


def _faces(folder):
    keypoint_set = load_keypoint_set("300w")
    for seed, split in enumerate(("train", "val")):
        found = draw_faces(folder / "images", keypoint_set, 4, seed)
        write_json(folder / "annotations" / f"face_landmarks_{split}.json", found)


def _labels(folder):
    folder.mkdir()
    draw_labels(folder)


def _orchard(folder):
    _labels(folder)
    for path in folder.glob("*annot/*.png"):
        labels = np.array(Image.open(path))
        Image.fromarray(np.where(labels == IGNORED, 255, labels)).save(path)


def _photo(path):
    """A drawn person."""
    folder = path.with_suffix(".drawn")
    generate_people(folder, 1, 1, image_size=(420, 240))
    with Image.open(next((folder / "val2017").iterdir())) as image:
        image.save(path)
    shutil.rmtree(folder)


def _model(kind, **arguments):
    def make(folder):
        folder.mkdir(parents=True, exist_ok=True)
        keras.utils.set_random_seed(0)
        build = getattr(hrnet_tf, kind).from_preset
        model = build("hrnet_test", load_weights=False, **arguments)
        model.save(folder / "best.keras")

    return make


def _pose_model(folder):
    keypoint_set = load_keypoint_set("coco").to_dict()
    _model("HRNetPose", keypoint_set=keypoint_set, **SIZE)(folder)


def _faces_model(folder):
    keypoint_set = load_keypoint_set("300w").to_dict()
    _model("HRNetLandmarks", num_keypoints=68, keypoint_set=keypoint_set, **SIZE)(
        folder
    )


def _segmenter(folder):
    label_set = load_label_set("camvid").to_dict()
    _model("HRNetSegmenter", num_classes=11, label_set=label_set)(folder)


def _classifier(folder):
    names = ("circle", "square", "stripes")
    _model("HRNetClassifier", num_classes=3, class_names=names, **SIZE)(folder)


def _checkpoint(path):
    from safetensors.numpy import save_file

    model = hrnet_tf.HRNetPose.from_preset("hrnet_test", load_weights=False)
    save_file(hrnet_tf.export_torch_state_dict(model), path)


def _photos(folder):
    for number in range(2):
        folder.mkdir(exist_ok=True)
        draw_shape("circle", number, (96, 64)).save(folder / f"{number}.jpg")


MAKERS = {
    "data/mice": write_people,
    "data/coco": _people,
    "data/hands": _hands,
    "data/face68": _faces,
    "data/camvid": _labels,
    "data/orchard": _orchard,
    "data/signdigits": draw_data_set,
    "data/hats": draw_data_set,
    "runs/coco": _pose_model,
    "runs/people": _pose_model,
    "runs/face68": _faces_model,
    "runs/camvid": _segmenter,
    "runs/digits": _classifier,
    "photo.jpg": _photo,
    "street.jpg": lambda path: draw_shape("stripes", 0, (96, 64)).save(path),
    "hand.jpg": lambda path: draw_shape("circle", 0).save(path),
    "satellite.png": lambda path: draw_shape("square", 0, (1100, 1060)).save(path),
    "drive.mp4": lambda path: write_video(path, 3),
    "photos/": _photos,
    "checkpoint.safetensors": _checkpoint,
}
