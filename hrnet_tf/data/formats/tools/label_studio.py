"""Exports of Label Studio: its JSON, and JSON_MIN.

Its own json is read, not what label-studio-sdk makes of it: that merges the people of a
picture, rounds to pixels and knows one visibility.
"""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.image_finder import ImageFinder
from hrnet_tf.data.formats.tools import label_studio_kinds as kinds
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.label_studio_kinds import Labelled
from hrnet_tf.data.formats.tools.label_studio_regions import regions_of
from hrnet_tf.data.formats.tools.marks import content_of, match_of
from hrnet_tf.data.formats.tools.people import check_source
from hrnet_tf.data.formats.tools.writers.label_studio import write
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.typing import Progress

_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# What Label Studio puts before the names of files that are uploaded.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
_READERS = {
    "pose": kinds.poses,
    "segmentation": kinds.segments,
    "classification": kinds.classes,
    "detection": kinds.boxes,
}


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    content = content_of(path, ".json")
    start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    drawn = b'"original_width"' in content or b'"from_name"' in content
    whole = b'"annotations"' in content and b'"data"' in content
    return match_of(
        (bool(content), "it is no .json file"),
        (start == b"[", "it holds no list of tasks"),
        (drawn, "nothing in it has 'original_width' or 'from_name'"),
        (whole or b'"annotator"' in content, "its tasks have no 'annotations'"),
    )


def read(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """See `ToolFormat`."""
    path = Path(path)
    bad, left_out = BadExamples(path, skip_bad), LeftOut()
    labelled = _all_labelled(path, images, left_out, bad)
    wanted = task or kinds.guess(path, labelled, left_out, bad)
    return _READERS[wanted](path, labelled, bad, left_out, work, progress)


def guess(path: Path) -> str:
    """See `ToolFormat`."""
    bad, left_out = BadExamples(path, True), LeftOut()
    labelled = _all_labelled(path, None, left_out, bad)
    return kinds.guess(path, labelled, left_out, bad)


def _all_labelled(path, images, left_out, bad):
    """The `Labelled` of all tasks that have an annotation."""
    check_source(path, "export of Label Studio")
    finder = _Finder(path, images)
    labelled = []
    for number, entry in enumerate(_tasks(path)):
        try:
            found = _labelled(entry, number, finder, left_out)
        except BadExample as error:
            bad.add(BadExample(error.kind, f"{path}: {error}"))
        else:
            labelled += found
    return labelled


def _tasks(path):
    try:
        tasks = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is not valid json (cut short, or another format): {error}."
        ) from error
    if isinstance(tasks, dict):
        tasks = [tasks]
    if not isinstance(tasks, list) or not all(isinstance(t, dict) for t in tasks):
        raise ValueError(
            f"{path} holds no list of tasks as Label Studio exports them with 'JSON'."
        )
    return tasks


def _labelled(entry, number, finder, left_out):
    """The `Labelled` of a task, in a list; [] without an annotation."""
    whole = "annotations" in entry or "completions" in entry
    # What was imported, and nobody has looked at.
    whole |= "predictions" in entry and isinstance(entry.get("data"), dict)
    data = entry.get("data") if whole else entry
    name = _picture(data if isinstance(data, dict) else {}, entry, number)
    if whole:
        results, others = _annotations(entry, name, left_out)
    else:
        results, others = _of_min(entry), []
    if results is None:
        return []
    regions, related = regions_of(results, name)
    unknown = sum(bool(r.labels) and not r.kind for r in regions)
    if unknown:
        left_out.add("regions of kinds that are not read", name, unknown)
    repeats = []
    for other in others:
        try:
            repeats.append(regions_of(other, name))
        except BadExample:
            left_out.add("second annotations that cannot be read", name)
    found = Labelled(name, lambda: finder.find(name), regions, related, repeats)
    return [found]


def _picture(data, entry, number):
    texts = {k: v for k, v in data.items() if isinstance(v, str)}
    pictures = [v for v in texts.values() if _ending(v) in _IMAGES]
    preferred = [texts[k] for k in ("image", "img", "picture", "photo") if k in texts]
    if not pictures + preferred:
        raise BadExample(
            "task without picture",
            f"the task {entry.get('id', number)} names no picture among its data"
            f" ({', '.join(map(str, data)) or 'none'}).",
        )
    return (preferred + pictures)[0]


def _ending(text):
    try:
        return Path(_place(text)).suffix.lower()
    except BadExample:  # Other texts of a task may be anything.
        return ""


def _place(name):
    """The path in an address of Label Studio, of a bucket or of the web."""
    try:
        url = urlparse(name)
    except ValueError as error:
        raise BadExample(
            "wrong address", f"the picture {name!r:.200} is no address: {error}."
        ) from error
    given = parse_qs(url.query).get("d")
    # What is given in a query is decoded already.
    return given[0] if given else unquote(f"{url.netloc}{url.path}")


def _annotations(entry, name, left_out):
    """The results of the annotation that counts, or None; and those of other people."""
    given = entry.get("annotations") or entry.get("completions") or []
    if not isinstance(given, list):
        raise BadExample(
            "wrong annotations",
            f"{name}: its annotations are {given!r:.80}; expected a list.",
        )
    kept = [a for a in given if isinstance(a, dict) and not a.get("was_cancelled")]
    if len(kept) < len(given):
        left_out.add("annotations that were skipped", name, len(given) - len(kept))
    if not kept:
        predicted = entry.get("predictions") or []
        reason = "pictures without an annotation"
        if predicted:
            reason += ", with predictions that nobody accepted"
        left_out.add(reason, name)
        return None, []
    if len(kept) > 1:
        left_out.add("annotations beside the one that counts", name, len(kept) - 1)
        kept.sort(
            key=lambda a: (
                bool(a.get("ground_truth")),
                str(a.get("updated_at") or a.get("created_at") or ""),
                a.get("id") if isinstance(a.get("id"), int) else 0,
            )
        )
    results = kept[-1].get("result")
    if not isinstance(results, list):
        raise BadExample("wrong result", f"{name}: its annotation has no results.")
    by = {_annotator(kept[-1]): results}
    for other in reversed(kept[:-1]):
        if isinstance(other.get("result"), list):
            by.setdefault(_annotator(other), other["result"])
    known = [found for who, found in by.items() if who is not None]
    return results, [found for found in known if found is not results]


def _annotator(annotation):
    """Who made an annotation (text), or None where it does not tell."""
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("id", who.get("email"))
    return None if who is None else str(who)


def _of_min(entry):
    """The results of a task of JSON_MIN, which keeps only values by their question."""
    results = []
    for question, values in entry.items():
        if isinstance(values, dict) and isinstance(values.get("choices"), list):
            values = values["choices"]
        if not isinstance(values, list):
            continue
        if values and all(isinstance(value, str) for value in values):
            value = {"choices": values}
            results.append({"type": "choices", "from_name": question, "value": value})
            continue
        for value in values:
            if not isinstance(value, dict):
                continue
            names = [k for k in value if k.endswith("labels")]
            if names:
                sizes = {k: value[k] for k in value if k.startswith("original_")}
                result = {"type": names[0], "from_name": question, "value": value}
                results.append({**result, **sizes})
    return results


class _Finder:
    """Finds the pictures of tasks: uploaded, of a folder, or of a bucket."""

    def __init__(self, path, images):
        self._path = path
        self._finder = ImageFinder(images or path.resolve().parent)

    def find(self, name):
        if name.startswith("data:"):
            raise BadExample(
                "picture inside",
                f"{self._path}: a picture is inside the task as text; save it as a"
                " file, and name that.",
            )
        try:
            *folders, last = _place(name).split("/")
        except BadExample as error:
            raise BadExample(error.kind, f"{self._path}: {error}") from error
        try:
            return self._finder.find("/".join([*folders, last]))
        except BadExample as error:
            if error.kind != "absent image" or not _UPLOADED.match(last):
                raise
        # An upload has a random beginning, which the user's own file has not.
        last = _UPLOADED.sub("", last)
        try:
            return self._finder.find(last)
        except BadExample as error:
            if error.kind != "absent image":
                raise
            absent = error
        try:
            return self._finder.find_renamed(last, _uploaded)
        except BadExample as error:
            raise absent if error.kind == "absent image" else error from None


def _uploaded(name):
    """What Label Studio calls an upload of that name, but for its random beginning.

    Its server is Django's, which makes spaces underscores and leaves out all but
    letters, digits, dots, hyphens and underscores (`Storage.get_valid_name`).
    """
    kept = (c for c in name.strip().replace(" ", "_") if c in "._-" or c.isalnum())
    return "".join(kept)


FORMAT = ToolFormat(
    name="label_studio",
    title="Label Studio",
    tasks=tuple(_READERS),
    match=match,
    read=read,
    write=write,
    write_tasks=("pose", "detection"),
    guess=guess,
)
