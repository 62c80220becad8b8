"""Reading ahead and finishing behind: order, errors, bounds and Ctrl-C."""

import threading
import time

import pytest

from hrnet_tf.overlap import finish_behind, read_ahead


def counted(count, read, error=None):
    for number in range(count):
        read.append(number)
        yield number
    if error is not None:
        raise error


@pytest.mark.parametrize("size", [0, 1, 3])
def test_items_come_in_order_and_not_too_early(size):
    read = []
    with read_ahead(counted(9, read), size) as items:
        for number, item in enumerate(items):
            assert item == number
            # One more is handed over, and `size` wait.
            assert len(read) <= number + 1 + size
    assert read == list(range(9))


def test_an_error_comes_after_the_items_before_it():
    found = []
    with pytest.raises(ValueError, match="cut short"):
        with read_ahead(counted(3, [], ValueError("cut short")), 2) as items:
            for item in items:
                found.append(item)
    assert found == [0, 1, 2]


def test_nothing_reads_after_the_end():
    read = []
    before = threading.active_count()
    with read_ahead(counted(1000, read), 2) as items:
        next(items)
    assert threading.active_count() == before
    assert len(read) <= 4


def test_items_are_finished_in_order_whatever_the_time_they_take():
    finished = []

    def prepare(number):
        time.sleep(0.02 if number % 3 == 0 else 0.0)
        return number

    with finish_behind(prepare, finished.append, 4, num_threads=3) as add:
        for number in range(12):
            add(number)
    assert finished == list(range(12))


def test_no_more_than_so_many_are_begun():
    begun, gate, finished = [], threading.Event(), []

    def finish(number):
        gate.wait(10)
        finished.append(number)

    def prepare(number):
        begun.append(number)
        return number

    with finish_behind(prepare, finish, 2) as add:
        add(0)
        add(1)
        late = threading.Thread(target=add, args=(2,))
        late.start()
        late.join(0.1)
        assert late.is_alive() and 2 not in begun
        gate.set()
        late.join(10)
    assert finished == [0, 1, 2]


def test_the_first_error_counts_also_if_a_later_step_failed_too():
    def finish(number):
        time.sleep(0.02)
        if number == 1:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        with finish_behind(lambda number: number, finish, 4) as add:
            for number in range(3):
                add(number)
            raise ValueError("frame 3 is no picture")
    with pytest.raises(ValueError, match="frame 1"):
        with finish_behind(lambda number: number, finish, 4) as add:
            add(0)
            raise ValueError("frame 1 is no picture")


def test_an_error_of_preparing_is_raised_too():
    def prepare(number):
        raise ValueError(f"cannot draw {number}")

    with pytest.raises(ValueError, match="cannot draw 0"):
        with finish_behind(prepare, print, 2) as add:
            for number in range(5):
                add(number)


def test_after_control_c_nothing_more_is_begun():
    finished = []
    before = threading.active_count()

    def finish(number):
        time.sleep(0.05)
        finished.append(number)

    with pytest.raises(KeyboardInterrupt):
        with finish_behind(lambda number: number, finish, 8) as add:
            for number in range(8):
                add(number)
            raise KeyboardInterrupt
    assert len(finished) < 4 and threading.active_count() == before
