"""The command line in the tests' own process: a second of imports less for each call.

`tests/test_cli.py` and those who send signals start it as its users do.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess

from typer.testing import CliRunner

from gateway.cli import app


def gateway(config: Path, environ: Mapping[str, str], *arguments: str) -> CompletedProcess[str]:
    """What a command said on either stream, and its exit code. What nobody expected is raised."""
    line = [*arguments, "--config", str(config)]
    done = CliRunner().invoke(app, line, env=environ, catch_exceptions=False)
    return CompletedProcess(line, done.exit_code, done.stdout, done.stderr)
