"""The sentence for each error code, in English and Korean: what is wrong, then what to do.

A blank is a field of the error ({param} is the request field at fault). A code is stable; a sentence may change.
"""

MESSAGES: dict[str, tuple[str, str]] = {
    "internal": (
        "Something broke on our side. The log has the details under this request's id.",
        "서버 안에서 문제가 생겼습니다. 이 요청의 번호로 로그에서 원인을 찾을 수 있습니다.",
    ),
    "worker_lost": (
        "The worker died {crashes} times while it ran this job, so it was given up.",
        "이 작업을 하던 워커가 {crashes}번 죽어서 작업을 멈췄습니다.",
    ),
    "preempted_too_often": (
        "The job was interrupted {count} times (workers that went away), so it was given up.",
        "워커가 사라져 작업이 {count}번 끊겨서 멈췄습니다.",
    ),
    "storage_unavailable": (
        "The artifact storage does not answer. The job waits and goes on by itself.",
        "결과 저장소가 응답하지 않습니다. 작업은 기다렸다가 저절로 이어집니다.",
    ),
    "storage_outage": (
        "The artifact storage was away for {hours} hours, so the job was given up. Retry it.",
        "결과 저장소가 {hours}시간 동안 응답하지 않아 작업을 멈췄습니다. 다시 시도해 주세요.",
    ),
    "store_unavailable": (
        "The job store does not answer. Try again in a few seconds.",
        "작업 저장소가 응답하지 않습니다. 잠시 뒤 다시 시도해 주세요.",
    ),
    "expired": (
        "The job did not finish within its time to live ({ttl} seconds).",
        "작업이 정해진 시간({ttl}초) 안에 끝나지 않았습니다.",
    ),
    "output_exists": (
        "{output} exists already and is not this job's. Ask with overwrite, or choose another name.",
        "{output} 은(는) 이미 있고 이 작업의 것이 아닙니다. overwrite 로 요청하거나 다른 이름을 고르세요.",
    ),
    "part_failed": (
        "Part {part} failed: {reason}",
        "{part}번째 부분이 실패했습니다: {reason}",
    ),
    "all_failed": (
        "Every item of the batch failed. Look at its children.",
        "묶음의 모든 항목이 실패했습니다. 하위 작업을 확인하세요.",
    ),
    "job_not_found": (
        "There is no job {job}.",
        "{job} 작업이 없습니다.",
    ),
    "too_late_to_cancel": (
        "The job's result is already being stored; it cannot be cancelled any more.",
        "결과를 저장하는 중이라 더는 취소할 수 없습니다.",
    ),
    "not_final": (
        "The job is still {state}; only a finished one can be retried.",
        "작업이 아직 {state} 상태입니다. 끝난 작업만 다시 시도할 수 있습니다.",
    ),
    "idempotency_mismatch": (
        "This Idempotency-Key was used with another body. Use a new key for a new request.",
        "이 Idempotency-Key 는 다른 요청에 쓰였습니다. 새 요청에는 새 키를 쓰세요.",
    ),
    "nothing_to_retry": (
        "Every item of this batch succeeded; there is nothing to retry.",
        "묶음의 모든 항목이 성공해서 다시 할 것이 없습니다.",
    ),
    "retry_the_parent": (
        "A part cannot be retried by itself. Retry its job {job}.",
        "부분만 다시 할 수 없습니다. 작업 {job} 을(를) 다시 시도하세요.",
    ),
    "bad_cursor": (
        "This cursor is not one that we gave. Start again without {param}.",
        "우리가 준 커서가 아닙니다. {param} 없이 처음부터 다시 요청하세요.",
    ),
    "schema_too_old": (
        "The job store's schema is {found}, this version needs {wanted}. Run: moksori migrate",
        "작업 저장소의 스키마가 {found} 인데 {wanted} 이(가) 필요합니다. 실행하세요: moksori migrate",
    ),
}


def say(code: str, language: str = "en", **fields: object) -> str:
    """The sentence of a code in `language` ("ko", else English), its blanks filled from `fields`."""
    english, korean = MESSAGES[code]
    return (korean if language == "ko" else english).format_map(_Blanks(fields))


class _Blanks(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"
