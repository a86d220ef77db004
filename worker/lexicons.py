"""The lexicons that a worker reads with: from the store, and again when a tenant has changed its own."""

from collections import OrderedDict
from collections.abc import Iterable

from speech import lexicon_rows
from speech.korean import lexicon as reading
from speech.korean.lexicon import Lexicon
from speech.lexicon import EVERYBODY, Entry, kind_of
from speech.store import JobStore

MOST = 50  # kept in memory
EMPTY = Lexicon()


class Lexicons:
    """One in each child; asks for the version, and for the entries when it is another one."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._kept: OrderedDict[tuple[str, int], tuple[int, Lexicon]] = OrderedDict()

    def of(self, tenant: str, member: int) -> Lexicon:
        """What holds for a tenant's member now. Raises Unavailable."""
        with self._store.db.read() as connection:
            version = lexicon_rows.version(connection, tenant)
            if not version:
                return EMPTY
            known = self._kept.pop((tenant, member), None)
            if known is None or known[0] != version:
                known = version, for_reading(lexicon_rows.holding(connection, tenant, member))
        self._kept[tenant, member] = known
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return known[1]

    def entries(self, tenant: str) -> list[Entry]:
        """A tenant's entries that hold for every member, as they are now. Raises Unavailable."""
        with self._store.db.read() as connection:
            return lexicon_rows.holding(connection, tenant, EVERYBODY)


def for_reading(entries: Iterable[Entry]) -> Lexicon:
    """The entries that hold for one member, as the reader takes them: a member's own instead of those of all."""
    own_last = sorted(entries, key=lambda entry: entry.member)
    by_word = {
        word: reading.Entry(word, entry.spoken, entry.priority, entry.whole_word, kind_of(entry))
        for entry in own_last
        for word in (*entry.aliases, entry.written)
    }
    return Lexicon(by_word.values())
