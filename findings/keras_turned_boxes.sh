#!/usr/bin/env bash
# Keras: pictures with boxes that are rotated, sheared or seen in perspective.
#
# Expectation: layers that take {"images", "bounding_boxes"} and a bounding_box_format move
# boxes of that format with the picture, as RandomZoom and RandomTranslation do.
# Seen with Keras 3.15.1, on NumPy as on TensorFlow 2.21.0: RandomRotation reads boxes of every
# format as if they were corners in pixels ("xyxy"), and RandomPerspective returns them so:
# corners in pixels under the name of "xywh" or "rel_xyxy". RandomShear shears boxes as
# fractions of the picture: in one of 120 x 80 pixels they move half as far again as the
# object, in each format. A detector is trained on background, without a word. RandAugment
# rotates and shears with the same layers. (Keras on NumPy needs JAX.)
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "keras==3.15.1" "numpy==2.4.6" "jax==0.10.2"
cat > "$folder/turned.py" <<'PYTHON'
import keras
import numpy as np
from keras import layers

HEIGHT, WIDTH = 80, 120
picture = np.zeros((1, HEIGHT, WIDTH, 3), np.float32)
picture[:, 30:50, 50:90] = 1
SCALE = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], np.float32)


def corners(box, name):
    box = np.asarray(box, np.float64)
    if name == "xywh":
        return np.concatenate([box[:2], box[:2] + box[2:]])
    return box * SCALE if name == "rel_xyxy" else box


def moved(make, name):
    """Where the rectangle is drawn afterwards, and where its box says, as corners."""
    box = np.array([50, 30, 90, 50], np.float32)
    box = {"xywh": box - [0, 0, 50, 30], "rel_xyxy": box / SCALE}.get(name, box)
    boxes = {"boxes": box[None, None].astype(np.float32), "labels": np.array([[1]])}
    layer = make(bounding_box_format=name, seed=1)
    found = layer({"images": picture, "bounding_boxes": boxes}, training=True)
    y, x = np.nonzero(np.asarray(found["images"])[0, ..., 0] > 0.5)
    drawn = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
    return drawn, corners(np.asarray(found["bounding_boxes"]["boxes"])[0, 0], name)


STEPS = {
    "RandomRotation": lambda **k: layers.RandomRotation((0.03, 0.03), "constant", **k),
    "RandomPerspective": lambda **k: layers.RandomPerspective(1.0, 0.3, **k),
    "RandomShear": lambda **k: layers.RandomShear((0.2, 0.2), 0.0, **k),
    "RandomZoom": lambda **k: layers.RandomZoom((0.2, 0.2), fill_mode="constant", **k),
    "RandomTranslation": lambda **k: layers.RandomTranslation((0.1, 0.1), 0.1, **k),
}
RIGHT = {"RandomRotation": ["xyxy"], "RandomPerspective": ["xyxy"], "RandomShear": []}
print("Keras", keras.__version__, "on", keras.backend.backend())
same = True
for step, make in STEPS.items():
    for name in ("xyxy", "xywh", "rel_xyxy"):
        drawn, told = moved(make, name)
        # Edges of the drawn rectangle are between pixels: up to a pixel is right.
        right = bool(np.abs(drawn - told).max() <= 1.5)
        said = "as drawn" if right else f"box {told.round(1).tolist()}"
        print(f"  {step}, {name}: drawn at {drawn.tolist()}, {said}")
        same &= right == (name in RIGHT.get(step, ("xyxy", "xywh", "rel_xyxy")))
raise SystemExit(0 if same else 1)
PYTHON
KERAS_BACKEND=numpy "$folder/venv/bin/python" "$folder/turned.py"
