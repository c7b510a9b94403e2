"""/metrics: the plain counters of the relay in the text format of Prometheus, collected when asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.control.node import Node
from gateway.filters.circuit import Position
from gateway.relay.counters import BOUNDS, Latency
from gateway.relay.spending import shares
from gateway.routing.choosing import Health
from gateway.smpp.constants import CommandStatus


def exposition(gateway: Node) -> bytes:
    """Everything that is counted, as one document."""
    registry = CollectorRegistry()
    registry.register(Counters(gateway))
    return generate_latest(registry)


class Counters(Collector):
    """Reads the counters of one node. No label ever holds a person's number."""

    def __init__(self, gateway: Node) -> None:
        self.gateway = gateway

    def collect(self) -> Iterator[Metric]:
        """All metrics, made of the counters as they are now."""
        yield from self._accounts()
        yield from self._carriers()
        yield from self._messages()
        yield from self._alarms()
        yield from self._lists()
        yield from self._words()
        yield from self._lookups()
        yield from self._store()

    def _accounts(self) -> Iterator[Metric]:
        outcomes = CounterMetricFamily(
            "gateway_account_messages",
            "Messages of an account by outcome: accepted, refused:STATUS, ended:STATE",
            labels=["account", "outcome"],
        )
        sessions = GaugeMetricFamily("gateway_account_sessions", "Bound sessions", labels=["account"])
        backlog = GaugeMetricFamily(
            "gateway_account_outbox", "Receipts and replies waiting for the client", labels=["account"]
        )
        outbox = CounterMetricFamily(
            "gateway_account_outbox_answers",
            "What became of deliver_sm: taken, later, again, dead, expired",
            labels=["account", "outcome"],
        )
        latency = HistogramMetricFamily(
            "gateway_submit_seconds", "From a submit to its response", labels=["account"]
        )
        for account in self.gateway.relay.accounts:
            for outcome, count in account.counts.items():
                outcomes.add_metric([account.name, outcome], count)
            for outcome, count in account.outbox.counts.items():
                outbox.add_metric([account.name, outcome], count)
            sessions.add_metric([account.name], len(account.sessions))
            backlog.add_metric([account.name], account.outbox.backlog)
            _histogram(latency, [account.name], account.latency)
        yield from (outcomes, sessions, backlog, outbox, latency)

    def _carriers(self) -> Iterator[Metric]:
        traffic = self.gateway.relay.traffic
        answers = CounterMetricFamily(
            "gateway_carrier_answers", "Answers of a carrier by status", labels=["carrier", "status"]
        )
        for (answering, status), count in traffic.answers.items():
            answers.add_metric([answering, CommandStatus(status).name], count)
        binds = GaugeMetricFamily("gateway_carrier_binds", "Binds that are up", labels=["carrier"])
        window = GaugeMetricFamily("gateway_carrier_outstanding", "Submits unanswered", labels=["carrier"])
        health = GaugeMetricFamily(
            "gateway_carrier_health",
            "1 at what it is now: ready, suspect, down, …",
            labels=["carrier", "health"],
        )
        outs = CounterMetricFamily("gateway_carrier_outs", "Times it was put out", labels=["carrier"])
        limit = GaugeMetricFamily(
            "gateway_carrier_limit", "Messages a second since it was throttled", labels=["carrier"]
        )
        waiting = GaugeMetricFamily("gateway_carrier_unfinished", "Receipts awaited", labels=["carrier"])
        latency = HistogramMetricFamily(
            "gateway_carrier_seconds", "From a submit to the carrier's answer", labels=["carrier"]
        )
        for name, carrier in self.gateway.relay.dispatch.carriers.items():
            binds.add_metric([name], len(carrier.links))
            now = carrier.health()
            for each in Health:
                health.add_metric([name, each.value], int(each is now))
            outs.add_metric([name], carrier.trust.outs)
            if carrier.pace.limit is not None:
                limit.add_metric([name], carrier.pace.limit)
            window.add_metric([name], sum(link.protocol.session.outstanding for link in carrier.links))
            waiting.add_metric([name], len(self.gateway.relay.inbound.matchers[name]))
            _histogram(latency, [name], traffic.latency.get(name, Latency()))
        questions = CounterMetricFamily(
            "gateway_carrier_questions",
            "Questions by query_sm: asked, told (a final state), under_way, refused, unanswered, …",
            labels=["carrier", "outcome"],
        )
        for (asked, outcome), count in traffic.inquiring.counts.items():
            questions.add_metric([asked, outcome], count)
        yield from (answers, binds, health, outs, limit, window, waiting, latency, questions)

    def _messages(self) -> Iterator[Metric]:
        relay = self.gateway.relay
        states = GaugeMetricFamily(
            "gateway_messages", "Messages by state since the start; open ones exactly", labels=["state"]
        )
        for state, count in relay.book.states.items():
            states.add_metric([state.name], count)
        verdicts = CounterMetricFamily(
            "gateway_verdicts",
            "Words of filters",
            labels=["account", "filter", "mode", "action"],
        )
        for labels, count in relay.judging.counts.items():
            verdicts.add_metric(list(labels), count)
        routed = CounterMetricFamily(
            "gateway_routed",
            "Messages given to a carrier, by route; in mode shadow: that would have been",
            labels=["route", "mode", "carrier"],
        )
        for way, count in relay.dispatch.placing.counts.items():
            routed.add_metric([*way], count)
        yield routed
        receipts = CounterMetricFamily("gateway_receipts", "Receipts of carriers by kind", labels=["kind"])
        told = Counter(relay.inbound.counts) + relay.replies.counts + relay.alerts.counts
        for kind, count in told.items():
            receipts.add_metric([kind], count)
        binds = CounterMetricFamily("gateway_binds_refused", "Refused binds by reason", labels=["reason"])
        for reason, count in relay.binding.refused.items():
            binds.add_metric([reason], count)
        yield from (states, verdicts, receipts, binds)
        failures = CounterMetricFamily("gateway_filter_failures", "Filters that failed", labels=["filter"])
        for name, count in relay.judging.failures.items():
            failures.add_metric([name], count)
        yield from self._steering()
        reviews = CounterMetricFamily("gateway_reviews", "What persons decided", labels=["outcome"])
        for outcome, count in relay.reviewing.counts.items():
            reviews.add_metric([outcome], count)
        yield from (failures, reviews)
        people = CounterMetricFamily(
            "gateway_people",
            "What was done for people: heard, suppressed, lifted, consents, cases, webhooks",
            labels=["kind"],
        )
        for kind, count in relay.protection.counts().items():
            people.add_metric([kind], count)
        yield people
        yield GaugeMetricFamily("gateway_queue", "Messages in lanes", relay.dispatch.lanes.count)
        yield GaugeMetricFamily("gateway_queue_oldest_seconds", "Age of the oldest", relay.oldest_waiting())
        yield GaugeMetricFamily(
            "gateway_unmatched_receipts", "Receipts that match nothing", relay.inbound.strays
        )
        yield GaugeMetricFamily(
            "gateway_long_texts_unfinished", "Groups of segments", len(relay.gathering.groups)
        )
        yield GaugeMetricFamily("gateway_connections", "Connections of clients", len(relay.server.clients))
        yield GaugeMetricFamily("gateway_generation", "Generation in force", self.gateway.generation.number)
        yield from self._canary()

    def _canary(self) -> Iterator[Metric]:
        sides = GaugeMetricFamily(
            "gateway_canary_messages", "Messages of a canary and beside it", labels=["side", "what"]
        )
        canary = self.gateway.relay.judging.canary
        for side, tally in (("canary", canary.own), ("in_force", canary.rest)) if canary is not None else ():
            for what, count in tally.counts().items():
                sides.add_metric([side, what], count)
        yield sides

    def _steering(self) -> Iterator[Metric]:
        steering = self.gateway.relay.steering
        force = GaugeMetricFamily(
            "gateway_traffic_directives",
            "Parts of the traffic that are paused, drained, rerouted or being purged",
            labels=["verb"],
        )
        for verb, count in Counter(each.verb.value for each in steering.directives.all.values()).items():
            force.add_metric([verb], count)
        given = CounterMetricFamily(
            "gateway_traffic_acts", "Directives given, by verb; resume; messages purged", labels=["act"]
        )
        for act, count in steering.counts.items():
            given.add_metric([act], count)
        yield from (force, given)
        relay = self.gateway.relay
        used = GaugeMetricFamily(
            "gateway_quota_used",
            "Share of a quota, or of a balance, that is used",
            labels=["account", "quota"],
        )
        for account in relay.accounts:
            for name, count, most in shares(account, relay.spending.of(account)):
                used.add_metric([account.name, name], count / most)
        refused = CounterMetricFamily(
            "gateway_quota_refused", "Messages refused for it", labels=["account", "quota", "mode"]
        )
        for key, count in relay.spending.refused.items():
            refused.add_metric([*key], count)
        yield from (used, refused)

    def _alarms(self) -> Iterator[Metric]:
        alarms = self.gateway.relay.alarms
        opened = GaugeMetricFamily("gateway_alarm", "1 while an alarm is open", labels=["kind", "subject"])
        for kind, subject in alarms.open:
            opened.add_metric([kind, subject], 1)
        raised = CounterMetricFamily("gateway_alarms", "Times that an alarm was raised", labels=["kind"])
        for kind, count in alarms.counts.items():
            raised.add_metric([kind], count)
        calls = CounterMetricFamily(
            "gateway_webhook_calls",
            "Calls of webhooks, and mails: taken, again, given_up",
            labels=["webhook", "outcome"],
        )
        waiting = GaugeMetricFamily("gateway_webhook_waiting", "Calls that wait", labels=["webhook"])
        dead = GaugeMetricFamily("gateway_webhook_given_up", "Calls that were given up", labels=["webhook"])
        for name, caller in self.gateway.relay.protection.webhooks.callers.items():
            for outcome, count in caller.counts.items():
                calls.add_metric([name, outcome], count)
            waiting.add_metric([name], caller.waiting)
            dead.add_metric([name], caller.dead)
        yield from (opened, raised, calls, waiting, dead)

    def _lists(self) -> Iterator[Metric]:
        sizes = GaugeMetricFamily("gateway_list_entries", "Entries of a list of people.yaml", labels=["list"])
        ages = GaugeMetricFamily("gateway_list_age_seconds", "Since it was read", labels=["list"])
        failing = GaugeMetricFamily(
            "gateway_list_failing", "1 if its source is not had or not believed", labels=["list"]
        )
        looks = CounterMetricFamily(
            "gateway_list_refreshes",
            "Looks at its source: taken, unchanged, refused, failed, overtaken",
            labels=["list", "outcome"],
        )
        relay = self.gateway.relay
        for feed in relay.protection.feeds.feeds.values():
            listed, name = feed.listed, feed.listed.settings.name
            if listed.numbers is not None:
                sizes.add_metric([name], len(listed.numbers))
                ages.add_metric([name], relay.clocks.wall() - listed.read_at)
            failing.add_metric([name], int(bool(feed.error)))
            for outcome, count in feed.counts.items():
                looks.add_metric([name, outcome], count)
        yield from (sizes, ages, failing, looks)

    def _words(self) -> Iterator[Metric]:
        wording = self.gateway.relay.wording
        edits = CounterMetricFamily("gateway_word_edits", "Edits of sensitive words", labels=["action"])
        for action, count in wording.counts.items():
            edits.add_metric([action], count)
        yield edits
        edits = CounterMetricFamily("gateway_template_edits", "Edits of templates", labels=["action"])
        for action, count in self.gateway.relay.templating.counts.items():
            edits.add_metric([action], count)
        yield edits
        if wording.filter is not None:
            automaton = wording.filter.words.automaton
            yield GaugeMetricFamily("gateway_word_entries", "Words and forms looked for", len(automaton))
            yield GaugeMetricFamily("gateway_word_shards", "Automata they lie in", len(automaton.shards))

    def _lookups(self) -> Iterator[Metric]:
        numbers = CounterMetricFamily(
            "gateway_lookups",
            "Numbers asked about: clear, listed, failed, late, refused, overflow",
            labels=["service", "outcome"],
        )
        known = GaugeMetricFamily("gateway_lookup_answers", "Answers remembered", labels=["service"])
        broken = GaugeMetricFamily(
            "gateway_lookup_broken", "1 while a service that fails is left alone", labels=["service"]
        )
        for name, desk in self.gateway.relay.protection.lookups.desks.items():
            for outcome, count in desk.counts.items():
                numbers.add_metric([name, outcome], count)
            known.add_metric([name], len(desk.answers))
            broken.add_metric([name], int(desk.answers.circuit.position is not Position.CLOSED))
        yield from (numbers, known, broken)

    def _store(self) -> Iterator[Metric]:
        journal = self.gateway.store.journal
        stats = journal.stats
        yield CounterMetricFamily("gateway_commits", "Transactions", stats.commits)
        yield CounterMetricFamily("gateway_commit_operations", "Row operations committed", stats.operations)
        yield CounterMetricFamily("gateway_commit_seconds", "Time spent committing", stats.seconds)
        yield GaugeMetricFamily("gateway_commit_last_operations", "Size of the last", stats.last_operations)
        yield GaugeMetricFamily("gateway_commit_last_seconds", "Time of the last", stats.last_seconds)
        yield GaugeMetricFamily("gateway_commit_queued", "Batches not on disk yet", journal.queued)
        yield GaugeMetricFamily("gateway_store_failing", "1 while the store fails", int(journal.failing))
        writer = self.gateway.store.writer
        if writer is not None:
            yield CounterMetricFamily("gateway_writer_starts", "Processes of the writer begun", writer.starts)
        sizes = GaugeMetricFamily("gateway_store_bytes", "Octets on disk", labels=["file"])
        for name, size in self.gateway.store.sizes().items():
            sizes.add_metric([name], size)
        yield sizes


def _histogram(family: HistogramMetricFamily, labels: list[str], latency: Latency) -> None:
    buckets, total = [], 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), latency.counts, strict=True):
        total += count
        buckets.append((bound, total))
    family.add_metric(labels, buckets, latency.total)
