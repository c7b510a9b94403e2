"""A store beside which no node runs."""

from pathlib import Path

import pytest
from records_archive import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)
