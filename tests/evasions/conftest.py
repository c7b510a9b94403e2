"""The tests of evasions use the house of the relay's tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "relay"))
