"""The purge: takes what has outlived its time, and never what a live job needs.

Each step writes down in short transactions what goes (speech/erasing.py); the bytes are removed after that, from the
trash. So a run may be broken off anywhere, and the next one goes on. One run in the deployment at a time.
"""

import contextlib
import functools
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from sqlalchemy import Row, delete, select

from speech import counting, erasing, locks, retention, speech_cache, strays, uploads
from speech.database import Tx
from speech.errors import Conflict, Unavailable
from speech.retention import BEGINNING, DAY, FILE, ROW, WHOLE, Keep
from speech.schema import jobs, tombstones, trash
from speech.settings import Settings
from speech.storage import Storage
from speech.store import JobStore
from speech.uploads import Upload

log = logging.getLogger(__name__)

BATCH = 50  # jobs or objects a transaction
LEASE = 600.0  # seconds
LOOK_AGAIN = 7 * DAY  # for the file that keeps a row; a bucket charges for each look
MOST_LOOKS = 5_000  # for such files in one run
MARGIN = DAY  # a stray younger than this may belong to an attempt or upload that is at work
OWNER = "t/owner.txt"  # names the one store whose files these are


class Taken(Exception):
    """Another process purges just now."""


class _Rehearsed(Exception):
    """Nothing of this transaction is to stay."""


class Purge:
    """One run; with `dry` everything is looked for and nothing is changed.

    `done` counts what went: uploads, inputs, artifacts (jobs whose files went), rows, tombstones,
    speech (entries of the cache), strays, objects
    (removed from storage), and `failed` ones.
    """

    def __init__(
        self, store: JobStore, storage: Storage, settings: Settings, name: str, dry: bool = False
    ) -> None:
        self.store, self.storage, self.name, self.dry = store, storage, name, dry
        self.keep = Keep.from_settings(settings)
        self.most_speech = settings.speech_cache_bytes
        self.done: Counter[str] = Counter()

    def run(self, look_for_strays: bool = True) -> Counter[str]:
        """All steps. Raises Taken, and Unavailable when store or storage is away: the next run goes on."""
        complete = False
        try:
            with self._writing():
                pass  # the lock is ours, or Taken
            self._take_uploads()
            self._take_inputs()
            self._take_artifacts()
            self._take_rows()
            self._look_for_files()
            self._clear_tombstones()
            self._take_speech()
            if look_for_strays:
                self._find_strays()
            self._empty_trash()
            complete = True
        finally:
            self._end(complete)
        return +self.done  # without zeros

    def _take_uploads(self) -> None:
        after = BEGINNING
        while late := self._late_uploads(after):
            with self._writing() as tx:
                for upload in late:
                    erasing.take_upload(tx, upload)
                    self.done["uploads"] += 1
            after = (late[-1].expires, late[-1].id)

    def _late_uploads(self, after: retention.Place) -> list[Upload]:
        with self.store.db.read() as connection:
            now = self.store.db.now(connection)
            return uploads.expired(connection, now, after, BATCH)

    def _take_inputs(self) -> None:
        for rows in self._pages(retention.with_old_inputs, self.keep.inputs):
            with self._writing() as tx:
                for key, tenant in sorted({(row.input_key, row.tenant) for row in rows}):
                    went = erasing.take_input(tx, key, tenant, tx.now - self.keep.inputs)
                    self.done["inputs"] += went

    def _take_artifacts(self) -> None:
        whole = functools.partial(retention.ended, purged=WHOLE)
        for rows in self._pages(whole, self.keep.artifacts):
            with self._writing() as tx:
                for family in self._families(tx, rows):
                    erasing.take_artifacts(tx, family, ROW, self.keep.artifacts / DAY)
                    self.done["artifacts"] += 1

    def _take_rows(self) -> None:
        for purged in (WHOLE, ROW):
            due = functools.partial(retention.ended, purged=purged)
            for rows in self._pages(due, self.keep.rows):
                self._take(rows)

    def _look_for_files(self) -> None:
        with self.store.db.read() as connection:
            rows = retention.to_look_at(connection, self.store.db.now(connection), MOST_LOOKS)
        for start in range(0, len(rows), BATCH):
            self._take(rows[start : start + BATCH])

    def _take(self, rows: list[Row]) -> None:
        """Forget jobs, but for those whose promised file is still there."""
        kept = {row.id for row in rows if any(map(self._is_there, _files(row)))}
        with self._writing() as tx:
            for family in self._families(tx, rows):
                top = family[0].id
                if top in kept:
                    erasing.take_artifacts(tx, family, FILE, self.keep.rows / DAY)
                    again = jobs.update().where(jobs.c.id == top)
                    tx.connection.execute(again.values(expires=tx.now + LOOK_AGAIN))
                else:
                    erasing.forget(tx, family)
                    self.done["rows"] += len(family)

    def _clear_tombstones(self) -> None:
        if math.isfinite(self.keep.tombstones):
            with self._writing() as tx:
                old = delete(tombstones).where(tombstones.c.gone < tx.now - self.keep.tombstones)
                self.done["tombstones"] += tx.connection.execute(old).rowcount

    def _take_speech(self) -> None:
        """What is kept for the next request: what nobody asks for, then what is too much."""
        for take in (
            lambda tx: speech_cache.take_old(tx, tx.now - self.keep.speech, BATCH),
            lambda tx: speech_cache.take_over(tx, self.most_speech, BATCH),
        ):
            went = 1
            while went:
                with self._writing() as tx:
                    went = take(tx)
                    self.done["speech"] += went
                went = 0 if self.dry else went

    def _find_strays(self) -> None:
        if not self._is_alone():
            return
        with self.store.db.read() as connection:
            before = self.store.db.now(connection) - MARGIN
        self.done["strays"] += self.storage.tidy(before, self.dry)
        for bunch in strays.listed(self.storage, before):
            with self.store.db.read() as connection:
                lost = strays.unknown(connection, bunch, before)
            if lost:
                with self._writing() as tx:
                    erasing.throw_away(tx, lost)
                    self.done["strays"] += len(lost)

    def _is_alone(self) -> bool:
        """Whether this storage is this store's only: to it, what another store knows would look like strays."""
        with self.store.writing() as tx:
            name = locks.own_name(tx).encode()
        if not self.dry and self.storage.stat(OWNER) is None:
            with contextlib.suppress(Conflict):
                self.storage.put(OWNER, name, "text/plain", name.decode())
        if self.storage.stat(OWNER) is None or b"".join(self.storage.open(OWNER)) == name:
            return True
        log.error(
            "%s in storage is another store's; strays are left (see docs/retention.md)", OWNER
        )
        return False

    def _empty_trash(self) -> None:
        last = ""
        while keys := ([] if self.dry else self._thrown_away(last)):
            gone = [key for key in keys if self._is_removed(key)]
            with self._writing() as tx:
                tx.connection.execute(delete(trash).where(trash.c.key.in_(gone)))
                stuck = trash.update().where(trash.c.key.in_(set(keys) - set(gone)))
                tx.connection.execute(stuck.values(tries=trash.c.tries + 1))
            self.done["objects"] += len(gone)
            last = keys[-1]

    def _thrown_away(self, after: str) -> list[str]:
        query = select(trash.c.key).where(trash.c.key > after).order_by(trash.c.key).limit(BATCH)
        with self.store.db.read() as connection:
            return list(connection.execute(query).scalars())

    def _is_removed(self, key: str) -> bool:
        def remove() -> bool:
            if key.endswith("/"):
                self.storage.delete_prefix(key)
            else:
                self.storage.delete(key)
            return True

        return self._told(key, remove, unsure=False)

    def _is_there(self, key: str) -> bool:
        return self._told(key, lambda: self.storage.stat(key) is not None, unsure=True)

    def _told(self, key: str, ask: Callable[[], bool], unsure: bool) -> bool:
        """What storage says of one object; `unsure` when it fails there alone. Raises StorageUnavailable."""
        try:
            return ask()
        except Exception as error:  # a lock, a right, a fault of the client's: the others go on
            self.done["failed"] += 1
            log.warning("%s: not purged (%s); the next run tries again", key, error)
            self.storage.probe()
            return unsure

    def _pages(self, look: Callable[..., list[Row]], keep: float) -> Iterator[list[Row]]:
        """What ended longer than `keep` ago, a batch at a time; what stays is passed over."""
        after = BEGINNING
        while math.isfinite(keep):
            with self.store.db.read() as connection:
                before = self.store.db.now(connection) - keep
                rows = look(connection, cutoff=before, after=after, limit=BATCH)
            if not rows:
                return
            after = (rows[-1].finished, rows[-1].id)
            yield rows

    def _families(self, tx: Tx, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """Those jobs with all below them that nobody needs, the topmost row first."""
        locked = erasing.lock_roots(tx, [row.id for row in rows])
        for top in sorted(locked):
            family = erasing.members(tx.connection, top)
            if not erasing.needed(tx.connection, family):
                yield family

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Tx]:
        """A transaction that renews the lock of the purge; nothing of it stays when only looking."""
        with contextlib.suppress(_Rehearsed), self.store.writing() as tx:
            if not self.dry and not locks.hold(tx, "purge", self.name, LEASE):
                raise Taken
            yield tx
            if self.dry:
                raise _Rehearsed

    def _end(self, complete: bool) -> None:
        """Count what went, and let another one purge."""
        if self.dry:
            return
        with contextlib.suppress(Unavailable), self.store.writing() as tx:
            counting.add(tx, {f"purged_{kind}": count for kind, count in self.done.items()})
            if complete:
                counting.put(tx, "purge_completed", tx.now)
            locks.let_go(tx, "purge", self.name)


def _files(row: Row) -> list[str]:
    return retention.lasting(row.state, row.tenant, row.outputs)
