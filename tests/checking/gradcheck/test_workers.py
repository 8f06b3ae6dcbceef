"""Is work done in blocks, counted, and done again here where a worker is lost?"""

from concurrent.futures import Future

import numpy as np
import pytest

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.workers import CHUNK, Workers


class Loss:
    """A loss that counts."""

    def __init__(self):
        self.evaluations, self.arrays = 0, [np.zeros(2)]

    def twin(self):
        return Loss()

    def check_same(self):
        self.evaluations += 1


def rows(own, tensor, places, factor=1):
    """One row a place."""
    own.evaluations += len(places)
    return factor * places[:, None]


class Losing:
    """An executor that loses every second task."""

    def __init__(self):
        self.tasks = 0

    def submit(self, f, task):
        self.tasks += 1
        future = Future()
        if self.tasks % 2:
            future.set_result(f(task))
        else:
            future.set_exception(ConnectionError("lost"))
        return future


@pytest.mark.parametrize("executor", [None, Losing()])
def test_rows_come_in_order_whoever_makes_them_and_are_told_once(executor):
    told, loss, places = [], Loss(), np.arange(2 * CHUNK + 7)
    workers = Workers(executor, told.append)
    assert np.array_equal(workers.map(rows, loss, 0, places, factor=3), 3 * places[:, None])
    assert told == [CHUNK, CHUNK, 7]
    assert loss.evaluations == len(places) + 2  # a whole block looks once whether the loss stays as it is
    assert workers.again == (1 if executor else 0)


def test_a_loss_that_writes_into_its_argument_is_refused():
    def wrong(own, tensor, places):
        own.arrays[0][0] = 1
        return places[:, None]

    with pytest.raises(GradcheckError, match="changed its own argument"):
        Workers(None, lambda n: None).map(wrong, Loss(), 0, np.arange(3))
