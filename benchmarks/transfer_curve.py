"""What weights of another task are worth: scores after the same few epochs.

A network learns the poses of a few hundred pictures of Leeds Sports Pose twice, for as
many epochs: from random weights, and from a network that was trained on drawn people
(or any other, `--source`). Its body is taken over, and the keypoints that both name
alike. The scores are those of the recipe's test, PCK.

    python benchmarks/transfer_curve.py --data-dir data/lspet
"""

import argparse
import dataclasses
import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
STARTS = ("random weights", "the source's weights")


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="of lspet_pose")
    parser.add_argument("--source", help="weights; drawn people are trained without")
    parser.add_argument("--source-people", type=int, default=1500)
    parser.add_argument("--source-epochs", type=int, default=6)
    parser.add_argument("--pictures", type=int, default=200, help="to train on")
    parser.add_argument("--test-pictures", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--evaluate-every", type=int, default=5)
    parser.add_argument("--body-rate", type=float, help="of the second run")
    parser.add_argument("--preset", default="hrnet_w18_small_v1")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def first_pictures(source, target, count):
    """Writes an annotation file with the first pictures of another one.

    Args:
        source, target: Path.
        count: int.
    Returns:
        The number of pictures (int).
    """
    content = json.loads(source.read_text(encoding="utf-8"))
    content["images"] = content["images"][:count]
    kept = {image["id"] for image in content["images"]}
    content["annotations"] = [
        annotation
        for annotation in content["annotations"]
        if annotation["image_id"] in kept
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(content), encoding="utf-8")
    return len(kept)


def make_data(options, folder):
    """Makes a folder of the same data with fewer pictures."""
    for split, count in (
        ("train", options.pictures),
        ("val", options.test_pictures),
    ):
        name = Path("annotations", f"person_keypoints_{split}.json")
        found = first_pictures(options.data_dir / name, folder / name, count)
        print(f"{split}: {found} pictures")
    (folder / "images").symlink_to((options.data_dir / "images").resolve())
    return folder


def make_source(options, folder):
    """Trains a network on drawn people; returns the path of its weights."""
    from hrnet_tf.data.synthetic import generate_people
    from hrnet_tf.training.recipe import load_recipe
    from hrnet_tf.training.run import train

    data = generate_people(folder / "drawn", options.source_people, 100)
    recipe = load_recipe(
        "synthetic_pose",
        data_dir=str(data),
        preset=options.preset,
        epochs=options.source_epochs,
    )
    return train(recipe, folder / "source", options.seed).output_dir / "best.keras"


def scores(options, data, weights, out, body_rate=None):
    """Trains once; returns dict of the epoch to the score."""
    from hrnet_tf.training.body_rate import with_body_rate
    from hrnet_tf.training.recipe import load_recipe
    from hrnet_tf.training.run import train

    recipe = load_recipe(
        "lspet_pose",
        data_dir=str(data),
        preset=options.preset,
        epochs=options.epochs,
        weights=None if weights is None else str(weights),
    )
    recipe = dataclasses.replace(recipe, evaluate_every=options.evaluate_every)
    result = train(with_body_rate(recipe, body_rate), out, options.seed)
    return {row["epoch"]: row["score"] for row in result.history if "score" in row}


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = make_data(options, folder / "data")
        source = options.source or make_source(options, folder)
        found = [
            scores(options, data, None, folder / "random"),
            scores(options, data, source, folder / "started", options.body_rate),
        ]
    print(f"\nepoch  {STARTS[0]}  {STARTS[1]}")
    for epoch in found[0]:
        values = (
            f"{run[epoch]:>{len(s)}.4f}" for run, s in zip(found, STARTS, strict=True)
        )
        print(f"{epoch:>5}  {'  '.join(values)}")


if __name__ == "__main__":
    main()
