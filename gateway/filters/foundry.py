"""Automata of many words, built where nothing waits for them: in a process of its own.

What ahocorasick-rs has built cannot be handed over, and it holds the interpreter while it builds. daachorse
writes an automaton out as octets and reads it back without the interpreter, which is held for some ten
milliseconds whether it has a hundred thousand words or a million (figures in ``docs/words.md``).
"""

import os
import subprocess
import sys
from tempfile import TemporaryFile

from daachorse import CharwiseDoubleArrayAhoCorasick

Large = CharwiseDoubleArrayAhoCorasick

ELSEWHERE = 20_000
"""Words from which on the build goes to another process: fewer are built sooner than that has started."""

SLICE = 10_000
LONGEST = 600.0
"""Seconds that a build may take; a million words take 10 to 30."""

NICENESS = 10


class NotBuilt(ValueError):
    """Why so many words could not be built."""


def forged(words: list[str]) -> Large:
    """The automaton of these words, none of which has a line break. For a thread, where there are many.

    Raises NotBuilt.
    """
    if len(words) < ELSEWHERE:
        return Large(words)
    try:
        return Large.deserialize(_made_elsewhere(words))
    except (OSError, subprocess.SubprocessError) as error:
        raise NotBuilt(f"the automaton of {len(words):,} words could not be built: {error}") from error


def _made_elsewhere(words: list[str]) -> bytes:
    with TemporaryFile() as given, TemporaryFile() as made:
        for first in range(0, len(words), SLICE):
            given.write("".join(f"{word}\n" for word in words[first : first + SLICE]).encode())
        given.seek(0)
        command = [sys.executable, "-I", __file__]
        subprocess.run(command, stdin=given, stdout=made, check=True, timeout=LONGEST)
        made.seek(0)
        return made.read()


def main() -> None:
    """The other process: words by line on standard input, the automaton on standard output."""
    os.nice(NICENESS)
    words = sys.stdin.buffer.read().decode().split("\n")[:-1]
    sys.stdout.buffer.write(Large(words).serialize())


if __name__ == "__main__":
    main()
