#!/usr/bin/env bash
# torchvision: keypoints that are mirrored and turned with their picture.
#
# Expectation: a point on a pixel stays on that pixel, whether coordinates count from the
# centre of the first pixel or from its corner, as long as one of them is meant. Turning by
# 180 degrees is mirroring both ways, of pictures, boxes and points alike.
# Seen with torchvision 0.29.1 (KeyPoints is called beta there) and torch 2.14.1: pictures
# and boxes agree, points do not, by one pixel. Flips place points as if they counted from
# the first pixel's centre; rotate does as if from its corner, as boxes and resize do. So
# neither convention is right in a chain of both: one step or the other moves each point off
# its pixel.
#
# Installs the CUDA libraries of torch too, some GB. No GPU is needed.
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "torchvision==0.29.1" "torch==2.14.1" "numpy==2.4.6"
cat > "$folder/turned.py" <<'PYTHON'
import torch
import torchvision
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional

SIZE = 6, 8
pixels = torch.zeros(1, *SIZE)
pixels[0, 1, 2] = 1
picture = tv_tensors.Image(pixels)
corners = {"format": "XYXY", "canvas_size": SIZE}
box = tv_tensors.BoundingBoxes(torch.tensor([[2.0, 1, 3, 2]]), **corners)


def mirrored(item):
    return functional.vertical_flip(functional.horizontal_flip(item))


def turned(item):
    return functional.rotate(item, 180)


print("torchvision", torchvision.__version__, "torch", torch.__version__)
places, boxes, wrong = [], [], {}
for step in (mirrored, turned):
    y, x = torch.nonzero(step(picture)[0])[0].tolist()
    places.append((x, y))
    boxes.append(step(box)[0].tolist())
    for origin, first in (("centre", 0.0), ("corner", 0.5)):
        point = torch.tensor([[2.0, 1]]) + first
        point = tv_tensors.KeyPoints(point, canvas_size=SIZE)
        px, py = (step(point)[0] - first).tolist()
        wrong[step.__name__, origin] = (px - x, py - y)
        print(f"  {step.__name__}: pixel {x, y}; point from the {origin} {px, py}")
right = {("mirrored", "centre"), ("turned", "corner")}
seen = {key for key, off in wrong.items() if off == (0, 0)}
off_by_one = all(abs(v) == 1 for key in wrong.keys() - right for v in wrong[key])
same = places[0] == places[1] and boxes[0] == boxes[1]
raise SystemExit(0 if same and seen == right and off_by_one else 1)
PYTHON
"$folder/venv/bin/python" "$folder/turned.py"
