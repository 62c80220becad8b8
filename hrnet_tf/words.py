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
    first, *clauses = re.split(r"(, (?=which|whose))", rest)
    for pattern, verb in _VERBS:
        first = re.sub(pattern, verb, first, count=1)
        clauses = [re.sub(pattern, verb, clause, count=1) for clause in clauses]
    return nouns + first + "".join(clauses)


def _one(match):
    word = match[0]
    return _IRREGULAR.get(word, word[:-1])
