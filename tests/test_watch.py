"""Waiting for jobs to change."""

import threading

from speech.watch import Watch
from tests.recorded_bells import RecordedBells


def test_only_who_watches_that_job_is_woken(bells: RecordedBells) -> None:
    watch = Watch(bells)
    with watch.on("a") as one, watch.on("a") as two, watch.on("b") as other:
        bells.publish("a", 1)
        assert (one.is_set(), two.is_set(), other.is_set()) == (True, True, False)


def test_a_wait_that_is_over_leaves_nothing_behind(bells: RecordedBells) -> None:
    watch = Watch(bells)
    with watch.on("a") as one:
        with watch.on("a"):
            pass
        bells.publish("a", 1)
        assert one.is_set()
    bells.publish("a", 2)
    assert watch._waiting == {}
    watch.close()
    assert bells._listeners == []


def test_many_threads_may_wait_at_once(bells: RecordedBells) -> None:
    watch = Watch(bells)
    ready, woken = threading.Barrier(51), []

    def wait(name: str) -> None:
        with watch.on(name) as changed:
            ready.wait(10)
            if changed.wait(10):
                woken.append(name)

    threads = [threading.Thread(target=wait, args=(f"job-{n % 5}",)) for n in range(50)]
    for thread in threads:
        thread.start()
    ready.wait(10)
    for n in range(5):
        bells.publish(f"job-{n}", 1)
    for thread in threads:
        thread.join(10)
    assert len(woken) == 50
