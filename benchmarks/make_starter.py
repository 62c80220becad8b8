"""Makes a starter model of saved_models/: both formats, its score and its manifest.

`make starters` makes all of them. `hrnet demo --out demo` trains the first one, and
`hrnet train digits`, on what digit_pictures.py writes, the second; then
    python benchmarks/make_starter.py people_pose demo/run/best.keras demo/data
    python benchmarks/make_starter.py written_digits digits/run/best.keras digits/data
"""

import datetime
import sys
from pathlib import Path

import hrnet_tf
from hrnet_tf.export.litert import export_litert
from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.io import replacing, write_json
from hrnet_tf.models.loading import load_model
from hrnet_tf.starters import MANIFEST, file_sums
from hrnet_tf.tasks.pose import evaluate as pose

FOLDER = Path(__file__).parent.parent / "saved_models"
COMMAND = "make starters"
DRAWN = {
    "data": "1200 pictures drawn by hrnet_tf.data.synthetic.generate_people, seed 0; no"
    " photographs",
    "data_license": "Apache-2.0, as hrnet_tf, which draws them",
}


def people_pose(source: Path, data: Path, folder: Path) -> dict:
    """Writes the pose model of drawn people; returns its manifest."""
    from hrnet_tf.data.formats import coco
    from hrnet_tf.data.keypoint_sets import load_keypoint_set

    model = load_model(source)
    export_saved_model(model, folder, optimize=True)
    export_litert(model, folder / "people_pose.tflite", precision="float16")
    truth = data / "annotations" / "person_keypoints_val2017.json"
    keypoint_set = load_keypoint_set("coco")
    examples = coco.load_pose(truth, data / "val2017", keypoint_set, "val")
    exported = hrnet_tf.Predictor.load(folder / "1")
    people = _predicted(exported, examples)
    score = pose.score(people, examples, keypoint_set, "oks", truth)
    return {
        "task": "pose",
        "summary": "17 keypoints of drawn people, HRNet-W18-small, 128x96",
        "formats": {"saved_model": "1", "litert": "people_pose.tflite"},
        **DRAWN,
        "score": {
            "name": "AP (OKS, ground-truth boxes, without flip test, SavedModel)",
            "value": round(float(score["AP"]), 4),
            "of": f"{len(examples)} held-out drawn pictures",
        },
    }


def _predicted(predictor, examples):
    """What the exported model finds in examples, as `pose.score` takes it."""
    import numpy as np

    from hrnet_tf.data.augment.affine import box_regions

    found = [predictor.predict(e.image_path, e.boxes) for e in examples]
    boxes = np.concatenate([one.boxes for one in found])
    height, width = predictor.image_size
    return pose.PeoplePredictions(
        points=np.concatenate([one.xy for one in found]),
        scores=np.concatenate([one.scores for one in found]),
        sizes=np.asarray(box_regions(boxes, width / height)[1]),
    )


def written_digits(source: Path, data: Path, folder: Path) -> dict:
    """Writes the classifier of handwritten digits; returns its manifest."""
    model = load_model(source)
    export_saved_model(model, folder, optimize=True)
    export_litert(model, folder / "written_digits.tflite", precision="float16")
    paths = sorted((data / "val").glob("*/*.png"))
    found = hrnet_tf.Predictor.load(folder / "1").predict_batch(paths)
    right = [
        one.names[0] == path.parent.name for one, path in zip(found, paths, strict=True)
    ]
    return {
        "task": "classification",
        "summary": "handwritten digits, dark on light, one a picture; HRNet-W18-small"
        " with a narrow head, 64x64",
        "formats": {"saved_model": "1", "litert": "written_digits.tflite"},
        "data": "1,797 digits of 13 writers, as scikit-learn brings them"
        " (sklearn.datasets.load_digits), enlarged from 8x8 pixels: E. Alpaydin and"
        " C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning"
        " Repository, 1998, doi.org/10.24432/C50P49",
        "data_license": "CC BY 4.0",
        "score": {
            "name": "top-1 (SavedModel)",
            "value": round(sum(right) / len(right), 4),
            "of": f"{len(right)} digits put aside, of the same writers, by which the"
            " best epoch was chosen",
        },
    }


MAKERS = {"people_pose": people_pose, "written_digits": written_digits}


def main() -> None:
    """Makes the starter that the arguments name."""
    if len(sys.argv) != 4 or sys.argv[1] not in MAKERS:
        raise SystemExit(f"usage: make_starter.py {'|'.join(MAKERS)} MODEL.keras DATA")
    name, source, data = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    with replacing(FOLDER / name) as beside:
        manifest = MAKERS[name](source, data, beside)
        manifest["command"] = COMMAND
        manifest["date"] = datetime.date.today().isoformat()
        manifest["hrnet_tf"] = hrnet_tf.__version__
        manifest["sha256"] = file_sums(beside)
        write_json(beside / MANIFEST, manifest)
    print(f"{FOLDER / name}: {manifest['score']}")


if __name__ == "__main__":
    main()
