"""What makes a run this run and no other: all that it is made of, as json values.

The parts are described as they are built, so that nothing has to be kept in a list by
hand: the model and the optimizer by their configurations, the augmentation by its
fields, the data by a fingerprint.
"""

import dataclasses
import inspect
import os
from typing import TYPE_CHECKING, Any

from hrnet_tf.training.describe import Describer

if TYPE_CHECKING:
    from hrnet_tf.training.recipe import Recipe


# The length of an epoch for which schedules are described: its true length is known
# only when the data are loaded, and is theirs.
NOMINAL_STEPS = 10_000
_FORMAT = "format"
# What the user wrote is told first.
_PARTS = (
    *("name", "seed", "epochs", "batch_size", "settings", "protocol", "data"),
    *("examples", "augmentation", "loss", "loss_weights", "optimizer", "model"),
)
# What schedules call their lengths.
_OF_SCHEDULES = ("decay_steps", "boundaries", "warmup_steps")
# Their keys alone say enough.
_PLAIN = "settings"
_NUM_SHOWN = 6
_NUM_OF_A_PART = 3
_WIDTH = 60
# Lists up to here are shown as a whole.
_SHORT = 4
# What earlier versions did not name where it was so.
_UNNAMED = {"convention": "official", "distribution": "normal"}


@dataclasses.dataclass(frozen=True)
class Identity:
    """The identity of a run.

    Attributes:
        parts: dict of json values.
        defaults: frozenset of tuples of keys. Where in `parts` an argument has its
            default: it makes no difference to a run from before there was that
            argument.
    """

    parts: dict = dataclasses.field(default_factory=dict)
    defaults: frozenset = frozenset()

    @classmethod
    def of(cls, recipe: "Recipe", model: Any, seed: int) -> "Identity":
        """Describes all of a run that is known before its data are loaded.

        Args:
            recipe: `Recipe`.
            model: what `recipe.model` returned.
            seed: int.
        Raises:
            ValueError: if a part holds an object that nothing tells from another.
        """
        return cls()._with(
            name=recipe.name,
            seed=seed,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            settings=recipe.settings,
            protocol=recipe.protocol,
            data=recipe.data,
            augmentation=recipe.augmentation,
            loss_weights=recipe.loss_weights,
            optimizer=_optimizer(recipe),
            model=model,
        )

    def with_data(self, recipe: "Recipe") -> "Identity":
        """Returns the whole identity, with the loss and the fingerprint of the data.

        Args:
            recipe: `Recipe`. Its data are loaded if they have a fingerprint, or the
                loss depends on them.
        Raises:
            ValueError: if the data are bad, or as for `of`.
        """
        found = {}
        if recipe.fingerprint is not None:
            found["examples"] = recipe.fingerprint()
        return self._with(**found, loss=recipe.loss())

    def to_json(self) -> dict[str, Any]:
        """Returns what `run.json` is to hold, a dict."""
        return {_FORMAT: 2, **self.parts}

    def differences(self, found: dict[str, Any]) -> str:
        """Tells in words how another run differs; parts not known yet are left out.

        Args:
            found: the content of its `run.json`. One of an earlier version is compared
                as far as it goes.
        Returns:
            A str such as "epochs (3 there, 4 now), width of the model (18 there, 32
            now)"; empty if there are none.
        """
        if is_earlier(found):
            return _told(_earlier_differences(found, self.parts))
        return _told(
            difference
            for part in _PARTS
            if part in self.parts and part in found
            for difference in _differences(
                (part,), found[part], self.parts[part], self.defaults
            )
        )

    def longer_than(self, found: dict[str, Any]) -> bool:
        """Tells whether this run differs from another one in its greater length alone.

        That is in its epochs, and in how far the schedule of the learning rate reaches.

        Args:
            found: the content of the other's `run.json`, of this version.
        """
        if is_earlier(found):
            return False
        here, there = self.parts["epochs"], found.get("epochs")
        if not isinstance(there, int) or there >= here:
            return False
        return all(
            _is_of_length(path)
            for part in _PARTS
            if part in self.parts and part in found
            for path, *_ in _differences(
                (part,), found[part], self.parts[part], self.defaults
            )
        )

    def _with(self, **values):
        parts, defaults = dict(self.parts), set(self.defaults)
        for name, value in values.items():
            describer = Describer(name)
            parts[name] = describer(value)
            defaults |= describer.defaults
        return Identity(parts, frozenset(defaults))


def is_earlier(found: Any) -> bool:
    """Whether a `run.json` is of a version that kept some arguments alone."""
    return not isinstance(found, dict) or _FORMAT not in found


def _is_of_length(path):
    """Whether a value follows from the number of epochs."""
    part, *keys = path
    if keys in ([], ["epochs"]) and part in ("epochs", "settings"):
        return part == "epochs" or bool(keys)
    return part == "optimizer" and any(key in _OF_SCHEDULES for key in keys)


def _optimizer(recipe):
    """The optimizer of epochs of a nominal length, without what wraps it."""
    takes_quiet = "quiet" in inspect.signature(recipe.optimizer).parameters
    arguments = {"quiet": True} if takes_quiet else {}
    optimizer = recipe.optimizer(NOMINAL_STEPS, **arguments)
    # The same run may go on on other devices, which scale and add up gradients.
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer


def _differences(path, there, now, defaults=frozenset()):
    """Yields a path and both values of whatever is unequal."""
    if isinstance(there, dict) and isinstance(now, dict):
        keys = list(dict.fromkeys([*now, *there]))
        if there.get("class") != now.get("class"):
            # All else differs then.
            keys = ["class"]
        for key in keys:
            inner = (*path, key)
            if key in there or inner not in defaults:
                yield from _differences(inner, there.get(key), now.get(key), defaults)
        return
    both = (there, now)
    if all(isinstance(value, list) for value in both) and len(there) == len(now):
        if len(now) > _SHORT or any(isinstance(v, (dict, list)) for v in now):
            for i, pair in enumerate(zip(there, now, strict=True)):
                yield from _differences((*path, i), *pair, defaults)
            return
    if there != now:
        yield path, there, now


def _earlier_differences(found, parts):
    """As `_differences`, of what earlier versions kept and what is kept now."""
    found = found if isinstance(found, dict) else {}
    places = {"augmentation": parts["augmentation"]}
    for part in ("data", "protocol", "settings"):
        places.update(parts[part] or {})
    places.update({key: parts[key] for key in ("name", "seed", "epochs", "batch_size")})
    found = {**_UNNAMED, **found}
    for key, now in places.items():
        there = found.get(key)
        if isinstance(there, dict) and isinstance(now, dict):
            there = {**_UNNAMED, **there}
            now = {name: now[name] for name in now if name in there}
            there = {name: there[name] for name in now}
        if key in found:
            yield from _differences((key,), there, now)


def _told(differences):
    """Differences in words, no more than a few of each part."""
    texts, counts, hidden = [], {}, 0
    for path, there, now in differences:
        part = path[0]
        values = "({} there, {} now)".format(*_shown(there, now))
        if any(text == f"{path[-1]} {values}" for text in texts):
            # Said of another part already.
            continue
        counts[part] = counts.get(part, 0) + 1
        if counts[part] > _NUM_OF_A_PART or len(texts) >= _NUM_SHOWN:
            hidden += 1
        else:
            texts.append(f"{_place(path)} {values}")
    more = f" and {hidden} more" if hidden else ""
    return ", ".join(texts) + more


def _place(path):
    """Such as "decay_steps of the optimizer's learning_rate"."""
    part, *keys = path
    where = "".join(
        f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys
    ).lstrip(".")
    if not keys or part == _PLAIN:
        return where or part
    parents, _, leaf = where.rpartition(".")
    owner = f"{part}'" if part.endswith("s") else f"{part}'s"
    return f"{leaf} of the " + (f"{owner} {parents}" if parents else part)


def _shown(*values):
    """Texts of two values, cut to where they differ."""
    texts = [
        f"{len(value)} items"
        if isinstance(value, (list, dict)) and len(value) > 2 * _SHORT
        else repr(value)
        for value in values
    ]
    if max(map(len, texts)) > _WIDTH:
        begin = max(0, len(os.path.commonprefix(texts)) - _WIDTH // 2)
        texts = [f"{'...' * bool(begin)}{text[begin:]}" for text in texts]
    return [
        text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..." for text in texts
    ]
