"""Descriptions of keypoint sets: names, mirrored pairs, limbs and OKS constants.

A data set of one's own needs no code change, only a descriptor for
`load_keypoint_set`: a json file such as

    {"name": "hand", "names": ["wrist", "thumb", "little_finger"],
     "skeleton": [["wrist", "thumb"], ["wrist", "little_finger"]],
     "flip_pairs": [], "sigmas": [0.05, 0.03, 0.03]}

or a Python file that defines `KEYPOINTS`, such a dict or a `KeypointSet`. A keypoint
is written as its name or its 0-based index everywhere.
"""

import dataclasses
import json
import math
import runpy
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KeypointSet:
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
        pck_reference: pair of keypoints or None. PCK measures errors in units of the
            distance between these two.
    Raises:
        ValueError: if the description contradicts itself.
    Reference:
        deep-high-resolution-net.pytorch, lib/dataset/{coco,mpii}.py (orders, pairs,
        halves); pycocotools.cocoeval (sigmas).
    """

    name: str
    names: tuple[str, ...]
    flip_pairs: tuple[tuple[str, str], ...] = ()
    skeleton: tuple[tuple[str, str], ...] = ()
    sigmas: tuple[float, ...] | None = None
    upper_body: tuple[str, ...] = ()
    pck_reference: tuple[str, str] | None = None

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(
                f"A keypoint set needs a name. Received: name={self.name!r}."
                " Pass a non-empty string."
            )
        self._put("names", self._checked_names())
        self._put("flip_pairs", self._pairs("flip_pairs"))
        self._put("skeleton", self._pairs("skeleton"))
        self._put("sigmas", self._checked_sigmas())
        self._put("upper_body", self._checked_upper_body())
        if self.pck_reference is not None:
            self._put("pck_reference", self._pair("pck_reference", self.pck_reference))
        self._check_flip_pairs()

    @property
    def num_keypoints(self):
        """int: the number of keypoints `K`."""
        return len(self.names)

    @property
    def flip_indices(self):
        """Tuple of `K` int: keypoint i of a mirrored image was `flip_indices[i]`."""
        indices = list(range(self.num_keypoints))
        for a, b in self.flip_pairs:
            i, j = self.index(a), self.index(b)
            indices[i], indices[j] = j, i
        return tuple(indices)

    def index(self, name):
        """Returns the 0-based index (int) of the keypoint called `name`.

        Raises:
            ValueError: if there is no such keypoint.
        """
        return self.names.index(self._resolve("index", name))

    def to_dict(self):
        """Returns the fields as a dict that json can write and `from_dict` reads."""

        def plain(value):
            return [plain(v) for v in value] if isinstance(value, tuple) else value

        return {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, fields):
        """Makes a `KeypointSet` from the dict of `to_dict` or of a descriptor file.

        Args:
            fields: dict with "name" and "names"; optionally the other fields.
        Raises:
            ValueError: for missing or unknown fields, or a contradictory description.
        """
        if not isinstance(fields, dict):
            raise ValueError(
                "A keypoint set is described by a dict with 'name' and 'names'."
                f" Received: {type(fields).__name__}."
            )
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = [key for key in fields if key not in known]
        missing = [key for key in ("name", "names") if key not in fields]
        if unknown or missing:
            raise ValueError(
                f"A keypoint set has the fields {known}, of which 'name' and 'names'"
                f" are required. Received: {list(fields)}"
                f" (unknown: {unknown}, missing: {missing})."
            )
        return cls(**fields)

    def _put(self, field, value):
        """Sets a field to its normalised value, which frozen dataclasses forbid."""
        object.__setattr__(self, field, value)

    def _error(self, what):
        return ValueError(f"Keypoint set {self.name!r}: {what}")

    def _resolve(self, field, keypoint):
        """Turns an index or a name into a name of this set."""
        if isinstance(keypoint, int) and not isinstance(keypoint, bool):
            if 0 <= keypoint < len(self.names):
                return self.names[keypoint]
            raise self._error(
                f"{field} holds the index {keypoint}, which is out of range: there are"
                f" {len(self.names)} keypoints, with the indices 0 to"
                f" {len(self.names) - 1}."
            )
        if keypoint not in self.names:
            raise self._error(
                f"{field} holds {keypoint!r}, which is no keypoint of this set. Use"
                f" one of {list(self.names)}, or a 0-based index."
            )
        return keypoint

    def _pair(self, field, pair):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise self._error(f"{field} holds {pair!r}; expected a pair of keypoints.")
        return tuple(self._resolve(field, keypoint) for keypoint in pair)

    def _pairs(self, field):
        pairs = getattr(self, field)
        if not isinstance(pairs, (tuple, list)):
            raise self._error(f"{field} is {pairs!r}; expected a list of pairs.")
        return tuple(self._pair(field, pair) for pair in pairs)

    def _checked_names(self):
        names = self.names
        if not isinstance(names, (tuple, list)) or not names:
            raise self._error(f"names is {names!r}; expected a list of keypoint names.")
        for name in names:
            if not isinstance(name, str) or not name:
                raise self._error(f"names holds {name!r}; expected non-empty strings.")
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise self._error(f"names holds {repeated} more than once.")
        return tuple(names)

    def _checked_sigmas(self):
        if self.sigmas is None:
            return None
        if not isinstance(self.sigmas, (tuple, list)) or (
            len(self.sigmas) != self.num_keypoints
        ):
            raise self._error(
                f"sigmas is {self.sigmas!r}; expected one number for each of the"
                f" {self.num_keypoints} keypoints, or none at all."
            )
        for sigma in self.sigmas:
            number = isinstance(sigma, (int, float)) and not isinstance(sigma, bool)
            if not number or not (math.isfinite(sigma) and sigma > 0):
                raise self._error(f"sigmas holds {sigma!r}; expected positive numbers.")
        return tuple(float(sigma) for sigma in self.sigmas)

    def _checked_upper_body(self):
        if not isinstance(self.upper_body, (tuple, list)):
            raise self._error(f"upper_body is {self.upper_body!r}; expected a list.")
        names = tuple(self._resolve("upper_body", name) for name in self.upper_body)
        if len(set(names)) != len(names):
            raise self._error(f"upper_body repeats a keypoint: {list(names)}.")
        return names

    def _check_flip_pairs(self):
        seen = set()
        for pair in self.flip_pairs:
            for name in pair:
                if name in seen:
                    raise self._error(
                        f"flip_pairs holds {name!r} more than once (in {list(pair)});"
                        " a keypoint has one mirrored partner, and a keypoint that"
                        " stays where it is belongs in no pair."
                    )
                seen.add(name)


def load_keypoint_set(name_or_path):
    """Returns a keypoint set by its name, or from a descriptor file.

    A .py descriptor is executed, like a recipe: load only files you trust.

    Args:
        name_or_path: str or path. A key of `KEYPOINT_SETS`, or a .json or .py file as
            the module's documentation describes ("name" may be left out there: the
            file's stem is taken). A `KeypointSet` is returned as it is.
    Raises:
        ValueError: if there is no such set or file, or its description is wrong.
    """
    if isinstance(name_or_path, KeypointSet):
        return name_or_path
    if str(name_or_path) in KEYPOINT_SETS:
        return KEYPOINT_SETS[str(name_or_path)]
    path = Path(name_or_path)
    if path.suffix not in (".json", ".py") or not path.is_file():
        raise ValueError(
            f"There is no keypoint set {str(name_or_path)!r}. Expected one of"
            f" {list(KEYPOINT_SETS)}, or an existing .json or .py descriptor file."
        )
    fields = _read_json(path) if path.suffix == ".json" else _read_python(path)
    if isinstance(fields, KeypointSet):
        return fields
    if isinstance(fields, dict):
        fields = {"name": path.stem, **fields}
    try:
        return KeypointSet.from_dict(fields)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def model_keypoint_set(model):
    """Returns the `KeypointSet` that a model carries, or None.

    Args:
        model: `HRNetModel`, such as `HRNetPose`.
    """
    fields = model.arguments.get("keypoint_set")
    return None if fields is None else KeypointSet.from_dict(dict(fields))


def _read_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are both.
        raise ValueError(f"{path} is not valid json: {error}.") from error


def _read_python(path):
    try:
        variables = runpy.run_path(str(path))
    except Exception as error:
        # Anything can go wrong in a user's file; the cause stays in the traceback.
        raise ValueError(
            f"{path} could not be executed: {type(error).__name__}: {error}."
        ) from error
    if "KEYPOINTS" not in variables:
        raise ValueError(
            f"{path} does not define KEYPOINTS. Assign a dict with 'names' (and"
            " 'flip_pairs', 'skeleton', 'sigmas', ...) or a KeypointSet to it."
        )
    return variables["KEYPOINTS"]


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

KEYPOINT_SETS = {keypoint_set.name: keypoint_set for keypoint_set in (COCO, MPII, LSP)}
