"""Splits that names of folders and files tell."""

import re

SPLITS = {
    "train": "train",
    "training": "train",
    "trainval": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def split_of(folder: str) -> str | None:
    """Returns the split that a folder's name is, such as "val" for "valid"."""
    return SPLITS.get(re.sub(r"[\d_-]*$", "", folder.casefold()))


def split_in(stem: str) -> str | None:
    """Returns the split that a word of a file's name tells; None if none does."""
    words = re.findall(r"[a-z]+", stem.casefold())
    return next((SPLITS[word] for word in words if word in SPLITS), None)
