"""Starts a model from the weights of another one: the body, and of the head by name."""

import dataclasses
import re
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.typing import StartingWeights
from hrnet_tf.weights import detectors
from hrnet_tf.weights.convert import LoadReport, assign_checkpoint
from hrnet_tf.weights.export_torch import official_tensors
from hrnet_tf.weights.kinds import KINDS, kind_of
from hrnet_tf.weights.layouts import recognise
from hrnet_tf.weights.names import head_kinds
from hrnet_tf.weights.outputs import SAME, noun_of, output_names, stated_names
from hrnet_tf.weights.prefixes import not_hrnet
from hrnet_tf.weights.recognise import architecture, describe_architecture
from hrnet_tf.weights.sources import read_source

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel

_FUSION = re.compile(r"stage4\.(\d+)\.fuse_layers\.(\d+)\.")
# What belongs to weights, and training makes up for where it differs.
_PIXELS = ("channel_order", "pixel_mean", "pixel_std")
_GRAPH = ("interpolation",)
_HEATMAPS = ("heatmap_activation", "heatmap_convention")
# Names shown of each group.
_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class TransferReport:
    """What `start_from` did; print it.

    Attributes:
        source: str. What the weights are.
        layout: str. Whose they are.
        num_body: int. Variables of the body that were loaded.
        num_fresh_body: int. Those that the weights' network does not have: of the last
            fusion, for coarse outputs.
        carried: tuple of str. Outputs whose rows of the head were carried over.
        fresh: tuple of str. Outputs whose rows are fresh; of models that do not name
            their outputs, their numbers.
        head: str. What became of the head, in words.
        notes: tuple of str. What was ignored, left fresh or differs.
    """

    source: str
    layout: str
    num_body: int
    num_fresh_body: int
    carried: tuple[str, ...]
    fresh: tuple[str, ...]
    head: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        total = self.num_body + self.num_fresh_body
        lines = [
            f"starting from {self.source}: {self.layout}",
            f"  body: {self.num_body} of {total} variables loaded",
            f"  head: {self.head}",
        ]
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


def start_from(model: "HRNetModel", weights: StartingWeights) -> TransferReport:
    """Loads the weights of another network into a model, as far as they go.

    The body is always loaded as a whole. Of a head of the same kind the rows of those
    keypoints or classes are carried over that both networks name alike; the layers
    before are carried over too. All else of the head stays as it is.

    The outputs' names come from the source, if it has any: models of this package carry
    them, and so do published weights. Those of a plain checkpoint must be stated, even
    where there are equally many: equal numbers are not the same keypoints.

    Args:
        model: `HRNetModel`.
        weights: what `read_source` takes; or a pair of it and of what its outputs are
            called (str, see `outputs.stated_names`).
    Returns:
        `TransferReport`.
    Raises:
        ValueError: if the weights cannot be read, are those of another architecture or
            damaged; nothing is assigned then.
        OSError: if published weights cannot be downloaded.
    """
    where, names = weights if isinstance(weights, tuple) else (weights, None)
    source = read_source(where)
    checkpoint = recognise(source.tensors)
    transfer = _Transfer(model, checkpoint, source, names)
    report = assign_checkpoint(model, transfer.adapted, source.title)
    return transfer.report(report)


class _Transfer:
    """Makes of a checkpoint one that fits a model."""

    def __init__(self, model, checkpoint, source, stated):
        self._kind = kind_of(model)
        self._checkpoint = checkpoint
        self._source = source
        self._layout = source.layout or checkpoint.layout
        self._arguments = getattr(model, "arguments", {})
        own = official_tensors(model)
        self._own = {name.removeprefix("backbone."): a for name, a in own.items()}
        self._check_architecture()
        self._head_names = [n for n in self._own if self._kind in head_kinds(n)]
        self._find_rows(stated)
        head, self._kept = self._head()
        self._rows_filled = self._missing_rows()
        body = {
            name: tensor
            for name, tensor in checkpoint.tensors.items()
            if self._kind not in head_kinds(name)
        }
        strangers = self._strangers(body)
        tensors = {**body, **self._rows_filled, **head}
        for name in strangers:
            del tensors[name]
        ignored = {checkpoint.sources[n]: "no layer of this network" for n in strangers}
        known = {**checkpoint.trained_with, **source.arguments}
        self.adapted = dataclasses.replace(
            checkpoint,
            tensors=tensors,
            sources={name: checkpoint.sources.get(name, name) for name in tensors},
            ignored={**checkpoint.ignored, **ignored},
            # Said here, of what is taken over alone.
            trained_with={},
        )
        matter = (
            *_PIXELS,
            *_GRAPH * self._is_same_kind,
            *_HEATMAPS * bool(self._pairs),
        )
        self._known = {key: known[key] for key in matter if key in known}

    def _check_architecture(self):
        theirs = self._checkpoint.architecture
        ours = architecture({name: a.shape for name, a in self._own.items()})
        if theirs is None:
            raise ValueError(
                f"Cannot start from {self._source.title}. {not_hrnet(self._checkpoint)}"
            )
        # Of a model that is none of ours the plan's error says all.
        if ours is None or theirs == ours:
            return
        their_name, our_name = map(describe_architecture, (theirs, ours))
        raise ValueError(
            f"The weights are those of another network. Received: {self._source.title}"
            f" ({self._layout}), which is {their_name}; expected"
            f" {our_name}, which is trained. Their layers have other sizes, so that"
            " nothing can be taken over. Choose the network that the weights are of"
            " (--preset), or weights of this one."
        )

    def _find_rows(self, stated):
        """Finds which outputs are carried over: pairs of (ours, theirs)."""
        argument = KINDS[self._kind].argument
        self._own_names = output_names(self._kind, self._arguments)
        self._num_own = self._arguments.get(argument) if argument else None
        if stated == SAME and self._own_names is None:
            self._own_names = tuple(map(str, range(self._num_own or 0)))
        # Of part of a classification head only the layers before the last one are used.
        kinds = (self._kind, None)
        self._is_same_kind = self._checkpoint.kind in kinds and any(
            name in self._checkpoint.tensors for name in self._head_names
        )
        self._num_theirs = (
            self._checkpoint.count_outputs() if self._is_same_kind else None
        )
        self._names = self._source.names
        if stated is not None and self._num_theirs is not None:
            self._names = stated_names(self._kind, stated, self._own_names or ())
        self._check_count(stated)
        self._pairs = ()
        if self._num_theirs is None:
            return
        if argument == "num_channels":
            # Nothing that has a name.
            if self._num_own == self._num_theirs:
                self._pairs = tuple((i, i) for i in range(self._num_own))
        elif self._names and self._own_names:
            self._pairs = _matches(self._own_names, self._names)

    def _check_count(self, stated):
        if not self._names or not self._num_theirs:
            return
        if len(self._names) != self._num_theirs:
            said = f"as stated ({stated})" if stated else "as the source has them"
            raise ValueError(
                f"The head of {self._source.title} has {self._num_theirs}"
                f" {noun_of(self._kind)}, but their names, {said}, are"
                f" {len(self._names)}. Name all of them, in their order."
            )

    def _head(self):
        """Returns the head's tensors, and the names of those that are the model's."""
        theirs = self._checkpoint.tensors if self._is_same_kind else {}
        sized = KINDS[self._kind].sized
        head, kept = {}, []
        for name in self._head_names:
            own, their = self._own[name], theirs.get(name)
            layer = name.rpartition(".")[0]
            is_shaped = their is not None and their.shape[1:] == own.shape[1:]
            if their is None and f"{layer}.weight" in theirs and layer not in sized:
                # Becomes zero: a bias before a normalisation, which theirs lacks.
                continue
            if layer in sized and is_shaped and self._pairs:
                head[name] = self._with_rows(layer, own, their)
            elif layer not in sized and is_shaped and their.shape == own.shape:
                head[name] = their
            else:
                head[name] = own
                kept.append(name)
        return head, kept

    def _with_rows(self, layer, own, their):
        """The model's own tensor, with the rows that are carried over."""
        if self._kind in detectors.KINDS:
            counts = (self._num_own, self._num_theirs)
            return detectors.carry_rows(layer, own, their, self._pairs, counts)
        ours, theirs = np.array(self._pairs).T
        counts = self._num_own, self._num_theirs
        result = own.copy()
        if own.shape[0] == counts[0]:
            result[ours] = their[theirs]
            return result
        # Heatmaps and then tags; in what reads both, behind the features.
        begin, their_begin = (
            array.shape[0] - 2 * count
            for array, count in zip((own, their), counts, strict=True)
        )
        if begin != their_begin:
            return result
        result[:begin] = their[:begin]
        for part in range(2):
            rows = begin + part * counts[0] + ours
            result[rows] = their[begin + part * counts[1] + theirs]
        return result

    def _missing_rows(self):
        """The model's own tensors of the last fusion's outputs that are not there."""
        rows = {n: _FUSION.match(n) for n in self._own}
        rows = {n: (int(m[1]), int(m[2])) for n, m in rows.items() if m}
        there = {rows[n] for n in self._checkpoint.tensors if n in rows}
        last = max((module for module, _ in rows.values()), default=None)
        return {
            name: self._own[name]
            for name, (module, row) in rows.items()
            if module == last and row > 0 and (module, row) not in there
        }

    def _strangers(self, body):
        """Names that neither this network nor another task's head has."""
        return [
            name
            for name in body
            if name not in self._own
            and not _FUSION.match(name)
            and not head_kinds(name)
            and not (self._kind == "simple_baseline" and name.startswith("fc."))
        ]

    def report(self, done: LoadReport) -> TransferReport:
        """Returns the `TransferReport` of what `assign_checkpoint` did."""
        filled = len(self._kept) + len(self._rows_filled)
        in_head = len([n for n in self._head_names if n not in self._kept])
        names = self._own_names or tuple(map(str, range(self._num_own or 0)))
        carried = tuple(names[i] for i, _ in self._pairs)
        fresh = tuple(name for name in names if name not in carried)
        return TransferReport(
            source=self._source.title,
            layout=self._layout,
            num_body=done.num_assigned - filled - in_head,
            num_fresh_body=len(self._rows_filled),
            carried=carried,
            fresh=fresh,
            head=self._describe_head(carried, fresh),
            notes=(*self._own_notes(), *done.notes),
        )

    def _describe_head(self, carried, fresh):
        if not self._head_names:
            return "the model has none"
        kind = self._checkpoint.kind
        if not self._is_same_kind and self._checkpoint.about:
            return "fresh"
        if not self._is_same_kind:
            other = f"another head ({self._layout})"
            return f"fresh; the weights have {other if kind else 'none that is known'}"
        nouns = noun_of(self._kind)
        if carried:
            text = f"{len(carried)} of {len(carried) + len(fresh)} {nouns} carried over"
            text += f" by name: {_list(carried)}"
            return text + (f"; fresh: {_list(fresh)}" if fresh else "")
        layers = len(self._head_names) - len(self._kept)
        before = f" but for {layers} tensors before the last layer" * bool(layers)
        return f"fresh{before}; {self._why_fresh(nouns)}"

    def _why_fresh(self, nouns):
        count = self._num_theirs
        if count is None:
            return "the weights have no last layer"
        if self._own_names is None and self._names is None:
            same = ": if they are the same, state it (--weights-names same)"
            return (
                f"neither the weights' {count} {nouns} nor the model's have names"
                + same * (count == self._num_own)
            )
        if self._names is None:
            same = ", or 'same' if they are this model's" * (count == self._num_own)
            return (
                f"the weights do not say what their {count} {nouns} are: state it"
                f" (--weights-names, such as a set's name{same})"
            )
        return f"none of its {nouns} is among the weights' {_list(self._names)}"

    def _own_notes(self):
        notes = []
        if self._rows_filled:
            notes.append(
                f"{len(self._rows_filled)} tensors of the last fusion stay fresh: the"
                " weights' network has not computed those coarse outputs"
            )
        notes += [
            f"the weights were trained with {name}={value!r}, but the model has"
            f" {self._arguments[name]!r}: training has to make up for it"
            for name, value in self._known.items()
            if name in self._arguments
            and not np.array_equal(self._arguments[name], value)
        ]
        return notes


def _matches(own, theirs):
    """Pairs of the places of equal names; those that occur twice are left out."""
    if own == theirs:
        return tuple((i, i) for i in range(len(own)))
    places = {name: i for i, name in enumerate(theirs) if theirs.count(name) == 1}
    return tuple(
        (i, places[name])
        for i, name in enumerate(own)
        if name in places and own.count(name) == 1
    )


def _list(names):
    shown = ", ".join(names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
