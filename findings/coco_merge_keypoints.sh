#!/usr/bin/env bash
# hotcoco and pycocowriter: two files of COCO's keypoints, merged into one.
#
# Expectation: COCO.merge and coco_merge put keypoints of a category that both files have in
# one order, by the names that each file gives them, or say that they differ. hotcoco's
# documentation asks for equal categories and promises a ValueError otherwise; pycocowriter
# matches categories by their names and gives annotations new numbers.
# Seen with hotcoco 1.3.0 and pycocowriter 0.5.6: the first file's list of names stays, and
# the numbers of the second are kept in their own order. Where one tool wrote head, hands and
# another hands, head, a head is a hand from there on; of a file with fewer keypoints, or
# with others, only the numbers are left. Nothing is said, and hotcoco's healthcheck finds no
# error in the result.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "hotcoco==1.3.0" "pycocowriter==0.5.6" \
    "pycocotools==2.0.11" "numpy==2.2.6" "pillow==12.0.0"
cat > "$folder/merge.py" <<'PYTHON'
import copy
from importlib.metadata import version

from hotcoco import COCO
from pycocowriter.cocomerge import coco_merge

PLACES = {"head": (50, 10), "left_hand": (10, 50), "right_hand": (90, 50)}


def file_of(number, names):
    """One person whose points lie where `PLACES` says."""
    category = {"id": 1, "name": "person", "keypoints": list(names), "skeleton": []}
    picture = {"id": number, "file_name": f"{number}.jpg", "width": 100, "height": 100}
    person = {"id": number, "image_id": number, "category_id": 1, "iscrowd": 0}
    person |= {"bbox": [0, 0, 100, 60], "area": 6000, "num_keypoints": len(names)}
    person["keypoints"] = [v for name in names for v in (*PLACES[name], 2)]
    return {"images": [picture], "annotations": [person], "categories": [category]}


def with_hotcoco(*files):
    merged = COCO.merge([COCO(f) for f in files])
    return merged.dataset, merged.healthcheck()["errors"]


def with_pycocowriter(*files):
    return coco_merge(*files), []


def named(dataset):
    """The places that the merged file gives the second person's points."""
    names = dataset["categories"][0]["keypoints"]
    numbers = list(map(int, dataset["annotations"][1]["keypoints"]))
    places = zip(numbers[::3], numbers[1::3], strict=True)
    return dict(zip(names, places, strict=False))


same = True
first = file_of(1, ("head", "left_hand", "right_hand"))
for package, merge in (("hotcoco", with_hotcoco), ("pycocowriter", with_pycocowriter)):
    print(package, version(package))
    for names in (("right_hand", "head", "left_hand"), ("right_hand", "head")):
        dataset, errors = merge(*copy.deepcopy((first, file_of(2, names))))
        print(f"  second file: {', '.join(names)}\n    expected {PLACES}")
        print(f"    seen     {named(dataset)}, errors {errors}")
        kept = [PLACES[name] for name in names]
        same &= list(named(dataset).values()) == kept and not errors
        same &= len(dataset["categories"]) == 1 and names[0] != "head"
raise SystemExit(0 if same else 1)
PYTHON
"$folder/venv/bin/python" "$folder/merge.py"
