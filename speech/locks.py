"""Lease rows: one process of the deployment at a time does a thing, or does it once in a while."""

import math
import uuid

from sqlalchemy import select

from speech.database import Tx
from speech.schema import locks
from speech.turns import upsert


def hold(tx: Tx, name: str, holder: str, seconds: float) -> bool:
    """Take or renew a lease row; False while another holder's stands."""
    row = tx.connection.execute(
        select(locks).where(locks.c.name == name).with_for_update()
    ).one_or_none()
    if row is None:
        made = tx.connection.execute(
            upsert(tx, locks)
            .values(name=name, holder=holder, until=tx.now + seconds)
            .on_conflict_do_nothing()
            .returning(locks.c.name)
        )
        return made.one_or_none() is not None
    if row.holder != holder and row.until > tx.now:
        return False
    tx.connection.execute(
        locks.update().where(locks.c.name == name).values(holder=holder, until=tx.now + seconds)
    )
    return True


def let_go(tx: Tx, name: str, holder: str) -> None:
    """Give a lease row back, if it is still this holder's."""
    tx.connection.execute(locks.delete().where(locks.c.name == name, locks.c.holder == holder))


def own_name(tx: Tx) -> str:
    """The name of this store, made when it is first asked for."""
    hold(tx, "store", str(uuid.uuid4()), math.inf)
    return str(
        tx.connection.execute(select(locks.c.holder).where(locks.c.name == "store")).scalar()
    )


def due(tx: Tx, name: str, seconds: float) -> bool:
    """True for one caller of the deployment every `seconds`."""
    return hold(tx, name, str(uuid.uuid4()), seconds)
