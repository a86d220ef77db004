"""How windows are put together to be decoded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.windows import Window, batched


def some(count: int) -> list[Window]:
    return [Window(np.zeros(1, np.float32), 30.0 * n, 30.0) for n in range(count)]


@given(st.integers(0, 100), st.integers(1, 16), st.integers(1, 8), st.booleans())
def test_every_window_is_decoded_once_in_its_order(count, most, at_once, soon) -> None:
    found = some(count)
    made = batched(found, most, at_once, soon)
    assert [window for batch in made for window in batch] == found
    sizes = [len(batch) for batch in made]
    assert all(1 <= size <= most for size in sizes)
    alone, sizes = (sizes[:1], sizes[1:]) if soon else ([], sizes)
    assert set(alone) <= {1}
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert len(sizes) % at_once == 0 or set(sizes) == {1}


@pytest.mark.parametrize(
    ("count", "at_once", "soon", "sizes"),
    [
        (10, 1, False, [5, 5]),
        (10, 2, False, [5, 5]),
        (10, 2, True, [1, 4, 5]),
        (8, 1, False, [8]),
        (8, 4, False, [2, 2, 2, 2]),
        (3, 4, False, [1, 1, 1]),
        (1, 2, True, [1]),
        (0, 2, True, []),
    ],
)
def test_batches_are_as_many_as_are_decoded_at_once(count, at_once, soon, sizes) -> None:
    assert [len(batch) for batch in batched(some(count), 8, at_once, soon)] == sizes
