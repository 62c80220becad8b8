"""Every recipe of poses trains an epoch of a tiny network on the embedded data set."""

import json
from pathlib import Path

import numpy as np
import pytest

from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.training.recipe import load_recipe
from hrnet_tf.training.run import train

RECIPES = Path(__file__).parent.parent / "recipes"
COCO = load_keypoint_set("coco")


def point(keypoints, name):
    """A keypoint, or the middle of COCO's where COCO has none."""
    between = {
        "pelvis": ("left_hip", "right_hip"),
        "thorax": ("left_shoulder", "right_shoulder"),
        "upper_neck": ("left_shoulder", "nose"),
        "neck": ("left_shoulder", "right_shoulder"),
        "head_top": ("left_eye", "right_eye"),
    }
    names = between.get(name, (name,))
    rows = np.array([keypoints[COCO.index(n)] for n in names], float)
    visibility = 2.0 if (rows[:, 2] > 0).all() else 0.0
    return [*(rows[:, :2].mean(0) * (visibility > 0)), visibility]


def read(people_dir, split):
    path = people_dir / "annotations" / f"person_keypoints_{split}2017.json"
    return json.loads(path.read_text())


def lsp_layout(people_dir, folder):
    """The drawn people with LSP's joints."""
    keypoints = load_keypoint_set("lsp")
    (folder / "annotations").mkdir(parents=True)
    (folder / "images").mkdir()
    for split in ("train", "val"):
        contents = read(people_dir, split)
        for annotation in contents["annotations"]:
            rows = np.reshape(annotation["keypoints"], (17, 3))
            points = [point(rows, name) for name in keypoints.names]
            annotation["keypoints"] = np.ravel(points).tolist()
        contents["categories"][0]["keypoints"] = list(keypoints.names)
        target = folder / "annotations" / f"person_keypoints_{split}.json"
        target.write_text(json.dumps(contents))
        for image in (people_dir / f"{split}2017").iterdir():
            (folder / "images" / image.name).write_bytes(image.read_bytes())
    return folder


def mpii_layout(people_dir, folder):
    """The drawn people as MPII's json, with head boxes."""
    keypoints = load_keypoint_set("mpii")
    (folder / "annot").mkdir(parents=True)
    (folder / "images").mkdir()
    for name, split in (("train", "train"), ("valid", "val")):
        contents = read(people_dir, split)
        files = {image["id"]: image["file_name"] for image in contents["images"]}
        people = []
        for annotation in contents["annotations"]:
            rows = np.reshape(annotation["keypoints"], (17, 3))
            points = np.array([point(rows, name) for name in keypoints.names])
            x, y, width, height = annotation["bbox"]
            people.append(
                {
                    "image": files[annotation["image_id"]],
                    "center": [
                        x + width / 2 + 1,
                        y + height / 2 - 15 * height / 200 + 1,
                    ],
                    "scale": height / 200,
                    "joints": (points[:, :2] + 1).tolist(),
                    "joints_vis": (points[:, 2] > 0).astype(int).tolist(),
                    "headbox": [x, y, x + width / 3, y + height / 6],
                }
            )
        (folder / "annot" / f"{name}.json").write_text(json.dumps(people))
        for image in (people_dir / f"{split}2017").iterdir():
            (folder / "images" / image.name).write_bytes(image.read_bytes())
    write_head_boxes(folder)
    return folder


def write_head_boxes(folder):
    """The official mat file with the head boxes of the validation people."""
    import scipy.io

    people = json.loads((folder / "annot" / "valid.json").read_text())
    boxes = np.array([person["headbox"] for person in people])
    boxes = boxes.reshape(-1, 2, 2).transpose(1, 2, 0)
    scipy.io.savemat(folder / "annot" / "gt_valid.mat", {"headboxes_src": boxes})


# They differ from the smallest one in constants alone, or in a data set that has
# tests of its own.
LIKE_ANOTHER = (
    "mpii_pose_w32_256x256",
    "coco_pose_w32_384x288",
    "coco_pose_w48_256x192",
    "coco_pose_w48_384x288",
)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            marks=pytest.mark.slow if path.stem in LIKE_ANOTHER else (),
            id=path.stem,
        )
        for path in sorted(RECIPES.glob("*pose*.py"))
    ],
)
def test_recipe_trains(path, people_dir, tmp_path):
    layouts = {"lspet": lsp_layout, "mpii_": mpii_layout}
    data_dir = people_dir
    if path.stem[:5] in layouts:
        data_dir = layouts[path.stem[:5]](people_dir, tmp_path / "data")
    recipe = load_recipe(
        path,
        preset="hrnet_test",
        batch_size=8,
        epochs=1,
        data_dir=str(data_dir),
    )
    result = train(recipe, tmp_path / "run")
    assert len(result.history) == 1
    assert np.isfinite(result.history[0]["loss"])
    assert (tmp_path / "run" / "best.keras").is_file()
