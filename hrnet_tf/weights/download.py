"""Published weights on this machine: downloaded once, checked, converted, kept."""

import contextlib
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from hrnet_tf.io import write_bytes
from hrnet_tf.typing import PathLike
from hrnet_tf.weights.torch_checkpoint import read_checkpoint

if TYPE_CHECKING:
    from hrnet_tf.weights.registry import PublishedWeights


CACHE_VARIABLE = "HRNET_TF_CACHE"
MIRROR_VARIABLE = "HRNET_TF_MIRROR"
_DEFAULT_CACHE = "~/.cache/hrnet_tf"
# Longest silence of a server, when connecting and when sending.
_TIMEOUT_SECONDS = 60
# Only full chunks survive a lost connection.
_CHUNK_BYTES = 1 << 13
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Step counters, and the moving averages that OpenMMLab's hook keeps beside each weight.
_NO_WEIGHTS = re.compile(r"(?:.*\.)?num_batches_tracked|ema_.+")


@dataclass(frozen=True)
class _Job:
    """One entry's place on the server and its files in the cache."""

    name: str
    url: str
    sha256: str | None
    folder: Path
    progress: bool

    @property
    def converted(self):
        # The digits keep newer weights of the same name from being taken for these.
        digits = f"-{self.sha256[:8]}" if self.sha256 else ""
        return self.folder / f"{self.name}{digits}.safetensors"

    @property
    def original(self):
        suffix = Path(urlsplit(self.url).path).suffix
        return self.converted.with_suffix(f".original{suffix}")

    @property
    def part(self):
        return self.original.with_name(f"{self.original.name}.part")

    @property
    def advice(self):
        """What helps where there is no network."""
        return (
            f" Without a network, download {self.url} elsewhere and copy it to"
            f" {self.original}: it is checked and converted at the next call."
        )


def fetch_weights(
    entry: "PublishedWeights", cache_dir: PathLike | None = None, progress: bool = True
) -> Path:
    """Returns the file of published weights, which is downloaded if it is not there.

    The download is checked against the published checksum and rewritten as a
    `.safetensors` file of the weights alone; from then on no network is needed. An
    interrupted download continues where it stopped if the server allows it. Where
    several processes want the same weights, one of them downloads and the others wait.

    The environment variable HRNET_TF_MIRROR, such as "https://mirror.local/weights",
    replaces scheme and host of every address.

    Args:
        entry: `PublishedWeights`. Without a published checksum the one that the server
            names in the header X-Linked-Etag is checked, if there is one.
        cache_dir: path of a folder or None, for the environment variable HRNET_TF_CACHE
            or else ~/.cache/hrnet_tf.
        progress: bool. Whether a progress bar is shown, if stderr is a terminal, and
            waiting for another process is said.
    Returns:
        `pathlib.Path` of a file for `load_torch_weights`.
    Raises:
        ValueError: if the downloaded file has another checksum or holds no weights.
        ConnectionError, TimeoutError: if the server cannot be reached, refuses, falls
            silent or sends less than it announced.
        OSError: if the folder cannot be written.
    """
    folder = cache_dir or os.environ.get(CACHE_VARIABLE) or _DEFAULT_CACHE
    job = _Job(
        name=entry.name,
        url=_mirrored(entry.url),
        sha256=entry.sha256,
        folder=Path(folder).expanduser(),
        progress=progress,
    )
    # Before the lock, so that a folder that is read-only serves what it has.
    if job.converted.is_file():
        return job.converted
    with _disk_errors(job):
        job.folder.mkdir(parents=True, exist_ok=True)
        with _lock(job):
            if not job.converted.is_file():
                _obtain(job)
                _convert(job)
    return job.converted


def _mirrored(url):
    """Returns the address, at the mirror if there is one."""
    mirror = os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        return url
    if not re.match(r"https?://[^/]", mirror):
        raise ValueError(
            f"{MIRROR_VARIABLE} must be the beginning of an address, such as"
            f" https://mirror.local/weights. Received: {mirror!r}."
        )
    return mirror.rstrip("/") + urlsplit(url).path


@contextlib.contextmanager
def _disk_errors(job):
    """Names the file and the address where the disk fails."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # one of our own texts
            raise
        text = (
            f"Cannot keep the weights {job.name} in {job.folder}: {error.strerror}."
            f" They come from {job.url}. Make room, or set {CACHE_VARIABLE} to a"
            " folder that can be written."
        )
        raise OSError(error.errno, text) from error


@contextlib.contextmanager
def _lock(job):
    """Lets one process at a time into the block; the lock ends with its process."""
    import filelock

    lock = filelock.FileLock(f"{job.converted}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if job.progress:
            _console().print(
                f"Waiting for another process, which downloads {job.name} ...",
                soft_wrap=True,
            )
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _obtain(job):
    """Makes sure that the original file is there and is the published one."""
    if job.original.is_file():  # by hand, or from a process that did not get further
        if not _matches(job.original, job.sha256):
            raise _wrong_checksum(job, job.original, job.sha256)
        return
    digits, resumed = _download(job)
    if resumed and not _matches(job.part, digits):
        # What was there before may have been of another file.
        job.part.unlink()
        digits, _ = _download(job)
    if not _matches(job.part, digits):
        raise _wrong_checksum(job, job.part, digits)
    os.replace(job.part, job.original)


def _matches(path, digits):
    return digits is None or file_sha256(path).startswith(digits.lower())


def file_sha256(path: PathLike) -> str:
    """Returns the checksum (str) of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _wrong_checksum(job, path, expected):
    """Deletes the file and returns the error that says so."""
    found, size = file_sha256(path), path.stat().st_size
    path.unlink()
    return ValueError(
        f"The file of {job.url} has another checksum than was published, and was"
        f" deleted. Expected: sha256 {expected}{'' if len(expected) == 64 else '...'}."
        f" Found: {found} ({size} bytes, at {path}). It was damaged or replaced, or a"
        " proxy sent something else. Call again, or use another network."
    )


def _download(job):
    """Downloads into the part file, from where an earlier attempt stopped.

    Returns:
        The digits of the checksum to expect (str or None), and whether the file was
        continued.
    """
    start = job.part.stat().st_size if job.part.is_file() else 0
    with contextlib.ExitStack() as stack:
        response, start, digits = _open(job, start, stack)
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdigit() else None
        advance = stack.enter_context(_bar(job, start, total))
        file = stack.enter_context(open(job.part, "ab" if start else "wb"))
        size = start
        # The length is compared below, where it can be said how to continue.
        response.raw.enforce_content_length = False
        with _network_errors(job, lambda: f" after {size} bytes"):
            for chunk in response.iter_content(_CHUNK_BYTES):
                file.write(chunk)
                size += len(chunk)
                advance(size)
    if total is not None and size != total:
        raise ConnectionError(
            f"The download of {job.url} was cut short: {size} of {total} bytes came."
            f" They are kept at {job.part}; call again to continue.{job.advice}"
        )
    return digits, start > 0


def _open(job, start, stack):
    """Asks for the file from byte `start` on, or for all of it if that fails.

    Returns:
        The response, the byte that it begins at, and the checksum's digits or None.
    """
    import requests

    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with _network_errors(job):
        response = stack.enter_context(
            requests.get(
                job.url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS
            )
        )
    digits = job.sha256 or _linked_checksum(response)
    if start and response.status_code in (206, 416):
        span = response.headers.get("Content-Range", "")
        # Only a checksum tells later whether both pieces are of the same file.
        if digits and span.startswith(f"bytes {start}-"):
            return response, start, digits
        return _open(job, 0, stack)
    if response.status_code != 200:
        raise ConnectionError(
            f"The server answered {response.status_code} ({response.reason}) to"
            f" {job.url}, so that the weights {job.name} could not be downloaded."
            f" Try again later, or use a mirror with {MIRROR_VARIABLE}.{job.advice}"
        )
    return response, 0, digits


def _linked_checksum(response):
    """Returns the sha256 that a model hub names before it redirects, or None."""
    for answer in (*response.history, response):
        found = _SHA256.search(answer.headers.get("X-Linked-Etag", "").lower())
        if found:
            return found[0]
    return None


@contextlib.contextmanager
def _network_errors(job, when=lambda: ""):
    """Turns what requests raises into errors that name the address and the remedy."""
    import requests
    import urllib3

    try:
        yield
    except requests.RequestException as error:
        # requests wraps a silence in the middle of a body as a lost connection.
        causes = (error, *error.args)
        silent = (requests.Timeout, urllib3.exceptions.ReadTimeoutError)
        if any(isinstance(cause, silent) for cause in causes):
            raise TimeoutError(
                f"The server of {job.url} was silent for {_TIMEOUT_SECONDS} seconds"
                f"{when()}. Call again to continue.{job.advice}"
            ) from error
        raise ConnectionError(
            f"The connection to {job.url} failed{when()}: {error}. Call again to"
            f" continue.{job.advice}"
        ) from error


def _convert(job):
    """Rewrites the original's weights, and deletes it."""
    from safetensors.numpy import save

    try:
        tensors = read_checkpoint(job.original)
    except ValueError as error:
        job.original.unlink()
        raise ValueError(
            f"The file of {job.url} is no checkpoint, and was deleted. {error}"
        ) from error
    weights = {
        name: np.asarray(array, order="C")
        for name, array in tensors.items()
        if not _NO_WEIGHTS.fullmatch(name)
    }
    metadata = {"url": job.url, "sha256": file_sha256(job.original)}
    # safetensors' own writer does not raise Python's errors of the disk.
    write_bytes(job.converted, save(weights, metadata))
    job.original.unlink()


@contextlib.contextmanager
def _bar(job, start, total):
    """Shows a progress bar on stderr; yields a callable for the bytes so far."""
    from rich import progress as bars

    console = _console()
    bar = bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (job.progress and console.is_terminal),
    )
    with bar:
        task = bar.add_task(job.name, total=total, completed=start)
        yield lambda size: bar.update(task, completed=size)


def _console():
    from rich.console import Console

    return Console(stderr=True, highlight=False)
