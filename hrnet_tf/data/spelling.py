"""Names that are likely one, written in two ways."""

import re
from collections.abc import Sequence

from hrnet_tf.data.findings import Finding
from hrnet_tf.data.sides import listed

_GAPS = re.compile(r"[\s_-]+")


def check_spelling(names: Sequence[str], what: str) -> list[Finding]:
    """Finds names that differ in case, spaces, hyphens and underscores alone.

    Labels that are typed anew in each project of a tool come to that, and a network
    would learn them as different things.

    Args:
        names: str, of keypoints or classes.
        what: str. What they name, such as "keypoints".
    Returns:
        List of `Finding`, one for each group of such names.
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(_GAPS.sub("_", name.strip()).casefold(), []).append(name)
    return [
        Finding(
            "warning",
            f"{listed(group)} differ in case, spaces or hyphens alone, and are learnt"
            f" as {len(group)} {what}.",
            "If they are one, give them one name in the annotations.",
        )
        for group in groups.values()
        if len(group) > 1
    ]
