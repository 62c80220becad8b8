"""Descriptions of keypoint sets: names, mirrored pairs, limbs and OKS constants.

A data set of one's own needs no code change, only a descriptor for
`load_keypoint_set`: a json file such as

    {"name": "hand", "names": ["wrist", "thumb", "little_finger"],
     "skeleton": [["wrist", "thumb"], ["wrist", "little_finger"]],
     "flip_pairs": [], "sigmas": [0.05, 0.03, 0.03]}

or a Python file that defines `KEYPOINTS`, such a dict or a `KeypointSet`. A keypoint
is written as its name or its 0-based index everywhere.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hrnet_tf.data.descriptors import Descriptor, load_descriptor
from hrnet_tf.data.face_sets import FACE_SETS
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


@dataclass(frozen=True)
class KeypointSet(Descriptor):
    """The keypoints of a data set, in the order of its annotation arrays.

    Wherever a keypoint is expected its 0-based index is accepted as well; the fields
    always hold names. Lists are accepted for tuples.

    Args:
        name: str. What the set is called in reports and files.
        names: tuple of `K` different str. The order is that of the annotations.
        flip_pairs: tuple of pairs `(keypoint, keypoint)` which change places when the
            image is mirrored. Keypoints in no pair stay.
        skeleton: tuple of pairs `(keypoint, keypoint)`, the limbs to draw.
        sigmas: tuple of `K` float or None. COCO's per-keypoint constants k / 2 of the
            object keypoint similarity (0.026 for the nose ... 0.107 for a hip),
            relative to the square root of the area. None: OKS is not defined.
        upper_body: tuple of keypoints. The upper half for the half-body augmentation;
            the others are the lower half. Empty: no half-body augmentation.
        pck_reference: pair of keypoints or None. PCK, and NME of faces, measure errors
            in units of the distance between these two.
    Raises:
        ValueError: if the description contradicts itself.
    Reference:
        deep-high-resolution-net.pytorch, lib/dataset/{coco,mpii}.py (orders, pairs,
        halves); pycocotools.cocoeval (sigmas); https://github.com/Jeff-sjtu/CrowdPose.
    """

    name: str
    names: tuple[str, ...]
    flip_pairs: tuple[tuple[str | int, str | int], ...] = ()
    skeleton: tuple[tuple[str | int, str | int], ...] = ()
    sigmas: tuple[float, ...] | None = None
    upper_body: tuple[str | int, ...] = ()
    pck_reference: tuple[str, str] | None = None

    _kind = "keypoint set"
    _member = "keypoint"
    _plural = "keypoints"
    _members = "names"
    _variable = "KEYPOINTS"

    def __post_init__(self):
        self._check_members()
        self._put("skeleton", self._pairs("skeleton"))
        self._put("sigmas", self._positive_numbers("sigmas"))
        self._put("upper_body", self._checked_upper_body())
        if self.pck_reference is not None:
            self._put("pck_reference", self._pair("pck_reference", self.pck_reference))
        self._check_flip_pairs()

    @property
    def num_keypoints(self) -> int:
        """int: the number of keypoints `K`."""
        return len(self.names)

    def _checked_upper_body(self):
        if not isinstance(self.upper_body, (tuple, list)):
            raise self._error(f"upper_body is {self.upper_body!r}; expected a list.")
        names = tuple(self._resolve("upper_body", name) for name in self.upper_body)
        if len(set(names)) != len(names):
            raise self._error(f"upper_body repeats a keypoint: {list(names)}.")
        return names


def load_keypoint_set(name_or_path: PathLike | KeypointSet) -> KeypointSet:
    """Returns a keypoint set by its name, or from a descriptor file.

    A .py descriptor is executed, like a recipe: load only files you trust.

    Args:
        name_or_path: str or path. A key of `KEYPOINT_SETS`, or a .json or .py file as
            the module's documentation describes ("name" may be left out there: the
            file's stem is taken). A `KeypointSet` is returned as it is.
    Raises:
        ValueError: if there is no such set or file, or its description is wrong.
    """
    return load_descriptor(name_or_path, KeypointSet, KEYPOINT_SETS)


def model_keypoint_set(model: "HRNetModel") -> KeypointSet | None:
    """Returns the `KeypointSet` that a model carries, or None.

    Args:
        model: `HRNetModel`, such as `HRNetPose`.
    """
    fields = model.arguments.get("keypoint_set")
    return None if fields is None else KeypointSet.from_dict(dict(fields))


COCO = KeypointSet(
    name="coco",
    names=(
        *("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
        *("left_wrist", "right_wrist", "left_hip", "right_hip"),
        *("left_knee", "right_knee", "left_ankle", "right_ankle"),
    ),
    flip_pairs=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)),
    skeleton=(
        *((15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6)),
        *((5, 7), (6, 8), (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4)),
        *((3, 5), (4, 6)),
    ),
    sigmas=(
        *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072),
        *(0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089),
    ),
    upper_body=tuple(range(11)),
    pck_reference=("right_shoulder", "left_hip"),
)

# The official MPII recipe leaves the half-body augmentation off; the halves are those
# of its data set class. PCKh is measured in head sizes, so there is no reference pair.
MPII = KeypointSet(
    name="mpii",
    names=(
        *("right_ankle", "right_knee", "right_hip"),
        *("left_hip", "left_knee", "left_ankle"),
        *("pelvis", "thorax", "upper_neck", "head_top"),
        *("right_wrist", "right_elbow", "right_shoulder"),
        *("left_shoulder", "left_elbow", "left_wrist"),
    ),
    flip_pairs=((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)),
    skeleton=(
        *((0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9)),
        *((8, 12), (12, 11), (11, 10), (8, 13), (13, 14), (14, 15)),
    ),
    upper_body=tuple(range(7, 16)),
)

# Leeds Sports Pose and its extension. The limbs are those of the COCO-style files.
LSP = KeypointSet(
    name="lsp",
    names=(
        *("right_ankle", "right_knee", "right_hip"),
        *("left_hip", "left_knee", "left_ankle"),
        *("right_wrist", "right_elbow", "right_shoulder"),
        *("left_shoulder", "left_elbow", "left_wrist"),
        *("neck", "head_top"),
    ),
    flip_pairs=((0, 5), (1, 4), (2, 3), (6, 11), (7, 10), (8, 9)),
    skeleton=(
        *((0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (7, 8), (9, 10), (10, 11)),
        *((8, 12), (9, 12), (12, 13), (2, 3), (8, 2), (9, 3)),
    ),
    upper_body=tuple(range(6, 14)),
    pck_reference=("right_shoulder", "left_hip"),
)

# Twelve of COCO's joints in COCO's order, then those of the head.
CROWDPOSE = KeypointSet(
    name="crowdpose",
    names=(
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
        *("left_wrist", "right_wrist", "left_hip", "right_hip"),
        *("left_knee", "right_knee", "left_ankle", "right_ankle"),
        *("head", "neck"),
    ),
    flip_pairs=((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11)),
    skeleton=(
        *((10, 8), (8, 6), (11, 9), (9, 7), (6, 7), (0, 6), (1, 7), (0, 1)),
        *((0, 2), (1, 3), (2, 4), (3, 5), (12, 13), (13, 0), (13, 1)),
    ),
    sigmas=(
        *(0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107),
        *(0.087, 0.087, 0.089, 0.089, 0.079, 0.079),
    ),
    upper_body=(0, 1, 2, 3, 4, 5, 12, 13),
    pck_reference=("right_shoulder", "left_hip"),
)

FACES = tuple(KeypointSet(**fields) for fields in FACE_SETS)
KEYPOINT_SETS = {known.name: known for known in (COCO, MPII, LSP, CROWDPOSE, *FACES)}
