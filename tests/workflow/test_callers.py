"""The book of registered callers: a new remote may call at once, and a flood of strangers costs little."""

from netty.errors import LocalError
from netty.model.remote import Remote
from netty.workflow.callers import CallerBook

CENTRAL = Remote("central", "CENTRAL", "127.0.0.1", 104)
EAST = Remote("east", "EAST", "localhost", 104)


class Shelf:
    """Where the remotes stand; counts how often somebody looks."""

    def __init__(self, *remotes: Remote) -> None:
        self.remotes = list(remotes)
        self.looks = 0
        self.locked = False

    def __call__(self) -> list[Remote]:
        self.looks += 1
        if self.locked:
            raise LocalError("locked")
        return self.remotes


def test_a_registered_caller_is_known_by_title_and_address() -> None:
    book = CallerBook(Shelf(CENTRAL))

    assert book.known("CENTRAL", "127.0.0.1") == ("central",)
    assert book.known("CENTRAL", "127.0.0.2") == ()
    assert book.known_address("127.0.0.1")
    assert not book.known_address("127.0.0.2")


def test_a_host_name_counts_with_the_addresses_it_resolves_to() -> None:
    book = CallerBook(Shelf(EAST))
    book.start()

    assert book.known("EAST", "127.0.0.1") == ("east",)

    book.stop()


def test_a_remote_registered_later_is_found_by_looking_again() -> None:
    shelf = Shelf()
    book = CallerBook(shelf)
    shelf.remotes.append(CENTRAL)

    assert book.known("CENTRAL", "127.0.0.1") == ("central",)


def test_many_strangers_do_not_make_us_look_for_each_of_them() -> None:
    shelf = Shelf(CENTRAL)
    book = CallerBook(shelf)
    for _ in range(1000):
        book.known("STRANGER", "127.0.0.9")

    assert shelf.looks < 100


def test_a_locked_database_leaves_the_known_callers_known() -> None:
    shelf = Shelf(CENTRAL)
    book = CallerBook(shelf)
    assert book.known("CENTRAL", "127.0.0.1") == ("central",)
    shelf.locked = True

    assert book.known("STRANGER", "127.0.0.1") == ()
    assert book.known("CENTRAL", "127.0.0.1") == ("central",)
