"""The store's tables beside the jobs that speech needs; speech/migrations makes them."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, Index, Integer, String, Table

from speech.metadata import metadata

# How words are said: an entry of member 0 is every member's. `lexicon_versions` rises with every change.
lexicon_entries = Table(
    "lexicon_entries",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("member", Integer, nullable=False),
    Column("written", String(100), nullable=False),
    Column("spoken", String(200), nullable=False),
    Column("aliases", JSON, nullable=False),
    Column("part_of_speech", String(40), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("whole_word", Boolean, nullable=False),
    Column("created", Double, nullable=False),
    Column("changed", Double, nullable=False),
    Index("lexicon_entries_written", "tenant", "written", "member", unique=True),
)

lexicon_versions = Table(
    "lexicon_versions",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
)

# Sound that was made before: by what is heard in it. `files` by format; all of an entry's objects are below `prefix`.
speech_cache = Table(
    "speech_cache",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("prefix", String(200), nullable=False),
    Column("job", String(36), nullable=False),  # that made it: erased, it takes the entry along
    Column("member", Integer, nullable=False),
    Column("files", JSON, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("made", Double, nullable=False),
    Column("used", Double, nullable=False),
    Index("speech_cache_used", "used"),
    Index("speech_cache_prefix", "prefix"),
    Index("speech_cache_member", "member"),
    Index("speech_cache_job", "job"),
)

# Every version of a voice that has ever been loaded, and what its member has agreed to.
voice_ledger = Table(
    "voice_ledger",
    metadata,
    Column("member", Integer, primary_key=True),
    Column("version", String(255), primary_key=True),
    Column("slug", String(100), nullable=False),
    Column("name", String(100), nullable=False),
    Column("files", JSON, nullable=False),  # SHA-256 by role; null where the layout knows none
    Column("consent", JSON, nullable=False),  # scope, given, until: as the manifest has them
    Column("seen", Double, nullable=False),
)

# Members whose voices may not be used any more.
revoked_voices = Table(
    "revoked_voices",
    metadata,
    Column("member", Integer, primary_key=True),
    Column("revoked", Double, nullable=False),
    Column("by", String(200), nullable=False),
)
