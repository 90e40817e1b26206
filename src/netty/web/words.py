"""The words and the looks of states: a state is told by its word and its drawing, and by colour only beside them."""

from typing import Final

from netty.archive.users import Role
from netty.language import mark
from netty.model.retrieval import RetrievalState
from netty.web.table import CellState

CELL_WORDS: Final[dict[CellState, str]] = {
    CellState.HELD: mark("held"),
    CellState.PARTIAL: mark("partial"),
    CellState.MISSING: mark("missing"),
    CellState.UNOBTAINABLE: mark("unobtainable"),
    CellState.ON_HOLD: mark("on hold"),
    CellState.NOT_LISTED: mark("not listed"),
    CellState.NOT_ANSWERED: mark("no answer"),
    CellState.NOT_SEARCHED: mark("not searched"),
    CellState.RUNNING: mark("being fetched"),
}

RETRIEVAL_WORDS: Final[dict[RetrievalState, str]] = {
    RetrievalState.QUEUED: mark("queued"),
    RetrievalState.MOVING: mark("moving"),
    RetrievalState.SETTLING: mark("settling"),
    RetrievalState.COMPLETE: mark("complete"),
    RetrievalState.PARTIAL: mark("partial"),
    RetrievalState.UNOBTAINABLE: mark("unobtainable"),
    RetrievalState.ON_HOLD: mark("on hold"),
    RetrievalState.FAILED: mark("failed"),
    RetrievalState.CANCELLED: mark("cancelled"),
}

RETRIEVAL_LOOKS: Final[dict[RetrievalState, str]] = {
    RetrievalState.QUEUED: "queued",
    RetrievalState.MOVING: "moving",
    RetrievalState.SETTLING: "moving",
    RetrievalState.COMPLETE: "held",
    RetrievalState.PARTIAL: "partial",
    RetrievalState.UNOBTAINABLE: "unobtainable",
    RetrievalState.ON_HOLD: "on_hold",
    RetrievalState.FAILED: "failed",
    RetrievalState.CANCELLED: "stop",
}
"""The drawing (icons.html) and the colour (app.css) of each state."""

ROLE_WORDS: Final[dict[Role, str]] = {
    Role.VIEWER: mark("viewer: sees"),
    Role.OPERATOR: mark("operator: sees and fetches"),
    Role.ADMIN: mark("administrator"),
}
