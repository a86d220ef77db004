"""The tables of the job store; speech/migrations makes them.

`jobs` is the truth. `turns` and `tenants` say whose turn it is, so that a claim's cost grows with the tenants
that wait and not with the rows. All times are seconds since 1970 by the store's own clock.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    text,
)

from speech.metadata import metadata as metadata
from speech.speech_tables import lexicon_entries as lexicon_entries
from speech.speech_tables import lexicon_versions as lexicon_versions
from speech.speech_tables import revoked_voices as revoked_voices
from speech.speech_tables import speech_cache as speech_cache
from speech.speech_tables import voice_ledger as voice_ledger


def _partial(name: str, *columns: str, where: str, sqlite: str = "") -> Index:
    return Index(name, *columns, sqlite_where=text(sqlite or where), postgresql_where=text(where))


# SQLite takes a partial index only when the query says its condition in the same words, and SQLAlchemy writes
# a Boolean as `= 1` there.
_CLAIMABLE = {"where": "claimable", "sqlite": "claimable = 1"}


def _int(name: str, default: int = 0) -> Column[Any]:
    return Column(name, Integer, nullable=False, default=default, server_default=str(default))


jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("lane", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("priority", String(12), nullable=False),
    Column("phase", String(8), nullable=False),
    Column("claimable", Boolean, nullable=False),
    _int("attempt"),
    _int("crashes"),
    _int("preemptions"),
    _int("deferrals"),
    Column("request", JSON, nullable=False),
    Column("input", JSON(none_as_null=True)),
    Column("input_key", Text),
    Column("outputs", JSON, nullable=False),
    Column("promised", JSON, nullable=False),
    Column("overwrite", Boolean, nullable=False),
    Column("result", JSON(none_as_null=True)),
    Column("error", JSON(none_as_null=True)),
    Column("warnings", JSON, nullable=False),
    Column("artifacts", JSON, nullable=False),
    Column("usage", JSON, nullable=False),
    Column("fraction", Double, nullable=False),
    Column("step", String(32), nullable=False),
    _int("seq"),
    Column("parent", String(36)),
    Column("root", String(36), nullable=False),
    Column("part", Integer),
    Column("retry_of", String(36)),
    _int("children_total"),
    _int("children_succeeded"),
    _int("children_failed"),
    _int("open_children"),
    Column("cancel_requested", Boolean, nullable=False),
    Column("winner", Integer),
    Column("holder", String(200)),  # host/boot/child of the attempt that stands
    Column("lease_until", Double),
    Column("not_before", Double, nullable=False),
    Column("outage_since", Double),
    Column("created", Double, nullable=False),
    Column("started", Double),
    Column("finished", Double),
    Column(
        "expires", Double
    ),  # of a row kept for its promised file: when to look for that file again
    _int("purged"),  # how much retention has taken: speech/retention.py
    Column("ttl", Double),
    Column("deadline", Double),  # null once final
    Column("api_key", String(36)),  # whose limits it counts against
    Column("reuse", String(64)),  # what was heard and how, hex: speech/reuse.py
    # Failed, and no error.json stands beside its promised outputs yet.
    Column("untold", Boolean, nullable=False, default=False, server_default=false()),
    _partial("jobs_claim", "lane", "priority", "tenant", "root", "created", "part", **_CLAIMABLE),
    _partial("jobs_due", "lane", "not_before", **_CLAIMABLE),
    _partial("jobs_lease", "lease_until", where="lease_until IS NOT NULL"),
    _partial("jobs_holder", "holder", where="holder IS NOT NULL"),
    _partial("jobs_deadline", "deadline", where="deadline IS NOT NULL"),
    _partial("jobs_input", "input_key", where="input_key IS NOT NULL"),
    _partial("jobs_key", "api_key", "finished", where="api_key IS NOT NULL"),
    Index("jobs_list", "tenant", "created", "id"),
    Index("jobs_parent", "parent", "part"),
    Index("jobs_finished", "lane", "finished"),
    _partial("jobs_open", "lane", "state", "priority", "created", where="finished IS NULL"),
    _partial("jobs_old", "purged", "finished", where="parent IS NULL AND finished IS NOT NULL"),
    _partial("jobs_old_input", "finished", where="input_key IS NOT NULL AND finished IS NOT NULL"),
    _partial("jobs_expires", "expires", where="expires IS NOT NULL"),
    _partial("jobs_reuse", "tenant", "reuse", "finished", where="reuse IS NOT NULL"),
    _partial("jobs_untold", "lane", where="untold", sqlite="untold = 1"),
)

turns = Table(
    "turns",
    metadata,
    Column("lane", String(16), primary_key=True),
    Column("priority", String(12), primary_key=True),
    Column("tenant", String(64), primary_key=True),
    Column("root", String(36), primary_key=True),
    Column("turn_at", Double, nullable=False),  # when it was served last, or may be asked next
    Index("turns_next", "lane", "priority", "tenant", "turn_at", "root"),
)

tenants = Table(
    "tenants",
    metadata,
    Column("lane", String(16), primary_key=True),
    Column("priority", String(12), primary_key=True),
    Column("tenant", String(64), primary_key=True),
    Column("turn_at", Double, nullable=False),
)

pieces = Table(
    "pieces",
    metadata,
    Column("job", String(36), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("data", JSON, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(300), primary_key=True),
    Column("body", String(64), nullable=False),  # SHA-256 of what was asked
    Column("job", String(36), nullable=False),
    Column("until", Double),  # null: for ever
    Index("idempotency_until", "until"),
    Index("idempotency_job", "job"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("key", Text, nullable=False),
    Column("name", String(255), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("content_type", String(200), nullable=False),
    Column("session", Text),  # where a bucket takes the bytes: whoever has it may write there
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Index("uploads_expires", "expires"),
    Index("uploads_key", "key"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(200), primary_key=True),  # host/boot
    Column("lanes", JSON, nullable=False),
    Column("ready", Boolean, nullable=False),
    Column("details", JSON, nullable=False),  # models, devices, memory, response times
    Column("started", Double, nullable=False),
    Column("seen", Double, nullable=False),
)

locks = Table(
    "locks",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("until", Double, nullable=False),
)

# What a job leaves behind, for a while: its id answers 410.
tombstones = Table(
    "tombstones",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("gone", Double, nullable=False),
    Index("tombstones_gone", "gone"),
)

# Bytes that nothing refers to any more; a key that ends with a slash means all below it.
trash = Table(
    "trash",
    metadata,
    Column("key", Text, primary_key=True),
    Column("since", Double, nullable=False),
    _int("tries"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Double, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("prefix", String(8), nullable=False),  # shown, and what a key is found by
    Column("hash", String(64), nullable=False),  # SHA-256 of the secret, hex
    Column("tenant", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("members", JSON(none_as_null=True)),  # null: every voice
    Column("buckets", JSON(none_as_null=True)),  # null: what its tenant may use
    Column("requests_per_minute", Integer),  # null: the setting's, 0: no limit; so the next two
    Column("queued_jobs", Integer),
    Column("audio_seconds_per_day", Integer),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),  # a row stays for ever: without any, no key is asked for
    Column("last_used", Double),
    Index("api_keys_prefix", "prefix", unique=True),
    Index("api_keys_list", "tenant", "created"),
)

key_usage = Table(
    "key_usage",
    metadata,
    Column("api_key", String(36), primary_key=True),
    Column("what", String(16), primary_key=True),  # requests, audio
    Column("period", Integer, nullable=False),  # the minute or day that `used` counts
    Column("used", Double, nullable=False),
)

# What people propose instead of a transcript's words; the accepted ones count its versions.
corrections = Table(
    "corrections",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("job", String(36), nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("start", Double, nullable=False),
    Column("end", Double, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("base", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("version", Integer),
    Column("proposed_by", String(200), nullable=False),
    Column("created", Double, nullable=False),
    Column("decided_by", String(200)),
    Column("decided", Double),
    Index("corrections_list", "job", "created", "id"),
    Index("corrections_version", "job", "version", unique=True),
)
