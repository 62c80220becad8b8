"""An extension of Griffe that reads sections of docstrings as they are written here.

Griffe wants an empty line above a section, and takes what stands before a colon for a
type.
"""

import re
import textwrap

import griffe

# Sections that Griffe reads right, once there is an empty line above.
_KNOWN = ("Args", "Attributes", "Raises")
_OWN = ("Call arguments", "Returns", "Yields", "Reference")
_TITLE = re.compile(rf"^({'|'.join((*_KNOWN, *_OWN))}):(.*)$")
_ITEM = re.compile(r"^([\w*.]+(?:, [\w*.]+)*): ", re.M)


class Sections(griffe.Extension):
    """Sets sections apart, and writes those in Markdown that Griffe does not know."""

    def on_instance(self, *, obj, **kwargs):
        if obj.docstring is not None:
            obj.docstring.value = _rewritten(obj.docstring.value)


def _rewritten(text):
    """The text with an empty line above each section."""
    parts, lines = [], []
    for line in text.splitlines():
        if _TITLE.match(line) and lines:
            parts.append(lines)
            lines = []
        lines.append(line)
    parts.append(lines)
    return "\n\n".join(map(_section, parts))


def _section(lines):
    title = _TITLE.match(lines[0]) if lines else None
    if not title or title[1] in _KNOWN:
        return "\n".join(lines).rstrip()
    # What follows the indented lines is text again.
    end = next((i for i, s in enumerate(lines[1:], 1) if s and s[0] != " "), len(lines))
    body = textwrap.dedent("\n".join(lines[1:end])).strip("\n")
    if title[1] == "Call arguments":
        body = "\n\n" + _ITEM.sub(r"- `\1`: ", body)
    first = " ".join(filter(None, (f"**{title[1]}:**", title[2].strip(), body)))
    return "\n".join([first, "", *lines[end:]]).rstrip()
