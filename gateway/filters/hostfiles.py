"""Files of hosts: one a line, where a list is too long to stand in filters.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.settings.content import Links, a_host


def with_files(settings: Links, directory: Path) -> Links:
    """Settings in which the hosts of the files that they name stand too. Raises ValueError with every line
    that is wrong.
    """
    problems: list[str] = []
    tenants = {
        name: known.model_copy(
            update={"hosts": known.hosts + _hosts_of(known.host_files, directory, problems)}
        )
        for name, known in settings.tenants.items()
        if known.host_files
    }
    shorteners = settings.shorteners + _hosts_of(settings.shortener_files, directory, problems)
    if problems:
        raise ValueError("\n".join(problems))
    return settings.model_copy(update={"shorteners": shorteners, "tenants": settings.tenants | tenants})


def _hosts_of(paths: Iterable[Path], directory: Path, problems: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for path in paths:
        try:
            lines = (directory / path).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{directory / path}: cannot be read: {error}")
            continue
        for number, line in enumerate(lines, 1):
            if host := line.partition("#")[0].strip():
                try:
                    found.append(a_host(host))
                except ValueError as error:
                    problems.append(f"{directory / path}:{number}: {error}")
    return tuple(found)
