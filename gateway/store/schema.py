"""The tables, in SQLAlchemy Core. `migrations/` builds the same; a test holds the two together.

No random index lies on the way of a message: its keys grow, and two partial indexes hold the open ones only.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

# SQLite takes a column for its rowid only if the type reads INTEGER; its integers have 64 bits all the same.
Whole = BigInteger().with_variant(Integer(), "sqlite")

message = Table(
    "message",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("accepted_at", Whole, nullable=False),
    Column("source", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("generation", Whole, nullable=False),
    Column("segment_of", Whole),
    Column("pdu", LargeBinary, nullable=False),
    Column("decision", Text, nullable=False),
    Column("state", Whole, nullable=False),
    Column("deadline", Whole),
    Column("expires_at", Whole, nullable=False),
    Column("carrier", Text),
    Column("carrier_message_id", Text),
    Column("attempts", Whole, nullable=False),
    Column("sent_at", Whole),
    Column("done_at", Whole),
    Column("error", Whole, nullable=False),
    Column("trail", Text, nullable=False),
)

_open = message.c.deadline.is_not(None)
# What is due, and what is open in order of arrival.
Index("message_deadline", message.c.deadline, sqlite_where=_open, postgresql_where=_open)
Index("message_open", message.c.id, sqlite_where=_open, postgresql_where=_open)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Whole, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("message_id", Whole),
    Column("kind", Whole, nullable=False),
    Column("created_at", Whole, nullable=False),
    Column("expires_at", Whole, nullable=False),
    Column("attempts", Whole, nullable=False),
    Column("pdu", LargeBinary, nullable=False),
    Index("outbox_account", "account", "seq"),
)

stray = Table(
    "stray",
    metadata,
    Column("seq", Whole, primary_key=True, autoincrement=False),
    Column("carrier", Text, nullable=False),
    Column("carrier_message_id", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("received_at", Whole, nullable=False),
    Column("pdu", LargeBinary, nullable=False),
)

# Every generation that came into force; `files` is a zip of its texts.
generation = Table(
    "generation",
    metadata,
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False),
    Column("loaded_at", Whole, nullable=False),
    Column("cause", Text, nullable=False),
    Column("files", LargeBinary, nullable=False),
)

# Named numbers: the next free id of each kind, how far retention has come, the writer's last transaction.
counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Whole, nullable=False),
)

# What people have said, and what that comes to. None of it lies on the way of a message.

consent_event = Table(
    "consent_event",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("position", Whole, primary_key=True, autoincrement=False),
    Column("recorded_at", Whole, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("salt", LargeBinary),
    Column("number", Text),
    Column("event", Text),
    Index("consent_event_number", "number"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("type", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("program", Text, primary_key=True),
    Column("category", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("since", Whole),
    Column("until", Whole),
    Column("added_at", Whole, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("evidence", Text, nullable=False),
)

# Entries as they were until they were taken off their list, or their span was changed.
lifted_suppression = Table(
    "lifted_suppression",
    metadata,
    Column("number", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("program", Text, primary_key=True),
    Column("category", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("lifted_at", Whole, primary_key=True, autoincrement=False),
    Column("since", Whole),
    Column("until", Whole),
    Column("added_at", Whole, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("lifted_by", Text, nullable=False),
    Index("lifted_suppression_at", "lifted_at"),
)

reply_case = Table(
    "reply_case",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("rule", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("reply", Text, nullable=False),
    Column("complaint", Whole, nullable=False),
    Column("opened_at", Whole, nullable=False),
    Column("deadline", Whole, nullable=False),
    Column("closed_at", Whole),
    Column("closed_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("overdue_at", Whole),
)

event_call = Table(
    "event_call",
    metadata,
    Column("seq", Whole, primary_key=True, autoincrement=False),
    Column("webhook", Text, nullable=False),
    Column("created_at", Whole, nullable=False),
    Column("attempts", Whole, nullable=False),
    Column("due", Whole, nullable=False),
    Column("body", Text, nullable=False),
    Column("lane", Whole, nullable=False),
    Column("dead", Whole, nullable=False),
    Column("error", Text, nullable=False),
    Index("event_call_open", "webhook", "dead", "seq"),
)

breaker_trip = Table(
    "breaker_trip",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("program", Text, primary_key=True),
    Column("carrier", Text, primary_key=True),
    Column("tripped_at", Whole, nullable=False),
    Column("refuses", Whole, nullable=False),
    Column("why", Text, nullable=False),
    Column("by", Text, nullable=False),
)

# What an admin has ordered for a part of the traffic, see directives.py.
traffic_directive = Table(
    "traffic_directive",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("verb", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("program", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("at", Whole, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("refuse", Text, nullable=False),
    Column("carriers", Text, nullable=False),
    Column("drained_at", Whole),
)

# What an account has used in a day (yyyymmdd) and a month (yyyymm), and its balance in millionths.
account_usage = Table(
    "account_usage",
    metadata,
    Column("account", Text, primary_key=True),
    Column("day", Whole, nullable=False),
    Column("month", Whole, nullable=False),
    Column("messages_per_day", Whole, nullable=False),
    Column("segments_per_day", Whole, nullable=False),
    Column("messages_per_month", Whole, nullable=False),
    Column("segments_per_month", Whole, nullable=False),
    Column("balance", Whole, nullable=False),
    Column("level", Whole, nullable=False),
)

# What people have done with the gateway: a chain of records, see audit.py.
audit = Table(
    "audit",
    metadata,
    Column("position", Whole, primary_key=True, autoincrement=False),
    Column("at", Whole, nullable=False),
    Column("act", Text, nullable=False),
    Column("person", Text),
    Column("entry", Text),
    Column("salt", LargeBinary),
    Column("commitment", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("audit_person", "person"),
)

# Every edit of the sensitive words made at run time, in order: those in force follow from all of them.
word_edit = Table(
    "word_edit",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("made_at", Whole, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("word_key", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Index("word_edit_key", "word_key"),
)

# What must not be purged or erased while it lasts; `words` is JSON: number, reason, who.
hold = Table(
    "hold",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("since", Whole),
    Column("until", Whole),
    Column("placed_at", Whole, nullable=False),
    Column("lifted_at", Whole),
    Column("words", Text, nullable=False),
)

# By what messages of a number are found, in blocks: see numbers.py.
number_block = Table(
    "number_block",
    metadata,
    Column("first", Whole, primary_key=True, autoincrement=False),
    Column("last", Whole, nullable=False),
    Column("ids", LargeBinary, nullable=False),
    Column("keys", LargeBinary, nullable=False),
)

# Every edit of templates made at run time, in order: those in force follow from the files and all of these.
template_edit = Table(
    "template_edit",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("made_at", Whole, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Index("template_edit_name", "tenant", "name"),
)

# What became of ended messages, in blocks: see attestations.py.
attestation = Table(
    "attestation",
    metadata,
    Column("number", Whole, primary_key=True, autoincrement=False),
    Column("first", Whole, nullable=False),
    Column("last", Whole, nullable=False),
    Column("late", Whole, nullable=False),
    Column("left", LargeBinary, nullable=False),
    Column("ids", LargeBinary, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    Column("salts", LargeBinary, nullable=False),
)
