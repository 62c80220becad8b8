"""Assigns the tensors of official PyTorch checkpoints to our models."""

import inspect
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.models.presets import ARCHITECTURES
from hrnet_tf.weights.names import official_name, variable_path
from hrnet_tf.weights.torch_checkpoint import read_checkpoint

# Names shown of each group in an error.
_SHOWN = 8
_CLASSIFICATION_HEAD = re.compile(
    r"(?:incre_modules|downsamp_modules|classifier|final_layer\.\d+)\..+"
)
_POSE_HEAD = re.compile(r"final_layer\.(?:weight|bias)")
_LAST_FUSION = re.compile(r"stage4_module(\d+)/fusion/(?:up|down)\d+to(\d+)_.+")

# Why a tensor may well be without a place in the model.
_COUNTERS = "step counters, which only PyTorch uses"
_ROWS = "rows of the last fusion, for coarse outputs that this model does not have"
_OTHER_HEAD = "the head of another task"
_OTHER_KEYPOINTS = "a head for another number of keypoints"


@dataclass(frozen=True)
class LoadReport:
    """What `load_torch_weights` found and did.

    Attributes:
        source: str. The file, or "a mapping".
        layout: str. The kind of checkpoint that was recognised.
        num_assigned: int. Variables that received a tensor.
        unused: tuple of str. Tensors of the checkpoint without a place in the
            model (PyTorch's step counters are not listed).
        missing: tuple of str. Paths of variables left as they were.
        notes: tuple of str. What was ignored, left fresh or converted, and why.
    """

    source: str
    layout: str
    num_assigned: int
    unused: tuple = ()
    missing: tuple = ()
    notes: tuple = ()

    def __str__(self):
        lines = [
            f"{self.source}: {self.layout}",
            f"  {self.num_assigned} variables assigned,"
            f" {len(self.missing)} left as they were,"
            f" {len(self.unused)} tensors unused",
        ]
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


def load_torch_weights(model, path_or_state_dict, strict=True):
    """Loads an official PyTorch checkpoint into a model of the same architecture.

    Works for the checkpoints of pose networks and, for their body, of ImageNet
    classification networks. Parts that cannot have a place in the model are
    ignored with a note: rows of the last fusion that a network with a single
    output does not compute, the head of another task (this model's own head then
    stays as it is), step counters. Kernels are transposed from PyTorch's
    [out, in, height, width] to [height, width, in, out], and float16, bfloat16
    and float64 become float32. Nothing is assigned unless everything fits.

    Args:
        model: `keras.Model`, such as `HRNetPose` or `HRNetBackbone`.
        path_or_state_dict: a `.pth` or `.safetensors` file, or a mapping of names
            to arrays; see `hrnet_tf.weights.torch_checkpoint.read_checkpoint`.
        strict: bool. False tolerates variables without a tensor, tensors without
            a variable, and a head for another number of keypoints; such variables
            keep their values. Other wrong shapes are errors nevertheless.
    Returns:
        A `LoadReport`; print it to see what happened.
    Raises:
        ValueError: if the checkpoint cannot be read, or does not fit: all missing,
            unused, mismatched and non-finite tensors are named in one text.
    """
    tensors = read_checkpoint(path_or_state_dict)
    is_mapping = isinstance(path_or_state_dict, Mapping)
    source = "a mapping" if is_mapping else os.fspath(path_or_state_dict)
    plan = _Plan(model, tensors, strict)
    problems = plan.problems()
    if problems:
        raise ValueError(
            f"The checkpoint {source} ({_layout(tensors)}) does not fit the model"
            f" {model.name}; nothing was assigned.\n{problems}"
        )
    for variable, array in plan.assignments:
        variable.assign(array)
    skipped = [name for name, why in plan.ignored.items() if why != _COUNTERS]
    return LoadReport(
        source=source,
        layout=_layout(tensors),
        num_assigned=len(plan.assignments),
        unused=tuple(skipped + plan.unused),
        missing=tuple(plan.fresh + plan.missing),
        notes=tuple(plan.notes()),
    )


def _layout(tensors):
    """Names the kind of checkpoint."""
    if any(_CLASSIFICATION_HEAD.fullmatch(name) for name in tensors):
        return "official classification network"
    if any(_POSE_HEAD.fullmatch(name) for name in tensors):
        return "official pose network"
    if any(variable_path(name) for name in tensors):
        return "official network without a known head"
    return "unknown layout"


class _Plan:
    """Which tensor goes where, and everything that stands in the way."""

    def __init__(self, model, tensors, strict):
        self._variables = {variable.path: variable for variable in model.weights}
        self._tensors = tensors
        self._strict = strict
        # The last module's number and coarsest output, such as (2, 0).
        rows = map(_LAST_FUSION.fullmatch, self._variables)
        self._coarsest = max(((int(r[1]), int(r[2])) for r in rows if r), default=None)
        self.assignments = []
        self.ignored = {}  # name of a tensor: reason
        self.unused, self.mismatched, self.not_finite = [], [], []
        self._converted = Counter()
        for name, tensor in tensors.items():
            self._place(name, tensor)
        self.fresh, self.missing = [], []
        self._find_missing()

    def _place(self, name, tensor):
        """Decides about one tensor of the checkpoint."""
        path = variable_path(name)
        variable = self._variables.get(path)
        reason = self._reason_to_ignore(name, path)
        if reason:
            self.ignored[name] = reason
        elif variable is None:
            self.unused.append(name)
        elif _torch_shape(variable) != tensor.shape or not _is_float(tensor.dtype):
            self.mismatched.append(name)
        else:
            array = np.transpose(tensor, (2, 3, 1, 0)) if tensor.ndim == 4 else tensor
            if tensor.dtype != np.float32:
                self._converted[tensor.dtype.name] += 1
            # Too large a float64 becomes infinite, which is found just below.
            with np.errstate(over="ignore"):
                array = array.astype(np.float32)
            if not np.isfinite(array).all():
                self.not_finite.append(name)
            self.assignments.append((variable, array))

    def _reason_to_ignore(self, name, path):
        """Returns why this tensor needs no place in the model, or None."""
        if name.endswith(".num_batches_tracked"):
            return _COUNTERS
        if _CLASSIFICATION_HEAD.fullmatch(name):
            return _OTHER_HEAD
        variable = self._variables.get(path)
        if _POSE_HEAD.fullmatch(name):
            if variable is None:
                return _OTHER_HEAD
            other = self._tensors[name].shape[:1] != variable.shape[-1:]
            return _OTHER_KEYPOINTS if other and not self._strict else None
        row = _LAST_FUSION.fullmatch(path or "")
        if row and self._coarsest and variable is None:
            last, coarsest = self._coarsest
            if int(row[1]) == last and int(row[2]) > coarsest:
                return _ROWS
        return None

    def _find_missing(self):
        """Finds the variables that get nothing, and those that need not."""
        assigned = {variable.path for variable, _ in self.assignments}
        other_head = {_OTHER_HEAD, _OTHER_KEYPOINTS} & set(self.ignored.values())
        for path in self._variables:
            name = official_name(path)
            if path in assigned or name in self.mismatched:
                continue
            is_head = name is not None and _POSE_HEAD.fullmatch(name)
            (self.fresh if is_head and other_head else self.missing).append(path)

    def notes(self):
        """Says what was ignored, left fresh or converted."""
        notes = [
            f"{count} tensors ignored: {reason}"
            for reason, count in Counter(self.ignored.values()).items()
        ]
        if self.fresh:
            notes.append("the model's own head keeps its weights: train it")
        for kind, count in self._converted.items():
            notes.append(f"{count} tensors converted from {kind} to float32")
        return notes

    def problems(self):
        """Describes everything that is wrong; empty if the plan can be executed."""
        groups = {
            "Another shape or type": [
                f"{name}: {_describe(self._tensors[name])}, but the model needs float32"
                f" {list(_torch_shape(self._variables[variable_path(name)]))}"
                for name in self.mismatched
            ],
            "NaN or infinity": self.not_finite,
        }
        if self._strict or not self.assignments:
            missing = [official_name(path) or path for path in self.missing]
            groups["Missing, but the model needs them"] = missing
            groups["Unused, as the model has no place for them"] = self.unused
        lines = []
        for title, entries in groups.items():
            if entries:
                lines.append(f"  {title} ({len(entries)}):")
                lines += [f"    {entry}" for entry in entries[:_SHOWN]]
            if len(entries) > _SHOWN:
                lines.append(f"    ... and {len(entries) - _SHOWN} more")
        return "\n".join([*lines, self._hint()]) if lines else ""

    def _hint(self):
        """Says what to do about the problems."""
        theirs = _architecture({n: t.shape for n, t in self._tensors.items()})
        ours = _architecture(
            {official_name(p): _torch_shape(v) for p, v in self._variables.items()}
        )
        if ours is None:
            return "The model is no HRNet of this package: no path of it is known."
        if theirs is None:
            return (
                "The checkpoint is not from an official HRNet: its first names are"
                f" {list(self._tensors)[:3]}."
            )
        if theirs != ours:
            preset = _preset(theirs)
            if preset:
                return f"The checkpoint fits the preset {preset!r}: build that model."
            return f"The checkpoint fits a model built with {theirs}."
        head = self._tensors.get("final_layer.weight")
        if head is not None and "final_layer.weight" in self.mismatched:
            return (
                f"Build the model with num_keypoints={head.shape[0]}, or pass"
                " strict=False to load everything but the head."
            )
        if self.mismatched or self.not_finite:
            return "The file is damaged, or its network was changed or diverged."
        return "Pass strict=False to load what fits."


def _is_float(dtype):
    # ml_dtypes' bfloat16 is of kind V to NumPy.
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _torch_shape(variable):
    """Returns the shape that PyTorch gives this variable."""
    shape = tuple(variable.shape)
    return tuple(shape[i] for i in (3, 2, 0, 1)) if len(shape) == 4 else shape


def _describe(tensor):
    return f"{tensor.dtype} {list(tensor.shape)}"


def _architecture(shapes):
    """Derives the architecture's arguments from official names and shapes, or None."""

    def count(pattern):
        matches = (re.match(pattern, name) for name in shapes if name)
        return len({match[1] for match in matches if match})

    try:
        return {
            "width": shapes["stage2.0.branches.0.0.conv1.weight"][0],
            "num_modules": tuple(count(rf"stage{s}\.(\d+)\.") for s in (2, 3, 4)),
            "num_blocks": count(r"stage2\.0\.branches\.0\.(\d+)\."),
            "stem_width": shapes["conv1.weight"][0],
            "stage1_width": shapes["layer1.0.conv1.weight"][0],
            "stage1_blocks": count(r"layer1\.(\d+)\."),
        }
    except (KeyError, IndexError):
        return None


def _preset(arguments):
    """Returns the name of the preset with this architecture, or None."""
    parameters = inspect.signature(HRNetBackbone.__init__).parameters
    defaults = {name: parameters[name].default for name in arguments}
    for name, preset in ARCHITECTURES.items():
        if {**defaults, **preset} == arguments:
            return name
    return None
