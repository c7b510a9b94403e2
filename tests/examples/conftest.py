"""The worked examples use the houses of the whole-way tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "whole"))
