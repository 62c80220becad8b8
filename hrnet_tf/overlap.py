"""Steps of a chain that go on at the same time: ahead of, and behind, the main one."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()


@contextlib.contextmanager
def read_ahead(items: Iterable[Item], size: int) -> Iterator[Iterator[Item]]:
    """Lets a thread go through items ahead of their use.

    An error of the items is raised where it would be without, after the items before
    it. At the end of the context nothing reads any more.

    Args:
        items: iterable, which the thread alone goes through.
        size: int. How many items may be read and not yet used; 0 reads them in this
            thread, when they are asked for.
    Yields:
        An iterator over the items, in their order.
    """
    if size < 1:
        yield iter(items)
        return
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        try:
            yield _taken(iter(items), size, pool)
        finally:
            pool.shutdown(cancel_futures=True)


def _taken(source, size, pool):
    waiting = deque(pool.submit(next, source, _END) for _ in range(size))
    while (item := waiting.popleft().result()) is not _END:
        waiting.append(pool.submit(next, source, _END))
        yield item


@contextlib.contextmanager
def finish_behind(
    prepare: Callable[..., Any],
    finish: Callable[..., Any],
    size: int,
    num_threads: int = 1,
) -> Iterator[Callable[..., None]]:
    """Lets threads finish items while the next ones are worked on.

    At the end of the context all items are finished, or the first error is raised, of
    an item or of the context's own code, whichever would have come first without
    threads. After Ctrl-C nothing more is begun.

    Args:
        prepare: function of an item's arguments, called by several threads, for several
            items at once.
        finish: function of what `prepare` returned, called by one thread, in order.
        size: int, at least 1. How many items may be begun and not yet finished.
        num_threads: int. Threads that prepare.
    Yields:
        A function that takes the next item's arguments; it waits while there are
        `size` unfinished ones, and raises what went wrong with earlier ones.
    """
    waiting: deque[Future] = deque()
    with (
        ThreadPoolExecutor(num_threads, "prepare") as preparing,
        ThreadPoolExecutor(1, "finish") as finishing,
    ):

        def add(*arguments):
            while waiting and (len(waiting) >= size or waiting[0].done()):
                waiting.popleft().result()
            prepared = preparing.submit(prepare, *arguments)
            waiting.append(finishing.submit(lambda: finish(prepared.result())))

        def wait():
            while waiting:
                waiting.popleft().result()

        try:
            yield add
            wait()
        except Exception:
            # An item that came before may have failed, too.
            wait()
            raise
        finally:
            finishing.shutdown(wait=False, cancel_futures=True)
            preparing.shutdown(cancel_futures=True)
            finishing.shutdown()
