"""`hrnet predict`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug, flag

ImagesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="IMAGE", show_default=False, help="JPEG or PNG files."),
]
ModelOption = Annotated[
    Path,
    typer.Option(
        metavar="MODEL",
        show_default=False,
        help="A .keras file, such as the best.keras of `hrnet train`, or a folder"
        " of `hrnet export`.",
    ),
]
BoxesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.json",
        show_default="the whole image is one person",
        help="Where the people are, in pixels of the image:"
        ' {"image.jpg": \\[\\[x, y, width, height], ...], ...}; or COCO annotations'
        " or detections; or, for one image, a list of boxes.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        help="Folder for predictions.json and a picture NAME_keypoints.png of each"
        " image.",
    ),
]
MinScoreOption = Annotated[
    float,
    typer.Option(
        metavar="SCORE",
        min=0,
        max=1,
        help="Keypoints with a lower score are not drawn.",
    ),
]
MinBoxScoreOption = Annotated[
    float,
    typer.Option(
        metavar="SCORE",
        min=0,
        max=1,
        help="A detector's boxes with a lower score are left out.",
    ),
]
FlipTestOption = Annotated[
    bool,
    flag(
        "--flip-test",
        "Average with the mirrored image: a little better, for twice the time. An"
        " exported model does as it was exported.",
    ),
]
DrawBoxesOption = Annotated[
    bool, flag("--draw-boxes", "Also draw the boxes in the pictures.")
]


@common.command(interrupted="Stopped. predictions.json was not written.")
def predict(
    images: ImagesArgument,
    model: ModelOption,
    boxes: BoxesOption = None,
    out: OutOption = Path("predictions"),
    min_score: MinScoreOption = 0.2,
    min_box_score: MinBoxScoreOption = 0.0,
    flip_test: FlipTestOption = False,
    draw_boxes: DrawBoxesOption = False,
    debug: Debug = False,
):
    """Find the keypoints of people in images, and draw them.

    The image files themselves are never changed. predictions.json holds for each
    person the box and x, y (pixels) and score of each keypoint.

    Examples:
      hrnet predict --model runs/lspet/best.keras person.jpg
      hrnet predict --model exported/coco --boxes detections.json \\
          --min-box-score 0.3 --out found data/coco/val2017/*.jpg
    """
    people = _read_boxes(boxes, images, min_box_score)
    with common.spinner("loading the model"):
        from hrnet_tf import visualize
        from hrnet_tf.predictors.pose import PosePredictor

        predictor = PosePredictor.load(model)
    pictures = _picture_paths(images, out)
    started = time.perf_counter()
    found = []
    with common.progress("finding keypoints", "images") as tick:
        for i, image in enumerate(images):
            keypoints = predictor.predict(
                image, *people[i], flip_test=True if flip_test else None
            )
            drawn = visualize.draw_keypoints(image, keypoints, min_score, draw_boxes)
            visualize.save_image(drawn, pictures[i])
            found.append(keypoints)
            tick(i + 1, len(images))
    seconds = time.perf_counter() - started
    _write(out / "predictions.json", model, found, pictures)
    _print_summary(found, pictures, out, seconds)


def _read_boxes(boxes, images, min_box_score):
    """Boxes and their scores (or None) for each image, which must all be complete."""
    from hrnet_tf.data.sources.checks import image_size

    for image in images:
        if not image.is_file():
            kind = "is a folder" if image.is_dir() else "does not exist"
            raise ValueError(f"The image {image} {kind}. Expected JPEG or PNG files.")
        # Cut short or of another format: said before any work is done.
        image_size(image)
    if boxes is None:
        return [(None, None)] * len(images)
    from hrnet_tf.cli.boxes import read_boxes

    return read_boxes(boxes, images, min_box_score)


def _picture_paths(images, out):
    """A path for each picture: none twice, and none that is an image of the input."""
    taken = {image.resolve() for image in images}
    paths = []
    for image in images:
        path, number = out / f"{image.stem}_keypoints.png", 2
        while path.resolve() in taken:
            path = out / f"{image.stem}_{number}_keypoints.png"
            number += 1
        taken.add(path.resolve())
        paths.append(path)
    return paths


def _write(path, model, found, pictures):
    from hrnet_tf.results import write_json

    keypoint_set = found[0].keypoint_set
    images = []
    for keypoints, picture in zip(found, pictures, strict=True):
        image = keypoints.to_dict()
        del image["keypoint_set"]
        images.append({**image, "picture": picture.name})
    content = {
        "model": str(model),
        "keypoint_set": keypoint_set and keypoint_set.to_dict(),
        "images": images,
    }
    write_json(path, content)


def _print_summary(found, pictures, out, seconds):
    people = common.count_text(sum(map(len, found)), "person", "people")
    images = common.count_text(len(found), "image", "images")
    more = f" and {len(pictures) - 1} more" if len(pictures) > 1 else ""
    common.print_facts(
        {
            "found": f"{people} in {images}, {seconds:.1f} s",
            "predictions": out / "predictions.json",
            "pictures": f"{pictures[0]}{more}",
        }
    )
