"""Rates of their own for some variables, as PyTorch's parameter groups have them."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import keras


class RateMultipliers:
    """Gives some variables steps of another size; comes before a Keras optimizer.

    A subclass multiplies the rate of a variable's step by `rate_factor`. The decoupled
    weight decay, which is a part of the step, is multiplied here.

    Args:
        *args: arguments of the optimizer.
        rate_multipliers: dict or None. By a regular expression that is found in a
            variable's `path`, the factor of its steps. The first that is found counts;
            variables in which none is found have the factor 1.
        **kwargs: arguments of the optimizer.
    Raises:
        ValueError: if a factor is negative; from `build`, if an expression is found in
            no variable's path.
    """

    built: bool
    _get_variable_index: Callable[[Any], int]

    def __init__(
        self,
        *args: Any,
        rate_multipliers: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        multipliers = dict(rate_multipliers or {})
        if any(factor < 0 for factor in multipliers.values()):
            raise ValueError(
                "rate_multipliers must not be negative."
                f" Received: rate_multipliers={multipliers}."
            )
        # TensorFlow would wrap a dict to track its values.
        self._rate_multipliers = tuple(multipliers.items())
        self._factors = ()

    @property
    def rate_multipliers(self) -> dict[str, float]:
        """dict of regular expressions to factors."""
        return dict(self._rate_multipliers)

    def build(self, variables: Sequence[Any]) -> None:
        if not self.built:
            self._factors = self._factors_of([v.path for v in variables])
        super().build(variables)  # type: ignore[misc]

    def rate_factor(self, variable: Any) -> float:
        """Returns the factor (float) of a variable's steps."""
        if not self._rate_multipliers:
            return 1.0
        # On TensorFlow the variable comes without its path.
        return self._factors[self._get_variable_index(variable)]

    def _factors_of(self, paths):
        """The factor of the steps of each variable."""
        for pattern, _ in self._rate_multipliers:
            if not any(re.search(pattern, path) for path in paths):
                raise ValueError(
                    f"rate_multipliers: {pattern!r} is found in the path of none of the"
                    f" {len(paths)} variables, such as {paths[0]!r} and {paths[-1]!r}."
                    " Pass a regular expression that is found in one."
                )
        return tuple(
            next((f for p, f in self._rate_multipliers if re.search(p, path)), 1.0)
            for path in paths
        )

    def _apply_weight_decay(self, variables):
        if (
            not self._rate_multipliers
            or self.weight_decay is None
            or keras.backend.backend() == "tensorflow"
        ):
            super()._apply_weight_decay(variables)
            return
        for variable in variables:
            if self._use_weight_decay(variable):
                factor = self.weight_decay * self.rate_factor(variable)
                rate = keras.ops.cast(self.learning_rate, variable.dtype)
                variable.assign(variable - variable * factor * rate)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),  # type: ignore[misc]
            "rate_multipliers": self.rate_multipliers or None,
        }
