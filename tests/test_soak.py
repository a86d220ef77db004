"""Kill -9 of everything at random points, three times; `make soak` does it twenty times."""

import random

import pytest

from bench.soak import run_round

pytestmark = pytest.mark.slow


def test_three_rounds_of_killing_everything_break_no_promise(deployment):
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")  # shown when it fails
    chance = random.Random(seed)
    for _ in range(3):
        done = run_round(deployment, chance, jobs=8, kills=2)
        assert done.succeeded > 0
