"""The C library's heap, told to keep what is freed: Whisper asks for the same large blocks again and again."""

import ctypes
from typing import Any

# From glibc's <malloc.h>; what they do is in mallopt(3).
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_NEVER = 2**31 - 1


def keep_freed() -> bool:
    """Keep the memory that this process frees for what it asks for next; False where the C library cannot be told.

    Else glibc takes every large block fresh from the kernel, which fills it with zeros page by page, and gives it back
    at once: a fifth of the time that a recording took (docs/performance.md). One arena, because only that of the
    main thread can grow as one piece. Best before threads are started.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    options = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_ARENA_MAX, 1))
    return all([mallopt(option, value) for option, value in options])


def give_back() -> bool:
    """Give what is free back to the kernel, once something large has gone; False where there was nothing to give."""
    malloc_trim = _function("malloc_trim")
    return malloc_trim is not None and bool(malloc_trim(0))


def _function(name: str) -> Any:
    """A function of the C library; None where it has none of that name (musl, macOS)."""
    return getattr(ctypes.CDLL(None), name, None)
