"""What `hrnet predict` does for each task: one class a task, all used alike.

Each has `suffix` (of the pictures' names), `extras` (the endings of what else is
written), `header` (what predictions.json says once),
`find(image, item)` for a path or the frame of a video, `draw(image, found)`,
`row(found)` (what predictions.json says of an image), `files(found, picture)` (what is
written beside the picture, by the key of the row), and `summary(rows)`.
"""

from pathlib import Path

from hrnet_tf.cli import common


class People:
    """Keypoints of people, and landmarks of faces.

    Args:
        model: `HRNetPose`, `SimpleBaselinePose` or `ExportedPose`.
        inputs: list of Path, the images and videos.
        boxes: path of a json of boxes, or None.
        min_score, min_box_score: float.
        flip_test: bool or None.
        draw_boxes: bool.
        noun: pair of str, one and many.
    Attributes:
        boxes: dict from an input to its boxes and their scores, or two None.
        noun: as given.
    """

    suffix = "keypoints"
    extras = ()
    verb = "finding keypoints"

    def __init__(
        self,
        model,
        inputs,
        boxes=None,
        min_score=0.2,
        min_box_score=0.0,
        flip_test=None,
        draw_boxes=False,
        noun=("person", "people"),
    ):
        from hrnet_tf.predictors.pose import PosePredictor

        self.boxes = dict.fromkeys(inputs, (None, None))
        if boxes is not None:
            from hrnet_tf.cli.boxes import read_boxes

            found = read_boxes(boxes, inputs, min_box_score)
            self.boxes = dict(zip(inputs, found, strict=True))
        self._predictor = PosePredictor(model)
        self._flip_test = flip_test
        self._drawing = {"min_score": min_score, "draw_boxes": draw_boxes}
        self.noun = noun
        keypoint_set = self._predictor.keypoint_set
        self.header = {"keypoint_set": keypoint_set and keypoint_set.to_dict()}

    def find(self, image, item):
        return self._predictor.predict(
            image, *self.boxes[item], flip_test=self._flip_test
        )

    def draw(self, image, found, video=False):
        from hrnet_tf.pictures.skeletons import draw_keypoints

        return draw_keypoints(image, found, **self._drawing)

    def row(self, found):
        row = found.to_dict()
        del row["keypoint_set"]
        return row

    def files(self, found, picture):
        return {}

    def summary(self, rows):
        return common.count_text(sum(len(row["people"]) for row in rows), *self.noun)


class Segments:
    """The class of each pixel.

    Args:
        model: `HRNetSegmenter`, `HRNetOCRSegmenter` or `ExportedSegmentation`.
        inputs: not used.
        flip_test: bool or None.
        scales: tuple of float or None.
        tile: int or None, px.
        alpha: float.
    """

    suffix = "segmentation"
    extras = ("_labels.png",)
    verb = "segmenting"

    def __init__(
        self, model, inputs, flip_test=None, scales=None, tile=None, alpha=0.6
    ):
        from hrnet_tf.predictors.segmentation import SegmentationPredictor

        self._predictor = SegmentationPredictor(model)
        self._arguments = {"scales": scales, "flip": flip_test, "tile": tile}
        self._alpha = alpha
        self.header = {"label_set": self._predictor.label_set.to_dict()}

    def find(self, image, item):
        return self._predictor.predict(image, **self._arguments)

    def draw(self, image, found, video=False):
        from hrnet_tf.pictures.masks import draw_segmentation

        # The legend grows with the classes, but frames must be of one size.
        return draw_segmentation(image, found, self._alpha, legend=not video)

    def row(self, found):
        row = found.to_dict()
        del row["label_set"]
        return row

    def files(self, found, picture):
        stem = picture.stem.removesuffix(f"_{self.suffix}")
        path = picture.with_name(f"{stem}{self.extras[0]}")
        found.save_labels(path)
        return {"labels": path.name}

    def summary(self, rows):
        totals = {}
        for row in rows:
            for name, share in row["shares"].items():
                totals[name] = totals.get(name, 0) + share / len(rows)
        largest = sorted(totals.items(), key=lambda item: -item[1])[:4]
        return ", ".join(f"{name} {share:.0%}" for name, share in largest)


class Classes:
    """The likeliest classes of images.

    Args:
        model: `HRNetClassifier` or `ExportedClassification`.
        inputs: not used.
        crop_fraction: float or None.
        top_k: int.
    """

    suffix = "classes"
    extras = ()
    verb = "classifying"

    def __init__(self, model, inputs, crop_fraction=None, top_k=5):
        from hrnet_tf.predictors.classification import ClassificationPredictor

        self._predictor = ClassificationPredictor(model, crop_fraction)
        self._top_k = top_k
        names = self._predictor.class_names
        self.header = {"class_names": None if names is None else list(names)}

    def find(self, image, item):
        return self._predictor.predict(image, self._top_k)

    def draw(self, image, found, video=False):
        from hrnet_tf.pictures.bars import draw_classification

        return draw_classification(image, found)

    def row(self, found):
        return found.to_dict()

    def files(self, found, picture):
        return {}

    def summary(self, rows):
        """Prints the classes of each image, and counts the likeliest ones."""
        shown = [row for row in rows if row["image_path"] is not None]
        if shown:
            _print_classes(shown)
        counts = {}
        for row in rows:
            best = row["classes"][0]
            name = best["name"] or f"class {best['label']}"
            counts[name] = counts.get(name, 0) + 1
        largest = sorted(counts.items(), key=lambda item: -item[1])[:4]
        return ", ".join(f"{count} x {name}" for name, count in largest)


def _print_classes(rows):
    """A table: each image's likeliest classes and their probabilities."""
    from rich.table import Table
    from rich.text import Text

    table = Table("image", "classes and their probabilities")
    for row in rows:
        lines = [
            f"{entry['probability']:6.1%}  {entry['name'] or entry['label']}"
            for entry in row["classes"]
        ]
        table.add_row(Text(Path(row["image_path"]).name), Text("\n".join(lines)))
    common.console().print(table)


TASKS = {
    "pose": People,
    "landmarks": People,
    "segmentation": Segments,
    "classification": Classes,
}
