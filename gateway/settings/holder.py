"""The generation in force, and how the next one takes its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from gateway.settings.load import load
from gateway.settings.models import Generation
from gateway.settings.problems import Problem, SettingsError

Listener = Callable[[Generation, Generation], None]
"""Called with the old generation and the new one, after the swap."""


class Generations:
    """Holds one generation; swaps it whole or not at all.

    The first is loaded here, so that a bad configuration ends the start: raises SettingsError. `wall` gives
    unix seconds; `number` is the first generation's, for a node that goes on counting after a restart.
    """

    def __init__(
        self,
        directory: str | Path,
        environ: Mapping[str, str],
        wall: Callable[[], float],
        number: int = 1,
    ) -> None:
        self._directory = Path(directory)
        self._environ = environ
        self._wall = wall
        self._listeners: list[Listener] = []
        self.current: Generation = load(directory, environ, number=number, loaded_at=wall())
        self.last = number

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after each swap, in the order of subscription. It must not fail."""
        self._listeners.append(listener)

    def read(self) -> Generation:
        """The next generation, checked and not yet in force. Touches only files, so a thread may do it.

        Raises SettingsError.
        """
        return load(self._directory, self._environ, number=self.last + 1, loaded_at=self._wall())

    def read_from(self, directory: Path, home: Path | None = None) -> Generation:
        """`read`, of the files in another directory; `home` where it is a copy of that one as it was."""
        number, now = self.last + 1, self._wall()
        return load(directory, self._environ, number=number, loaded_at=now, home=home)

    def renumber(self, number: int) -> None:
        """Give the generation in force the number that the store knows it by."""
        self.current = replace(self.current, number=number)
        self.last = number

    def swap(self, generation: Generation) -> None:
        """Put a generation in force and tell the listeners."""
        before, self.current = self.current, generation
        self.last = max(self.last, generation.number)
        for listener in self._listeners:
            listener(before, generation)

    def reload(self) -> tuple[Problem, ...]:
        """Read and swap. With problems, which are returned, what was in force stays in force."""
        try:
            generation = self.read()
        except SettingsError as error:
            return error.problems
        self.swap(generation)
        return ()
