"""What the commands about people have in common: options, imports in chunks, and asking the node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli_common import FAILED, ask_node, end, say

CHUNK = 2000
TOLD = 20  # refused rows told one by one; all of them are in --report

Tenant = Annotated[str, typer.Option("--tenant", help="The tenant, as accounts.yaml names it.")]
Program = Annotated[str, typer.Option(help="The program; empty: all of the tenant's.")]
Category = Annotated[str, typer.Option(help="The category; empty: all of them.")]
File = Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False)]


def import_rows(
    file: Path,
    rows: Iterator[tuple[int, Any]],
    send: Callable[[list[Any]], dict[str, Any]],
    counted: str,
    report: Path | None,
) -> tuple[int, int]:
    """Send rows in chunks with a progress bar: how many were done, and how many refused. While the node works
    on one chunk the next is read.
    """
    from rich.console import Console
    from rich.progress import Progress

    done, refused = 0, []
    with Progress(console=Console(stderr=True), transient=True) as progress, ThreadPoolExecutor(1) as sender:
        task = progress.add_task(file.name, total=_lines(file))
        sent: tuple[list[int], Future[dict[str, Any]]] | None = None
        while True:
            some = list(islice(rows, CHUNK))
            if sent is not None:
                lines, answering = sent
                answer = answering.result()
                done += int(answer[counted])
                refused += [(lines[index], why) for index, why in answer["refused"]]
                progress.advance(task, len(lines))
                sent = None
            if not some:
                break
            good = [(line, row) for line, row in some if not isinstance(row, str)]
            refused += [(line, row) for line, row in some if isinstance(row, str)]
            if good:
                sent = [line for line, _ in good], sender.submit(send, [row for _, row in good])
    for line, why in sorted(refused)[:TOLD]:
        say(f"{file}:{line}: {why}")
    if len(refused) > TOLD:
        say(f"and {len(refused) - TOLD} more" + (f": see {report}" if report else "; --report FILE has them"))
    if report is not None:
        report.write_text("".join(f"{line},{why}\n" for line, why in sorted(refused)), "utf-8")
    return done, len(refused)


def _lines(file: Path) -> int:
    with file.open("rb") as octets:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: octets.read(1 << 20), b""))


def post(config: Path, path: str, document: dict[str, Any]) -> dict[str, Any]:
    """Have the node do something; ends if it will not."""
    code, answer = ask_node(config, "POST", path, document)
    if code != 200:
        end(FAILED, str(answer.get("problem", answer)))
    return answer


def told(numbers: list[str], answer: dict[str, Any], what: str = "done") -> None:
    """Say what the node did and what it refused, and end."""
    for index, why in answer["refused"]:
        say(f"{numbers[index]}: {why}")
    say(f"{answer['done']} {what}")
    raise typer.Exit(FAILED if answer["refused"] else 0)
