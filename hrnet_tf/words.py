"""Counts as people write them."""

import re

# What does not end in an s in the plural, or loses more than that.
_IRREGULAR = {
    "people": "person",
    "boxes": "box",
    "brushes": "brush",
    "classes": "class",
    "categories": "category",
}
# Where what is counted ends, and what is said of it begins.
_END = re.compile(
    r",? (?:that|which|whose|without|with|of|in|on|at|to|beside|below|scored|are|were"
    r"|have|hold|cannot|put)\b|, |$"
)
# "class", "is" and the like are no plurals.
_PLURAL = re.compile(r"(?:people|\w*[^\Wsiu]s)\b")
_VERBS = (
    (r"\bwhose boxes are\b", "whose box is"),
    (r"\bare\b", "is"),
    (r"\bwere\b", "was"),
    (r"\bhave\b", "has"),
    (r"\b(that|which) (belong|end|lie|hold)\b", r"\1 \2s"),
)


def count_text(count: int, one: str, many: str) -> str:
    """Returns a count with its noun, such as "1 person"."""
    return f"{count} {one if count == 1 else many}"


def counted(count: int, many: str) -> str:
    """Returns a count with what is counted, such as "1 box that is not used".

    Args:
        count: int.
        many: str. In the plural, its nouns first: "boxes that are not used", "files
            beside the class folders".
    """
    return f"{count} {singular(many) if count == 1 else many}"


def singular(many: str) -> str:
    """Returns in the singular (str) what `counted` takes."""
    end = _END.search(many)
    assert end is not None
    nouns, rest = many[: end.start()], many[end.start() :]
    # "skeletons, points and tags" are all nouns.
    listed = re.match(r"((?:, \w+)+ and \w+)(.*)", rest)
    if listed:
        nouns, rest = nouns + listed[1], listed[2]
    nouns = _PLURAL.sub(_one, nouns).replace(" and ", " or ")
    # Of "objects of classes that are" it is the classes that are.
    direct = re.match(r",? ?(that|which|whose|are|were|have)\b", rest)
    start = rest if direct else ""
    other = re.search(r", (which|whose)\b.*|\b(are|were|have)$", rest)
    if not direct and other:
        start = other[0]
    changed = start
    for pattern, verb in _VERBS:
        changed = re.sub(pattern, verb, changed, count=1)
    return nouns + rest[: len(rest) - len(start)] + changed


def _one(match):
    word = match[0]
    return _IRREGULAR.get(word, word[:-1])
