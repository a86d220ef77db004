"""Work that some threads do at the same time, its results in order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(work: Callable[[T], R], items: Sequence[T], at_once: int) -> Iterator[R]:
    """What `work` makes of each item: so many at once, and as many more begun or done before they are asked for.

    Who stops asking does not wait for what is in work. Raises what `work` raises, in its place.
    """
    if min(at_once, len(items)) <= 1:
        yield from map(work, items)
        return
    pool, begun = ThreadPoolExecutor(at_once), deque[Future[R]]()
    try:
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) == 2 * at_once:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
