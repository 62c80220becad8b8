"""The page and the picture of what was found in data."""

import base64
import html
import io
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.io import write_bytes, write_json
from hrnet_tf.own.examine import Examination
from hrnet_tf.pictures.sheet import contact_sheet, save_image, to_pillow
from hrnet_tf.typing import PathLike

SHEET_FILE, PAGE_FILE, JSON_FILE = "sheet.jpg", "report.html", "report.json"
_NUM_PICTURES = 16
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c1e24; margin: 2rem auto;
       max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0;
       text-align: left; vertical-align: top; border-bottom: 1px solid #e3e5ea }
td.number, th.number { text-align: right }
.error, .warning, .note { border-left: 4px solid; margin: .6rem 0;
       padding: .3rem .8rem }
.error { border-color: #c62828; background: #fdecea }
.warning { border-color: #e08a00; background: #fff6e5 }
.note { border-color: #8a93a3; background: #f3f4f7 }
.level { font-weight: 600 } img { max-width: 100%; border: 1px solid #e3e5ea }
"""


def write_report(folder: PathLike, task: Any, found: "Examination") -> Path:
    """Writes report.html, which holds all it shows, report.json and sheet.jpg.

    Args:
        folder: path.
        task: `Task`.
        found: `Examination`.
    Returns:
        Path of the page.
    """
    folder = Path(folder)
    sheet = draw_sheet(task, found)
    if sheet is not None:
        save_image(sheet, folder / SHEET_FILE)
    write_json(folder / JSON_FILE, as_json(found))
    write_bytes(folder / PAGE_FILE, page(found, sheet))
    return folder / PAGE_FILE


def draw_sheet(task: Any, found: "Examination") -> np.ndarray | None:
    """Returns examples from all over the data, drawn with their labels, as a picture.

    Args:
        task, found: see `write_report`.
    Returns:
        uint8 `[H, W, 3]`; None if no picture can be drawn.
    """
    chosen: list[Any] = []
    count = _NUM_PICTURES
    for split in ("val", "train"):
        examples = found.data.splits[split].examples
        wanted = min(len(examples), count // 4 if split == "val" else count)
        places = np.linspace(0, len(examples) - 1, wanted).astype(int)
        chosen = [(split, examples[i]) for i in dict.fromkeys(places.tolist())] + chosen
        count = _NUM_PICTURES - len(chosen)
    drawn, captions = [], []
    for split, example in chosen:
        try:
            drawn.append(task.parts.own_data.draw(example, found.settings))
        except ValueError:
            # A damaged one is among the findings.
            continue
        captions.append(f"{split}: {Path(example.image_path).name}")
    return contact_sheet(drawn, captions=captions) if drawn else None


def as_json(found: "Examination") -> dict[str, Any]:
    """Returns what was found as a dict for json."""
    return {
        "source": str(found.data.source),
        "pictures": {k: len(part.examples) for k, part in found.data.splits.items()},
        "findings": [
            {"level": f.level, "text": f.text, "advice": f.advice}
            for f in found.findings
        ],
        "facts": {
            title: {"columns": list(table.columns), "rows": [*map(list, table.rows)]}
            for title, table in found.facts.items()
        },
        "settings": {
            choice.name: {"value": choice.value, "reason": choice.reason}
            for choice in found.choices
        },
    }


def page(found: "Examination", sheet: np.ndarray | None = None) -> str:
    """Returns the page (str), with the sheet in it.

    Args:
        found: `Examination`.
        sheet: uint8 `[H, W, 3]` or None.
    """
    source = html.escape(str(found.data.source))
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>{source}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{source}</h1>",
        _table(
            ("part", "pictures", "from", "format"),
            [
                (split, str(len(p.examples)), str(p.source), p.format)
                for split, p in found.data.splits.items()
            ],
            texts=(0, 2, 3),
        ),
        f"<h2>{_counted(found)}</h2>",
    ]
    for finding in found.findings:
        text, advice = html.escape(finding.text), html.escape(finding.advice)
        parts.append(
            f"<div class='{finding.level}'><span class='level'>{finding.level}</span>"
            f" {text} {advice}</div>"
        )
    if sheet is not None:
        parts.append(f"<h2>Pictures with their labels</h2>{_image(sheet)}")
    for title, table in found.facts.items():
        parts.append(f"<h2>{html.escape(title)}</h2>")
        parts.append(_table(table.columns, table.rows, table.texts))
    parts.append("<h2>What training would choose</h2>")
    rows = [(c.name, _short(c.value), c.reason, c.option) for c in found.choices]
    columns = ("setting", "value", "why", "changed by")
    parts.append(_table(columns, rows, texts=range(4)))
    return "\n".join([*parts, "</body></html>\n"])


def _counted(found):
    counts = [(found.count(level), level) for level in ("error", "warning", "note")]
    texts = [f"{n} {level}{'s' if n != 1 else ''}" for n, level in counts if n]
    return ", ".join(texts) or "Nothing to complain of"


def _short(value):
    if isinstance(value, dict):
        return str(value.get("name", "..."))
    text = str(value)
    return text if len(text) < 80 else f"{text[:77]}..."


def _table(columns, rows, texts=(0,)):
    def row(cells, tag):
        kinds = ["" if i in texts else " class='number'" for i in range(len(cells))]
        return "".join(
            f"<{tag}{kind}>{html.escape(str(cell))}</{tag}>"
            for cell, kind in zip(cells, kinds, strict=True)
        )

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
    return f"<table><tr>{row(columns, 'th')}</tr>{body}</table>"


def _image(sheet):
    content = io.BytesIO()
    to_pillow(sheet).save(content, format="JPEG", quality=88)
    code = base64.b64encode(content.getvalue()).decode("ascii")
    return f"<img alt='pictures with labels' src='data:image/jpeg;base64,{code}'>"
