"""No order of consents, replies, imports, lists, restarts, pauses, nights and submits lets an offer through
that is forbidden at the moment when it leaves.
"""

from hypothesis import HealthCheck, settings
from people_machine import Offers

Offers.TestCase.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOffers = Offers.TestCase
