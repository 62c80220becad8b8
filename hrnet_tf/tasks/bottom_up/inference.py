"""From images to people: scales, network, maps, peaks, grouping, image pixels."""

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.augment.affine import invert
from hrnet_tf.data.keypoint_sets import KeypointSet, model_keypoint_set
from hrnet_tf.data.tags.aggregation import Maps, aggregate, merge_stages, unmirror
from hrnet_tf.data.tags.graph_grouping import group_in_graph
from hrnet_tf.data.tags.grouping import GroupingRule, group_people
from hrnet_tf.data.tags.peaks import Peaks, top_peaks
from hrnet_tf.io import decode_image
from hrnet_tf.models.loading import inference_function
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.bottom_up.result import People, make_people
from hrnet_tf.tasks.bottom_up.views import (
    checked_scales,
    checked_side,
    image_matrix,
    resample,
    view_size,
)
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.typing import Tensor
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


OFFICIAL = GroupingRule()
_IMAGES_SPEC = tf.TensorSpec((None, None, None, 3), tf.uint8, "images")


class BottomUpInference:
    """Finds people in images without boxes; see `tasks.base.Inference`.

    `run` groups outside of the graph, see `group_people`, which is faster and counts
    ties; `files` does it in the graph. `files`, `peaks`, `images` and `inputs` are
    graph code.

    Args:
        model: `HigherHRNetPose` with preprocessing; or `Exported`.
        flip_test: bool or None. True averages with the mirrored image, whose tags are
            used too, for twice the time. None: False, or what was exported.
        scales: floats or None. Scales of the image whose heatmaps are averaged; tags
            are those of scale 1. For models of any size. None: (1,), or what was
            exported.
        shorter_side: int or None, px of the image's shorter side at scale 1; None: the
            model's, or what was exported.
        max_people: int or None. Peaks of each keypoint; None: 30, or what was exported.
        limit: int or None. The most people of an image, the surest; None: no limit, as
            officially.
        refine: bool. Looks for keypoints that people lack.
        infer: function from images to outputs; None makes it from the model.
    Attributes:
        keypoint_set: `KeypointSet` or None.
        rule: `GroupingRule`.
        num_ties: int. Keypoints of the images so far for which the grouping was not
            unique, see `GroupingRule`.
        num_beyond: int. People so far that `limit` left out.
    Raises:
        ValueError: if the model does not allow it.
    """

    per_image = ()
    built_in = ("flip_test", "scales", "shorter_side", "max_people")

    def __init__(
        self,
        model: "HRNetModel | Exported",
        flip_test: bool | None = None,
        scales: Sequence[float] | None = None,
        shorter_side: int | None = None,
        max_people: int | None = None,
        limit: int | None = None,
        refine: bool = True,
        infer: Callable[..., Any] | None = None,
    ) -> None:
        self.model: Any = model
        self.refine = refine
        self.num_ties = self.num_beyond = 0
        self._told = False
        if isinstance(model, Exported):
            given = None if scales is None else checked_scales(scales)
            graphs.check_as_exported(
                model,
                flip_test=flip_test,
                scales=given and list(given),
                shorter_side=shorter_side,
                max_people=max_people,
            )
            fields = model.description
            self.flip_test = fields["flip_test"]
            self.scales = tuple(fields["scales"])
            self.shorter_side = fields["shorter_side"]
            known = fields["keypoint_set"]
            self.keypoint_set = None if known is None else KeypointSet.from_dict(known)
            # Of files before there was one.
            height = fields.get("detection_threshold", OFFICIAL.detection_threshold)
            self.rule = _rule(fields["max_people"], limit, height)
            self._read = model.signatures.get("images")
            if self._read is None:
                self._read = _of_one_size(model.signature("inputs"))
            return
        _check_model(model)
        self.flip_test = bool(flip_test)
        self.scales = checked_scales((1.0,) if scales is None else scales)
        network: Any = model
        self.shorter_side = checked_side(shorter_side, network.shorter_side)
        self.keypoint_set = model_keypoint_set(model)
        height = network.detection_threshold
        self.rule = _rule(max_people, limit, height)
        if self.flip_test and self.keypoint_set is None:
            raise ValueError(
                "The flip test needs to know which keypoints are left and right, but"
                f" the model {model.name!r} has keypoint_set=None. Build it with"
                " keypoint_set=load_keypoint_set(...).to_dict(), or pass"
                " flip_test=False."
            )
        self._infer = infer or inference_function(model)
        shape = tuple(network.input_shape[1:3])
        self._fixed = None if None in shape else shape
        if self._fixed is not None and len(self.scales) > 1:
            raise ValueError(
                f"The model {model.name!r} is made for images of {shape} px, and not"
                f" for the scales {self.scales}. Build it with image_size=None."
            )

    @functools.cached_property
    def signatures(self) -> dict[str, Any]:
        """dict of `tf.function`: "serving_default" is `files`; `peaks` and `images`.

        Those of a model that is made for one size have "inputs" too, which is `inputs`.
        """
        image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
        made = {
            "serving_default": graphs.signature(self.files, image_bytes),
            "peaks": graphs.signature(self.peaks, image_bytes),
            "images": graphs.signature(self.images, _IMAGES_SPEC),
        }
        if self._fixed is not None:
            spec = tf.TensorSpec((None, *self._fixed, 3), tf.uint8, "images")
            made["inputs"] = graphs.signature(self.inputs, spec)
        return made

    @property
    def portable(self) -> str:
        """str, what files for other runtimes hold; ValueError if there are none."""
        if self._fixed is None:
            raise ValueError(
                "Files for other runtimes take images of one size, but the model"
                f" {self.model.name!r} is made for any. Build it with image_size, such"
                " as (512, 512)."
            )
        return "inputs"

    @property
    def description(self) -> dict[str, Any]:
        """dict of json values, written beside the graph."""
        return {
            "task": "bottom_up",
            "num_keypoints": self.model.num_keypoints,
            **self.header,
            "flip_test": self.flip_test,
            "scales": list(self.scales),
            "shorter_side": self.shorter_side,
            "max_people": self.rule.max_people,
            "detection_threshold": self.rule.detection_threshold,
        }

    @property
    def header(self) -> dict[str, Any]:
        """dict of json values that all results have in common."""
        return {"keypoint_set": self.keypoint_set and self.keypoint_set.to_dict()}

    @property
    def assets(self) -> dict[str, Any]:
        """dict of further files: none."""
        return {}

    def files(self, image_bytes: Tensor) -> dict[str, Tensor]:
        """Finds the people of image files of any sizes, one after the other.

        Args:
            image_bytes: string tensor `[B]`, files that TensorFlow decodes.
        Returns:
            A dict of float32 tensors, of `N` = `max_people` people, the surest first, 0
            where there are no more: "keypoints" `[B, N, K, 2]`, x, y in pixels of the
            image; "scores" `[B, N, K]`, 0 where one was not found; "person_scores"
            `[B, N]`.
        """

        def find(encoded):
            found = self.images(decode_image(encoded)[None])
            maps = (found[name][0] for name in ("heatmaps", "tag_maps"))
            peaks = (found[name][0] for name in ("values", "cells", "tags"))
            people = group_in_graph(*maps, *peaks, self.rule, self.refine)
            matrix, cells = found["matrix"], people["points"][..., :2]
            points = tf.einsum("nkj,ij->nki", cells, matrix[:, :2]) + matrix[:, 2]
            there = people["scores"] > 0
            return {
                "keypoints": tf.where(there[:, None, None], points, 0.0),
                "scores": people["points"][..., 2],
                "person_scores": people["scores"],
            }

        count, keypoints = self.rule.max_people, self.model.num_keypoints
        return self._of_files(
            find,
            image_bytes,
            keypoints=(count, keypoints, 2),
            scores=(count, keypoints),
            person_scores=(count,),
        )

    def peaks(self, image_bytes: Tensor) -> dict[str, Tensor]:
        """Finds the peaks of image files of any sizes, one after the other.

        Args:
            image_bytes: string tensor `[B]`, files that TensorFlow decodes.
        Returns:
            A dict of float32 tensors, of `N` peaks of each keypoint, the highest first:
            "points" `[B, K, N, 2]`, x, y in pixels of the image; "values" `[B, K, N]`,
            their heights (of no use up to the model's `detection_threshold`); "tags"
            `[B, K, N, T]`.
            `match_peaks` puts them together to people.
        """

        def find(encoded):
            found = self.images(decode_image(encoded)[None])
            return {name: found[name][0] for name in ("points", "values", "tags")}

        shape = (self.model.num_keypoints, self.rule.max_people)
        return self._of_files(
            find,
            image_bytes,
            points=(*shape, 2),
            values=shape,
            tags=(*shape, 1 + self.flip_test),
        )

    def _of_files(self, find, image_bytes, **shapes):
        """What a function finds in each of some files, float32 of these shapes."""
        specs = {name: tf.TensorSpec(s, tf.float32) for name, s in shapes.items()}
        return tf.map_fn(find, image_bytes, fn_output_signature=specs)

    def images(self, images: Tensor) -> dict[str, Tensor]:
        """Finds the peaks of images of one size.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB.
        Returns:
            The dict of `peaks`; and "cells" int32 `[B, K, N, 2]`, the peaks' places in
            "heatmaps" float32 `[B, h, w, K]` and "tag_maps" `[B, h, w, K, T]`; "matrix"
            float32 `[2, 3]`, from the maps to pixels of the images.
        """
        size = tf.shape(images)[1:3]
        maps = self._maps(images, size)
        return self._found(maps, size)

    def inputs(self, images: Tensor) -> dict[str, Tensor]:
        """Finds the peaks of images of the model's own size, at that scale alone.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB.
        Returns:
            The dict of `images`.
        """
        maps = aggregate([self._pairs(images)], (1.0,), self._fixed)
        return self._found(maps, tf.constant(self._fixed))

    def run(
        self,
        images: Sequence[np.ndarray],
        names: Sequence[str | None] | None = None,
    ) -> list[People]:
        """Finds the people of several images, one after the other.

        Args:
            images: list of uint8 arrays `[H, W, 3]`, RGB.
            names: list of the images' paths, or of None.
        Returns:
            list of `People`, the surest first.
        """
        names = names or [None] * len(images)
        return [self._run_one(*pair) for pair in zip(images, names, strict=True)]

    def _run_one(self, image, name):
        found = self._read(images=tf.constant(image[None]))
        found = {key: np.asarray(value) for key, value in found.items()}
        peaks = Peaks(found["values"][0], found["cells"][0], found["tags"][0])
        heatmaps = np.ascontiguousarray(np.moveaxis(found["heatmaps"][0], -1, 0))
        tags = np.ascontiguousarray(np.moveaxis(found["tag_maps"][0], 2, 0))
        if not np.isfinite(heatmaps).all():
            raise ValueError(
                f"{name or 'The image'}: the heatmaps hold numbers that are not finite."
                " A diverged model predicts such values."
            )
        grouped = group_people(
            heatmaps, tags, self.rule, refine=self.refine, peaks=peaks
        )
        self.num_ties += grouped.num_ties
        self.num_beyond += grouped.num_beyond
        self._tell(grouped, name)
        order = np.argsort(-grouped.scores, kind="stable")
        points = grouped.points[order, :, :3].copy()
        matrix = found["matrix"]
        points[..., :2] = points[..., :2] @ matrix[:, :2].T + matrix[:, 2]
        return make_people(points, grouped.scores[order], self.keypoint_set, name)

    def _tell(self, grouped, name):
        """Warns once of people that the limit leaves out."""
        if grouped.num_beyond and not self._told:
            self._told = True
            people = count_text(grouped.num_beyond, "person", "people")
            warnings.warn(
                f"{name or 'The image'}: {people} beyond the limit of"
                f" {self.rule.limit} left out, the least sure ones; there may be more"
                " in other images. Pass a larger limit.",
                stacklevel=5,
            )

    @functools.cached_property
    def _read(self):
        return graphs.fast(self.images, _IMAGES_SPEC)

    def _maps(self, images, size):
        """`Maps` of images, over scales and mirrored images."""
        if self._fixed is not None:
            views = resample(images, tf.constant(self._fixed), whole=True)
            return aggregate([self._pairs(views)], (1.0,), self._fixed)
        scales = sorted(self.scales, reverse=True)
        side, least = self.shorter_side, scales[-1]
        calls = [
            self._pairs(resample(images, view_size(size, side, scale, least)))
            for scale in scales
        ]
        return aggregate(calls, scales, view_size(size, side, 1.0, least))

    def _pairs(self, views):
        """Heatmaps and tags at half the size, of views and of mirrored ones."""
        pairs = [merge_stages(self._infer(views))]
        if self.flip_test:
            mirrored = merge_stages(self._infer(tf.reverse(views, [2])))
            indices = self.keypoint_set.flip_indices
            pairs.append(tuple(unmirror(x, indices) for x in mirrored))
        return pairs

    def _found(self, maps: Maps, size):
        """The dict of `images`."""
        top = top_peaks(
            maps.heatmaps, maps.tags, self.rule.max_people, self.rule.kernel
        )
        whole = self._fixed is not None
        matrix = invert(image_matrix(size, tf.shape(maps.heatmaps)[1:3], whole))
        # The middles of cells; quarters of them come with the grouping.
        middles = tf.cast(top["cells"], tf.float32) + 0.5
        points = tf.einsum("bknj,ij->bkni", middles, matrix[:, :2]) + matrix[:, 2]
        return {
            "points": points,
            **top,
            "heatmaps": maps.heatmaps,
            "tag_maps": maps.tags,
            "matrix": matrix,
        }


def _rule(max_people, limit, detection_threshold):
    most = OFFICIAL.max_people if max_people is None else max_people
    return GroupingRule(most, limit, detection_threshold)


def _of_one_size(signature):
    """Runs images of any size through the signature of a file that takes one."""
    size = tf.constant(signature.inputs["images"].shape[1:3])

    def read(images):
        found = signature(images=resample(images, size, whole=True))
        cells = tf.constant(found["heatmaps"].shape[1:3])
        matrix = invert(image_matrix(tf.shape(images)[1:3], cells, whole=True))
        return {**found, "matrix": matrix}

    return read


def _check_model(model):
    if getattr(model, "shorter_side", None) is None:
        raise ValueError(
            f"Expected a HigherHRNetPose. Received: {type(model).__name__}. Only"
            " bottom-up models find people without boxes."
        )
    graphs.check_takes_pixels(model)
