"""The recipes of poses train an epoch of a tiny network on the embedded data set.

And what all recipes say of published results is what was published.
"""

import csv
import json
import re

import numpy as np
import pytest

from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.training.recipe_files import load_recipe, package_recipes
from hrnet_tf.training.run import train

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
    "coco_pose/w32_256x192",
    "lspet_pose/w18_small",
    "mpii_pose/w32_256x256",
    "coco_pose/w32_384x288",
    "coco_pose/w48_256x192",
    "coco_pose/w48_384x288",
    "coco_pose/lite_18_256x192",
    "coco_pose/lite_18_384x288",
    "coco_pose/lite_30_256x192",
    "coco_pose/lite_30_384x288",
    "coco_pose/naive_18_256x192",
    "coco_pose/wider_18_256x192",
    "mpii_pose/lite_18_256x256",
    "mpii_pose/lite_30_256x256",
)
NAMES = [
    f"{file.name}/{variant}"
    for file in package_recipes().values()
    for variant in file.variants
]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in LIKE_ANOTHER else ())
        for name in NAMES
        if name.partition("/")[0].endswith("_pose")
    ],
)
def test_recipe_trains(name, people_dir, tmp_path):
    layouts = {"lspet": lsp_layout, "mpii_": mpii_layout}
    data_dir = people_dir
    if name[:5] in layouts:
        data_dir = layouts[name[:5]](people_dir, tmp_path / "data")
    recipe = load_recipe(
        name,
        preset="lite_hrnet_test" if "lite" in name else "hrnet_test",
        batch_size=8,
        epochs=1,
        data_dir=str(data_dir),
    )
    result = train(recipe, tmp_path / "run")
    assert len(result.history) == 1
    assert np.isfinite(result.history[0]["loss"])
    assert (tmp_path / "run" / "best.keras").is_file()


def claims():
    """Numbers of recipes, and what tells their rows in the table of published results.

    Errors of classification stand there, and shares of COCO's AP.
    """
    for width in (32, 48):
        for size in ("256x192", "384x288"):
            name = f"coco_pose/w{width}_{size}"
            row = {"dataset": "COCO", "input_size": size, "metric": "AP"}
            own = {"model": f"pose_hrnet_w{width}", "split": "val2017"}
            yield name, {**row, **own}
            for training in ("dark", "udp"):
                run = f"td-hm_hrnet-w{width}_{training}-8xb.*_coco-{size}"
                yield name, {**row, "extra": run}
    lite = {"dataset": "COCO", "metric": "AP", "source": "HRNet/Lite-HRNet.*"}
    for name, model, sizes in (
        ("lite_18", "Lite-HRNet-18", ("256x192", "384x288")),
        ("lite_30", "Lite-HRNet-30", ("256x192", "384x288")),
        ("naive_18", "Naive Lite-HRNet-18", ("256x192",)),
        ("wider_18", "Wider Naive Lite-HRNet-18", ("256x192",)),
    ):
        for size in sizes:
            yield (
                f"coco_pose/{name}_{size}",
                {**lite, "model": model, "input_size": size},
            )
    for layers in (18, 30):
        row = {**lite, "dataset": "MPII", "metric": "Mean"}
        yield (
            f"mpii_pose/lite_{layers}_256x256",
            {**row, "model": f"Lite-HRNet-{layers}"},
        )
    mpii = {"dataset": "MPII", "input_size": "256x256", "metric": "PCKh@0.5 Mean"}
    yield "mpii_pose/w32_256x256", {**mpii, "model": "pose_hrnet_w32"}
    faces = {
        "300w": ("NME full", "NME common", "NME challenge", "NME test"),
        "wflw": ("NME .*",),
        "cofw": ("NME", "FR0.1"),
        "aflw": ("NMEfull", "NMEfrontal"),
    }
    for data, metrics in faces.items():
        for metric in metrics:
            row = {"dataset": data.upper(), "metric": metric, "source": "HRNet/.*"}
            yield f"{data}_face/w18", {**row, "model": "HRNetV2-W18"}
    yield from bottom_up_claims()
    yield from segmentation_claims()
    yield from detection_claims()
    stronger = r" \(w/ CosineLR \+ CutMix \+ 300epochs\)"
    for variant in package_recipes()["imagenet"].variants:
        width, _, kind = variant.partition("_")
        model = f"HRNet-{width.upper()}-C"
        model += {"cutmix": stronger, "": ""}.get(
            kind, kind.replace("small_", "-Small-")
        )
        row = {"model": model, "source": "HRNet/.*", "dataset": "ImageNet-1k"}
        for top in (1,) if kind == "cutmix" else (1, 5):
            yield f"imagenet/{variant}", {**row, "metric": rf"top-{top} error \(%\)"}


def bottom_up_claims():
    """Those of bottom-up pose: one scale, and several."""
    row = {"source": "HRNet/HigherHRNet.*"}
    for variant in package_recipes()["coco_bottom_up"].variants:
        width, side = variant.split("_")
        own = {"dataset": "COCO", "split": "val2017", "metric": "AP"}
        own |= {"model": f"HigherHRNet HRNet-{width}", "input_size": side}
        yield f"coco_bottom_up/{variant}", {**row, **own}
    own = {**row, "dataset": "CrowdPose"}
    several = {"model": r"HigherHRNet\+?", "metric": "AP"}
    yield "crowdpose_bottom_up/w48_640", {**own, **several}
    one = {"model": "HigherHRNet", "metric": r"AP \([EMH]\)"}
    yield "crowdpose_bottom_up/w48_640", {**own, **one}


def segmentation_claims():
    """Those of segmentation."""
    row = {"metric": "mIoU", "split": "val"}
    plain, ocr = "HRNetV2-W48", r"HRNetV2-W48 \+ OCR"
    one, many = ("Multi-scale=No; Flip=No.*", "Multi-scale=Yes; Flip=Yes.*")
    v11, branch = "HRNet/.* branch pytorch-v1.1 .*", "HRNet/.* branch HRNet-OCR .*"
    for variant, model, source in (
        ("seg_w48", plain, v11),
        ("seg_w18_small", "HRNetV2-W18-Small-v1", v11),
        ("seg_w18_small_v2", "HRNetV2-W18-Small-v2", v11),
        ("ocr_w48", ocr, branch),
    ):
        own = {"dataset": "Cityscapes", "model": model, "source": source}
        yield f"cityscapes/{variant}", {**row, **own, "extra": f".*{one}"}
    lip = {"dataset": "LIP", "model": plain, "source": v11}
    yield "lip/seg_w48", {**row, **lip, "extra": ".*Flip=Yes"}
    for variant, model in (("seg_w48", plain), ("ocr_w48", ocr)):
        own = {"dataset": "PASCAL-Context", "model": model, "source": branch}
        for classes in (59, 60):
            extra = f".*{many}num classes={classes} classes"
            yield f"pascal_context/{variant}", {**row, **own, "extra": extra}
    for name, data in (("ade20k", "ADE20K"), ("coco_stuff", "COCO-Stuff")):
        for test in (one, many):
            own = {"dataset": data, "model": ocr, "source": branch}
            yield f"{name}/ocr_w48", {**row, **own, "extra": f".*{test}"}


def detection_claims():
    """Those of detection: one scale, and where there is one several."""
    titles = {
        "faster_rcnn": "Faster R-CNN",
        "mask_rcnn": "Mask R-CNN",
        "cascade_rcnn": "Cascade R-CNN",
        "cascade_mask_rcnn": "Cascade Mask R-CNN",
        "fcos": "FCOS",
    }
    row = {"dataset": "COCO", "source": "HRNet/HRNet-Object-Detection.*"}
    for variant in package_recipes()["coco_detection"].variants:
        kind, _, rest = variant.partition("_w")
        width, schedule = rest.split("_")
        own = {
            "model": f"HRNetV2p?-W{width}",
            "head_framework": f"{titles[kind]} {schedule}",
        }
        extras = [".*"]
        if kind == "fcos":
            extras = ["MS train=N.*", "MS train=Y.*"][: 1 + (schedule == "2x")]
        elif kind == "faster_rcnn" and width == "48":
            # The table calls both 1x.
            own["head_framework"] = "Faster R-CNN 1x"
            ends = {"1x": "mmdetection", "2x": "linked file is the 2x model"}
            extras = [f".*{ends[schedule]}"]
        elif kind == "faster_rcnn":
            extras = ["SyncBN=N; MS train=N"]
            if width != "40":
                extras.append(r"SyncBN=Y; MS train=Y\(Default\)")
        for extra in extras:
            yield f"coco_detection/{variant}", {**row, **own, "extra": extra}


def test_published_results_are_those_that_were_published(shared):
    with open(shared / "reference" / "reference_results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    published = {}
    for name, wanted in claims():
        found = [
            row
            for row in rows
            if all(re.fullmatch(text, row[key]) for key, text in wanted.items())
        ]
        assert found, (name, wanted)
        for row in found:
            value = float(row["value"])
            if row["metric"] in ("AP", "Mean") and value <= 1:
                value *= 100
            value = 100 - value if "error" in row["metric"] else value
            published.setdefault(name, set()).add(round(value, 2))
    for file in package_recipes().values():
        for variant, own in file.variants.items():
            if "published" not in own:
                continue
            text = own["published"] + "; " + own.get("notes", "")
            # Not thresholds such as @0.5, nor the scales of a test.
            text = re.sub(r"@\S+|scales \S+ to \S+|\d+ classes", "", text)
            numbers = {float(number) for number in re.findall(r"\d+\.\d+", text)}
            assert numbers == published[f"{file.name}/{variant}"], (file.name, variant)
