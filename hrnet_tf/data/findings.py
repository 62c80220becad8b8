"""What checks of data find before anything is trained on them."""

import dataclasses
import warnings
from collections.abc import Iterable

LEVELS = ("error", "warning", "note")


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is so in data, and what to do about it.

    Attributes:
        level: "error" (training on it would be of no use), "warning" (it can be
            trained, and the result will suffer) or "note" (worth knowing).
        text: str. What is so; one or several sentences.
        advice: str. What to do; "" where there is nothing to do.
    """

    level: str
    text: str
    advice: str = ""

    def __post_init__(self):
        assert self.level in LEVELS, self.level

    def __str__(self) -> str:
        return f"{self.text} {self.advice}".rstrip()


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Returns findings without repetitions, the errors first."""
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda finding: LEVELS.index(finding.level))


def stop_on_errors(findings: Iterable[Finding]) -> None:
    """Warns of what is to be warned of, and stops at errors.

    Args:
        findings: `Finding`s.
    Raises:
        ValueError: if there are errors; the text holds all of them.
    """
    findings = sorted_findings(findings)
    errors = [finding for finding in findings if finding.level == "error"]
    for finding in findings:
        if finding.level == "warning":
            warnings.warn(str(finding), stacklevel=2)
    if len(errors) == 1:
        raise ValueError(str(errors[0]))
    if errors:
        lines = "\n".join(f"{i}. {error}" for i, error in enumerate(errors, 1))
        raise ValueError(f"{len(errors)} things stop the training:\n{lines}")
