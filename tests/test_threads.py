"""Work that some threads do at the same time."""

import threading
import time

import pytest

from worker.threads import in_order

SOON = 10  # seconds, at most


def test_results_come_in_order_whoever_ends_first() -> None:
    second = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second.wait(SOON)
        if number == 1:
            second.set()
        return number * 10

    assert list(in_order(work, range(7), 2)) == [0, 10, 20, 30, 40, 50, 60]


def test_so_many_are_in_work_at_once_and_never_more() -> None:
    both, busy, most = threading.Barrier(2), [], []

    def work(number: int) -> None:
        busy.append(number)
        most.append(len(busy))
        both.wait(SOON)  # nobody goes on before two are here
        busy.remove(number)

    list(in_order(work, range(8), 2))
    assert max(most) == 2


def test_what_nobody_asked_for_is_begun_no_further_ahead_than_twice_as_many() -> None:
    begun: list[int] = []
    made = in_order(lambda number: begun.append(number), range(100), 2)
    next(made)
    time.sleep(0.2)
    assert len(begun) <= 4
    made.close()


def test_one_at_a_time_is_done_by_who_asks() -> None:
    here = threading.current_thread()
    assert set(in_order(lambda _: threading.current_thread(), range(3), 1)) == {here}
    assert set(in_order(lambda _: threading.current_thread(), [0], 4)) == {here}
    assert list(in_order(str, [], 4)) == []


def test_an_error_comes_in_its_place() -> None:
    def work(number: int) -> int:
        return 12 // (number - 2)

    made = in_order(work, range(5), 2)
    assert [next(made), next(made)] == [-6, -12]
    with pytest.raises(ZeroDivisionError):
        next(made)


def test_who_stops_asking_waits_for_nothing_and_nothing_more_is_begun() -> None:
    go_on, begun = threading.Event(), []

    def work(number: int) -> None:
        begun.append(number)
        if number:
            go_on.wait(SOON)

    made = in_order(work, range(20), 2)
    next(made)
    before = time.monotonic()
    made.close()
    assert time.monotonic() - before < SOON / 2
    go_on.set()
    time.sleep(0.2)
    assert len(begun) <= 4
