#!/usr/bin/env bash
# Keras: RandomCrop of pictures with bounding boxes.
#
# Expectation: a layer that takes {"images", "bounding_boxes"} moves boxes with the picture.
# Seen with Keras 3.15.1 on TensorFlow 2.21.0: the picture is moved by (x, y), its boxes by
# (y, x). A white rectangle in a 64x96 picture lies where the box says only if both happen
# to be equal; otherwise a detector is trained on background, without a word. CenterCrop,
# by the same offset, is right.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "keras==3.15.1" "tensorflow-cpu==2.21.0"
cat > "$folder/crop.py" <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf

picture = np.zeros((1, 64, 96, 3), np.float32)
picture[:, 12:30, 22:40] = 1
box = np.array([[[22, 12, 40, 30]]], np.float32)


def extent(pixels):
    y, x = np.nonzero(pixels[..., 0] > 0.5)
    return [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]


def moved(layer):
    data = {"boxes": box.copy(), "labels": np.array([[1]])}
    found = layer({"images": picture, "bounding_boxes": data}, training=True)
    boxes = np.asarray(found["bounding_boxes"]["boxes"])
    return extent(np.asarray(found["images"])[0]), boxes[0, 0].astype(int).tolist()


print("Keras", keras.__version__, "TensorFlow", tf.__version__)
swapped = differ = 0
for seed in range(40):
    drawn, told = moved(
        keras.layers.RandomCrop(50, 70, seed=seed, bounding_box_format="xyxy")
    )
    x, y = 22 - drawn[0], 12 - drawn[1]
    # Crops that cut the rectangle or the box tell nothing about offsets.
    whole = drawn[2] - drawn[0] == drawn[3] - drawn[1] == 18
    if not whole or x > 12 or x == y:
        continue
    differ += drawn != told
    swapped += told == [22 - y, 12 - x, 40 - y, 30 - x]
    if differ == 1:
        print(f"  cropped by x {x}, y {y}: drawn at {drawn}, box {told}")
print(f"  boxes beside the rectangle: {differ}, by the offsets swapped: {swapped}")
centre = moved(keras.layers.CenterCrop(50, 70, bounding_box_format="xyxy"))
print("  CenterCrop:", *centre)
right = centre[0] == centre[1]
raise SystemExit(0 if swapped == differ > 4 and right else 1)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/crop.py"
