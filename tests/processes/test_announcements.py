"""Announcements: whole lines from many writers to one reader, and nobody is held up."""

import os
import threading

from netty.processes.announcements import Announcer, announcement_pipe, read_announcements


def test_names_of_several_writers_arrive_whole_and_in_the_order_of_each() -> None:
    reading, writing = announcement_pipe()
    heard: list[str] = []
    reader = threading.Thread(target=read_announcements, args=(reading, heard.extend))
    reader.start()
    writers = [Announcer(os.dup(writing)) for _ in range(2)]
    os.close(writing)
    for number in range(500):
        for writer, announcer in enumerate(writers):
            announcer.announce(f"{writer}-{number:030d}")
    while not all(announcer.flush() for announcer in writers):
        pass
    for announcer in writers:
        announcer.close()
    reader.join()
    os.close(reading)

    for writer in range(2):
        mine = [name for name in heard if name.startswith(f"{writer}-")]
        assert mine == [f"{writer}-{number:030d}" for number in range(500)]


def test_a_reader_that_is_away_holds_nobody_up_and_misses_nothing() -> None:
    reading, writing = announcement_pipe()
    announcer = Announcer(writing)
    names = [f"{number:060d}" for number in range(30_000)]  # more than a pipe takes
    took_all = [announcer.announce(name) for name in names][-1]
    assert not took_all

    heard: list[str] = []
    reader = threading.Thread(target=read_announcements, args=(reading, heard.extend))
    reader.start()
    while not announcer.flush():
        pass
    announcer.close()
    reader.join()
    os.close(reading)

    assert heard == names
