"""With GATEWAY_COMPILE=1 in the environment a wheel has the compiled modules, and is for this machine's kind.

    GATEWAY_COMPILE=1 pip wheel --no-build-isolation --no-deps .

Without it, a wheel is pure Python and for every machine. What tools/compile.py needs has to be there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledModules(BuildHookInterface[Any]):
    """Compiles before the files of the wheel are gathered."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Not for an editable installation: its sources change."""
        if os.environ.get("GATEWAY_COMPILE") != "1" or version == "editable":
            return
        subprocess.run([sys.executable, str(Path(self.root) / "tools" / "compile.py")], check=True)
        build_data["artifacts"].append("gateway/_compiled/*")
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
