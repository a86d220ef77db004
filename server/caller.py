"""Who calls: the key or token of a request and what it may do. One hook asks before any view runs.

Keys are asked for as soon as one was ever made, on any address but loopback, and where the settings say so.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from flask import current_app, g, request

from server.contract import Told
from server.limits import count_request
from server.origins import refuse_rebound
from server.process import is_loopback
from server.service import Service, here
from speech import access, tokens
from speech.access import SCOPES, ApiKey
from speech.database import Database
from speech.errors import Forbidden, Internal, InvalidRequest, Unauthorized, Unavailable
from speech.jobs import DEFAULT_TENANT
from speech.quotas import Account

SCOPE_OF = {"speech": "speak", "transcription": "transcribe"}  # by lane


@dataclass(frozen=True)
class Caller:
    """The rights of one request; `key` is None while none is asked for, `token` tells that it came with a token."""

    tenant: str = DEFAULT_TENANT
    scopes: tuple[str, ...] = SCOPES
    members: tuple[int, ...] | None = None
    buckets: tuple[str, ...] | None = None
    key: ApiKey | None = None
    token: bool = False

    @property
    def account(self) -> Account | None:
        """What its requests and jobs count against."""
        if self.key is None:
            return None
        return Account(self.key.id, self.key.limits.or_default(here().settings))

    def ended(self, db: Database) -> Unauthorized | None:
        """Why an answer that is still streamed has to end: the key was revoked, or its time is over."""
        if self.key is not None:
            with suppress(Unavailable):  # then it is asked again at the next look
                with db.read() as connection:
                    return access.refusal(connection, self.key.id, db.now(connection))
        return None

    def need(self, *scopes: str) -> None:
        """Raises Forbidden("scope_missing") without one of these."""
        if not set(scopes) & set(self.scopes):
            raise Forbidden("scope_missing", needed=" / ".join(scopes), has=self.scopes)

    def may_speak(self, member: int) -> bool:
        """Whether this caller may use a member's voice."""
        return self.members is None or member in self.members

    def need_member(self, member: int, param: str) -> None:
        """Raises Forbidden("member_not_allowed")."""
        if not self.may_speak(member):
            allowed = self.members or ("-",)
            raise Forbidden("member_not_allowed", param=param, member=member, allowed=allowed)

    def need_place(self, url: str, param: str, own: bool = False) -> None:
        """Raises Forbidden("bucket_not_allowed") for a gs:// URL; `own` when it lies in its tenant's own part.

        A bucket is shared by all tenants, so all but the default one need a key that names the place.
        """
        if self.buckets is None:
            allowed = own or self.tenant == DEFAULT_TENANT
        else:
            allowed = any(url == one or url.startswith(f"{one}/") for one in self.buckets)
        if not allowed:
            told = self.buckets or ("-",)
            raise Forbidden("bucket_not_allowed", param=param, allowed=told)


def caller() -> Caller:
    """Whose request this is, and what it may do."""
    who: Caller = g.caller
    return who


def admit() -> None:
    """Find out who calls, and let nobody through who lacks the scope that the route declares.

    Raises Unauthorized, Forbidden (scope_missing, foreign_host), LimitReached or InvalidRequest("key_in_query").
    """
    _refuse_keys(part for pair in request.args.items(multi=True) for part in pair)
    if request.endpoint is None or request.method == "OPTIONS":
        return  # no such route; or a browser's question before its request, which carries no key
    told: Told = getattr(current_app.view_functions[request.endpoint], "told", Told())
    if told.open:
        return
    if not told.scopes:
        raise Internal("internal")
    who = g.caller = _find(here())
    if who.account is not None:
        count_request(who.account)
    who.need(*told.scopes)


def _refuse_keys(words: Iterable[str]) -> None:
    if any(word.startswith((access.MARK, tokens.MARK)) for word in words):
        raise InvalidRequest("key_in_query")


def _find(service: Service) -> Caller:
    given, settings, db = _bearer(), service.settings, service.store.db
    asked = settings.require_keys or not is_loopback(settings.host)
    if asked and given is None:
        raise Unauthorized("key_missing")  # a flood of such requests is not felt by the store
    with db.read() as connection:
        if not asked and not access.exist(connection):
            refuse_rebound(settings)
            return Caller()
        if given is None:
            raise Unauthorized("key_missing")
        now = db.now(connection)
        if given.startswith(tokens.MARK):
            token = service.tokens.read(given)
            key = access.by_id(connection, token.key, now)
            who = Caller(key.tenant, token.scopes, token.members, key.buckets, key, token=True)
        else:
            key = access.find(connection, given, now)
            who = Caller(key.tenant, key.scopes, key.members, key.buckets, key)
    with suppress(Unavailable):  # a store that is too busy for this note still answers reads
        access.note_use(db, key, now)
    return who


def _bearer() -> str | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() or None if scheme.lower() == "bearer" else None
