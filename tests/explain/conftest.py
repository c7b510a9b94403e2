"""The houses of tests/whole serve here too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "whole"))
