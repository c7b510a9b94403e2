"""What the demonstration tells its reader to type works where it stands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway.demonstration import called


@pytest.mark.parametrize("name", ["gateway", "simulator"])
def test_programs_are_called_from_anywhere(name: str, tmp_path: Path) -> None:
    own = Path(sys.executable).parent
    assert called(name, tmp_path) == str(own / name)
    assert called(name, own.parent.parent) == f"{own.parent.name}/{own.name}/{name}"
    assert (own.parent.parent / called(name, own.parent.parent)).exists()
