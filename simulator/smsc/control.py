"""The control line of running carriers: one JSON object a line asks, one answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver

from simulator.endpoints import connect
from simulator.smsc.center import NoSuchThing, Smsc

_LIMIT = 1 << 20
_SHOWN_FAULTS = 50


class ControlError(Exception):
    """The simulator could not do what it was asked."""


class _Line(LineOnlyReceiver):
    delimiter = b"\n"
    MAX_LENGTH = _LIMIT

    def say(self, value: dict[str, Any]) -> None:
        transport: Any = self.transport
        transport.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")


class ControlLine(_Line):
    """One connection of the control endpoint. A request names its command in `do`; the rest are arguments.

    The answer is `{"ok": true, …}` or `{"ok": false, "error": "…"}`.
    """

    def __init__(self, smsc: Smsc, reactor: Any) -> None:
        self._smsc = smsc
        self._reactor = reactor
        self._commands: dict[str, Callable[..., Any]] = {
            "reply": self._reply,
            "counters": self._counters,
            "faults": self._faults,
            "unbind": lambda **arguments: {"unbound": smsc.unbind(**arguments)},
            "cut": lambda **arguments: {"cut": smsc.cut(**arguments)},
            "alert": self._alert,
            "outbind": self._outbind,
        }

    def lineReceived(self, line: bytes) -> None:
        Deferred.fromCoroutine(self._answer(line))

    async def _answer(self, line: bytes) -> None:
        try:
            answer = {"ok": True} | await self._do(json.loads(line))
        except Exception as error:
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        self.say(answer)

    async def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request.pop("do", None)
        if name not in self._commands:
            raise NoSuchThing(f"no command {name!r}; there are {', '.join(self._commands)}")
        result = self._commands[name](**request)
        return await result if hasattr(result, "__await__") else result  # type: ignore[no-any-return]

    def _reply(self, **arguments: Any) -> dict[str, Any]:
        arguments["source"] = arguments.pop("from")
        arguments["destination"] = arguments.pop("to")
        return {"segments": self._smsc.reply(**arguments)}

    def _counters(self) -> dict[str, Any]:
        return {"carriers": self._smsc.counters(), "faults": sum(self._smsc.fault_count.values())}

    def _faults(self) -> dict[str, Any]:
        last = [fault._asdict() for fault in list(self._smsc.faults)[-_SHOWN_FAULTS:]]
        return {"count": dict(self._smsc.fault_count), "last": last}

    def _alert(self, **arguments: Any) -> dict[str, Any]:
        arguments["source"] = arguments.pop("from")
        self._smsc.alert(**arguments)
        return {}

    async def _outbind(self, **arguments: Any) -> dict[str, Any]:
        await self._smsc.outbind(self._reactor, **arguments)
        return {}


class ControlFactory(Factory):
    """Listens for control lines."""

    noisy = False

    def __init__(self, smsc: Smsc, reactor: Any) -> None:
        self._parts = (smsc, reactor)

    def buildProtocol(self, addr: Any) -> ControlLine:
        return ControlLine(*self._parts)


class _Question(_Line):
    """The asking side: one line out, one line in."""

    def __init__(self) -> None:
        self.answer: Deferred[dict[str, Any]] = Deferred()

    def lineReceived(self, line: bytes) -> None:
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if self.answer.called:
            return
        if isinstance(answer, dict) and "ok" in answer:
            self.answer.callback(answer)
        else:
            self.answer.errback(ControlError("what listens there is no simulator's control endpoint"))

    def connectionLost(self, reason: Any = None) -> None:
        if not self.answer.called:
            self.answer.errback(ControlError("the simulator hung up"))


async def ask(reactor: Any, endpoint: str, do: str, **arguments: Any) -> dict[str, Any]:
    """Ask a running simulator; returns its answer.

    Raises ControlError if it would not, or what connecting raises.
    """
    factory: Any = Factory.forProtocol(_Question)
    factory.noisy = False
    question = await connect(reactor, endpoint, factory)
    question.say({"do": do} | arguments)
    answer: dict[str, Any] = await question.answer
    question.transport.loseConnection()
    if not answer.pop("ok"):
        raise ControlError(answer["error"])
    return answer
