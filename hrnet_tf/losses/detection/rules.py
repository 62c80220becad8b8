"""How the published detectors were trained: the numbers that differ among them."""

import dataclasses

from hrnet_tf.losses.detection.matching import MatchRule


@dataclasses.dataclass(frozen=True)
class TwoStageRule:
    """How region proposals and the heads that classify them are trained.

    Attributes:
        anchor_match: `MatchRule` of the anchors.
        anchor_samples: int. Anchors of an image that are learnt from.
        anchor_positives: float. The largest share of objects' anchors among them.
        anchor_beta: float. Below this the anchors' error of a coordinate costs its
            square; 0 for never.
        border: float or None. Anchors that reach more pixels than this out of their
            image are ignored; None ignores none.
        roi_matches: tuple of `MatchRule`, one for each stage of heads.
        roi_samples: int. Regions of an image that each stage learns from.
        roi_positives: float. The largest share of objects' regions among them.
        roi_beta: float, as `anchor_beta`.
        stage_weights: tuple of floats, what the losses of each stage count.
    Reference:
        mmdetection, configs/_base_/models; HRNet-Object-Detection, configs/hrnet.
    """

    anchor_match: MatchRule = MatchRule(0.7, 0.3, 0.3)
    anchor_samples: int = 256
    anchor_positives: float = 0.5
    anchor_beta: float = 0.0
    border: float | None = None
    roi_matches: tuple[MatchRule, ...] = (MatchRule(0.5, 0.5),)
    roi_samples: int = 512
    roi_positives: float = 0.25
    roi_beta: float = 0.0
    stage_weights: tuple[float, ...] = (1.0,)


@dataclasses.dataclass(frozen=True)
class PointRule:
    """How detectors that predict boxes at points (FCOS) are trained.

    Attributes:
        reach: float. A point learns objects whose farthest side is at most so many
            strides of its level away, and farther than those of the level below; on
            the last level all of these.
        center_radius: float or None. Points farther than this many strides from an
            object's centre do not learn it; None takes all within its box.
        box_loss: str. "iou", the negative logarithm of the intersection over union;
            "smoothed_iou", with one pixel added to both; "giou", 1 less the
            generalized intersection over union.
        count_images: bool. Whether the class loss is divided by the number of points
            with an object plus that of images, instead of the former alone.
        alpha: float. Weight of an object's class in the focal loss; others have the
            rest to 1.
        gamma: float. The focal loss' power.
    Reference:
        arXiv 1904.01355; HRNet-FCOS; mmdetection, FCOSHead.
    """

    reach: float = 8.0
    center_radius: float | None = None
    box_loss: str = "iou"
    count_images: bool = False
    alpha: float = 0.25
    gamma: float = 2.0

    def __post_init__(self) -> None:
        if self.box_loss not in BOX_LOSSES:
            raise ValueError(
                f"box_loss must be one of {', '.join(BOX_LOSSES)}."
                f" Received: box_loss={self.box_loss!r}."
            )


BOX_LOSSES = ("iou", "smoothed_iou", "giou")
# The stages of cascades, which ask for ever closer boxes.
_CASCADE = (0.5, 0.6, 0.7)


def two_stage_rule(convention: str, num_stages: int = 1) -> TwoStageRule:
    """Returns how a published detector with region proposals was trained.

    Args:
        convention: str, "mmdet" or "official".
        num_stages: int, 1, or 3 for a cascade.
    Raises:
        ValueError: if none is published.
    """
    if num_stages not in (1, len(_CASCADE)):
        raise ValueError(
            "Published detectors have heads of one stage or of three."
            f" Received: num_stages={num_stages}. Set the model's `training_rule`."
        )
    old = _is_official(convention)
    smooth = old or num_stages > 1
    overlaps = _CASCADE[:num_stages]
    return TwoStageRule(
        anchor_beta=1 / 9 if smooth else 0.0,
        border=0.0 if smooth else None,
        # The first generation forces matches here as well.
        roi_matches=tuple(MatchRule(x, x, x if old else None) for x in overlaps),
        roi_beta=1.0 if smooth else 0.0,
        stage_weights=tuple(0.5**i for i in range(num_stages)),
    )


def point_rule(convention: str) -> PointRule:
    """Returns how a published FCOS was trained.

    Args:
        convention: str, "mmdet" or "official".
    """
    if _is_official(convention):
        return PointRule(box_loss="smoothed_iou", count_images=True)
    return PointRule()


def _is_official(convention):
    if convention not in ("mmdet", "official"):
        raise ValueError(
            "convention must be one of mmdet, official."
            f" Received: convention={convention!r}."
        )
    return convention == "official"
