"""The benchmark of growth asks what it says it asks: of a small catalogue, for the answers and not for the time."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from bench.growth import QUESTIONS, on_postgres, on_sqlite
from bench.growth_catalogue import patients_in
from bench.scope import Scope

from support import postgres

SIZE = 2_000


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_each_question_is_answered_by_a_made_catalogue(kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        if kind == "sqlite":
            one = stack.enter_context(on_sqlite(Scope(folder=tmp_path), SIZE))
        elif postgres.programs() is None:
            pytest.skip("PostgreSQL is not installed")
        else:
            one = stack.enter_context(on_postgres(stack.enter_context(postgres.server("fsync=off")), SIZE))

        for ask in QUESTIONS.values():
            assert ask(one) > 0
        assert len(one.desk.patients.list()) == patients_in(SIZE)
        assert sum(study.instance_count for study in one.desk.holdings.studies()) == SIZE  # registered ones are gone


def test_a_catalogue_is_made_once(tmp_path: Path) -> None:
    scope = Scope(folder=tmp_path)
    with on_sqlite(scope, SIZE) as one:
        file = one.desk.database.file
        assert file is not None
        made = file.stat().st_ino
    with on_sqlite(scope, SIZE) as one:
        assert one.desk.database.file == file
        assert file.stat().st_ino == made
