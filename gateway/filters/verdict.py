"""What a filter says of a message, as data.

The codes of the reasons are chosen so that no client retries a permanent refusal: the well-known client
gateways retry ESME_RSYSERR, ESME_RTHROTTLED, ESME_RMSGQFUL, ESME_RINVSCHED and ESME_RX_T_APPN and nothing
else. Receipt error codes have three decimal digits, since that is how clients read `err:`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple, Protocol

from gateway.message import Message
from gateway.smpp.constants import CommandStatus
from gateway.smpp.enums import quick
from gateway.smpp.fields import Tlv


@quick
class Action(Enum):
    """What is to be done with a message."""

    ALLOW = "allow"
    WARN = "warn"
    REFUSE = "refuse"
    HOLD = "hold"
    DEFER = "defer"
    REWRITE = "rewrite"
    RAISE = "raise"


class Reason(NamedTuple):
    """Why a message is refused, and how the client is told.

    `status` is the command_status where the account is told in the response; `err` is the three-digit error
    of the REJECTD receipt where it is told by receipt. `request_error` marks what is always told in the
    response.
    """

    name: str
    status: int
    err: int
    request_error: bool = False


_ADDRESS = CommandStatus.ESME_RINVDSTADR
_CONTENT = CommandStatus.ESME_RSUBMITFAIL

REASONS: dict[str, Reason] = {
    reason.name: reason
    for reason in (
        Reason("opted_out", _ADDRESS, 901),
        Reason("suppressed", _ADDRESS, 902),
        Reason("carrier_do_not_disturb", _ADDRESS, 903),
        Reason("no_consent", _ADDRESS, 904),
        Reason("reassigned", _ADDRESS, 905),
        Reason("number_unknown", _ADDRESS, 906),
        Reason("content_blocked", _CONTENT, 911),
        Reason("review_refused", _CONTENT, 912),
        Reason("template_mismatch", _CONTENT, 913),
        Reason("mandatory_text_missing", _CONTENT, 914),
        Reason("sender_not_registered", CommandStatus.ESME_RINVSRCADR, 915),
        Reason("incomplete_long_text", _CONTENT, 916),
        Reason("binary_refused", _CONTENT, 917),
        Reason("category_missing", CommandStatus.ESME_RMISSINGOPTPARAM, 918, request_error=True),
        Reason("category_invalid", CommandStatus.ESME_RINVOPTPARAMVAL, 919, request_error=True),
        Reason("quiet_hours", CommandStatus.ESME_RINVEXPIRY, 921),
        Reason("frequency_cap", _CONTENT, 922),
        Reason("paused", _CONTENT, 923),
        Reason("paused_for_now", CommandStatus.ESME_RTHROTTLED, 924, request_error=True),
        Reason("purged", _CONTENT, 925),
        Reason("quota_used", _CONTENT, 926),
        Reason("balance_used", _CONTENT, 927),
        Reason("too_many_waiting", CommandStatus.ESME_RMSGQFUL, 928, request_error=True),
        Reason("filter_failed", CommandStatus.ESME_RSYSERR, 931),
        Reason("no_route", _CONTENT, 932),
        Reason("tlv_missing", CommandStatus.ESME_RMISSINGOPTPARAM, 933, request_error=True),
        Reason("tlv_invalid", CommandStatus.ESME_RINVOPTPARAMVAL, 934, request_error=True),
    )
}


class Rewrite(NamedTuple):
    """What a message is to say instead: the whole text (None: as it is), and TLVs that are added.

    `payload` allows a text that needs more short messages than the client sent to go as message_payload.
    """

    text: str | None = None
    tlvs: tuple[Tlv, ...] = ()
    payload: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """One filter's word on one message.

    `rule` names the rule that decided and `place` its file and line; `detail` is for the reader of the
    decision record and holds no text of the message beyond what hit. `until` is the unix second a deferred
    message may leave, `rewrite` what a rewritten one says, `category` what a raised one is instead.
    `beside` are the words of rules in shadow: recorded, and never acting.
    """

    action: Action
    filter: str
    rule: str
    place: str = ""
    reason: Reason | None = None
    detail: str = ""
    until: float | None = None
    rewrite: Rewrite | None = None
    category: str = ""
    beside: tuple[Verdict, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether only rules in shadow said something."""
        return bool(self.beside) and not self.rule


def beside(filter: str, verdict: Verdict | None, shadows: Sequence[Verdict]) -> Verdict | None:
    """What a filter says, with what its rules in shadow would have said."""
    if not shadows:
        return verdict
    said = verdict or Verdict(Action.ALLOW, filter, "")
    return replace(said, beside=(*said.beside, *shadows))


class Filter(Protocol):
    """A judge of one thing. Built for one generation, it never changes and never waits.

    One with `alike` true says the same, within a second, of all messages of one stencil (`Message.said`) to
    people of one standing: of what is said and by whom, not of who gets it. What it goes by, where it is
    edited, must be `Remembered` and forgotten with the edit. One with `idle` true has nothing to go by. One
    that `spares` the people of a standing says nothing to any of them in that second, whatever is said.
    """

    @property
    def name(self) -> str:
        """The name under which accounts switch it on."""

    def judge(self, message: Message, now: float) -> Verdict | None:
        """Say something of the message at `now` (unix seconds), or nothing: None lets it pass."""
