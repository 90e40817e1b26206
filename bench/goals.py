"""Goals as values: what a contestant of a table is to reach, and whether it did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Quantity(Enum):
    """Which figure of a contestant a goal speaks of, and in which words; the value of the table has its own unit."""

    VALUE = ""
    CPU = "ms of processor time each"
    MEMORY = "MB of memory, all processes together"


@dataclass(frozen=True, slots=True)
class Bound:
    """So many times the same figure of the contestant `of`; where that is "", the number itself."""

    factor: float
    of: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """What `who` is to reach: at least the bound where more is better, at most where less is.

    Of several bounds the one that is easiest counts ("1.2 times the peer or 0.8 of the limit, whichever is lower").
    A bound by a peer that does not take part, or has lost images, falls away.
    """

    who: str
    bounds: tuple[Bound, ...]
    what: Quantity = Quantity.VALUE


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a goal came out; `reached` is None where it was not measured."""

    goal: str
    outcome: str
    reached: bool | None


def goal(who: str, *bounds: Bound, what: Quantity = Quantity.VALUE) -> Goal:
    """A goal, as tables are written."""
    return Goal(who, bounds, what)


# --- Judging: the table as far as it is needed -----------------------------------------------------------------------


class _Unit(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def more_is_better(self) -> bool: ...


class _Figures(Protocol):
    @property
    def value(self) -> float: ...
    @property
    def cpu(self) -> float | None: ...
    @property
    def memory(self) -> float | None: ...
    @property
    def lost(self) -> int: ...


class _Table(Protocol):
    @property
    def unit(self) -> _Unit: ...
    @property
    def goals(self) -> Sequence[Goal]: ...
    def named(self, name: str) -> _Figures | None: ...


def verdicts(table: _Table) -> list[Verdict]:
    """Of all goals of a table, in its order."""
    return [_judge(table, one) for one in table.goals]


def _judge(table: _Table, one: Goal) -> Verdict:
    text, who = _words(table, one), table.named(one.who)
    if who is None or (figure := _figure(who, one.what)) is None:
        return Verdict(text, "not measured", None)
    if who.lost:
        return Verdict(text, f"not reached: {who.lost} lost", False)
    wanted = dict(_wanted(table, one))
    if not wanted:
        return Verdict(text, "not measured: nobody to compare with", None)
    more = _more_is_better(table, one)
    bound = (min if more else max)(wanted, key=lambda each: wanted[each])
    aim = wanted[bound]
    have = f"{figure / aim * bound.factor:.2f} times {bound.of}" if bound.of else f"{figure:.4g}"
    if figure >= aim if more else figure <= aim:
        return Verdict(text, f"reached: {have}", True)
    lacking = f"short by {100 * (aim - figure) / aim:.0f} %" if more else f"over by {100 * (figure - aim) / aim:.0f} %"
    return Verdict(text, f"{lacking}: {have}", False)


def _wanted(table: _Table, one: Goal) -> Iterator[tuple[Bound, float]]:
    """The figure that each bound asks for, as far as it can be told."""
    for bound in one.bounds:
        if not bound.of:
            yield bound, bound.factor
            continue
        other = table.named(bound.of)
        if other is not None and not other.lost and (figure := _figure(other, one.what)) is not None:
            yield bound, bound.factor * figure


def _figure(who: _Figures, what: Quantity) -> float | None:
    return {Quantity.VALUE: who.value, Quantity.CPU: who.cpu, Quantity.MEMORY: who.memory}[what]


def _more_is_better(table: _Table, one: Goal) -> bool:
    return table.unit.more_is_better and one.what is Quantity.VALUE


def _words(table: _Table, one: Goal) -> str:
    more, unit = _more_is_better(table, one), one.what.value or table.unit.name
    bounds = " or ".join(f"{each.factor:g} {f'times {each.of}' if each.of else unit}" for each in one.bounds)
    which = f", whichever is {'lower' if more else 'higher'}" if len(one.bounds) > 1 else ""
    about = f" ({one.what.value})" if one.what is not Quantity.VALUE and any(each.of for each in one.bounds) else ""
    return f"{one.who}: at {'least' if more else 'most'} {bounds}{which}{about}"
