"""The words for values."""

from enum import StrEnum

import pytest

from netty.archive.audit import AuditKind
from netty.archive.held import RenderState
from netty.archive.users import Role
from netty.archive.verify import ProblemKind
from netty.cli.terms import _TERMS
from netty.model.difference import Action, StudyState
from netty.model.retrieval import LedgerState, RetrievalState


@pytest.mark.parametrize(
    "kind", [Action, AuditKind, LedgerState, ProblemKind, RenderState, RetrievalState, Role, StudyState]
)
def test_every_value_that_tables_show_has_a_word(kind: type[StrEnum]) -> None:
    assert {member.value for member in kind} <= set(_TERMS)
