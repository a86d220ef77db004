import io
import struct
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from speech.errors import BadMedia, Cancelled, TooLarge
from speech.media import Choice, MediaLimits, decode, samples
from tests.media_fixtures import encode, raw_wav, silence, stereo, tone, tracks, wav

pytestmark = pytest.mark.slow  # each decodes in a process of its own

LIMITS = MediaLimits(max_seconds=60, timeout=30)
HIGH = tone(1.5, rate=48_000)


def refusal(path: Path, limits: MediaLimits = LIMITS) -> str:
    with pytest.raises((BadMedia, TooLarge)) as caught:
        decode(path, path.with_name("out"), limits, param="file")
    assert caught.value.param == "file"
    assert caught.value.message("ko") != caught.value.message("en")
    return caught.value.code


def loudest_hz(path: Path) -> float:
    sound = samples(path)
    return float(np.abs(np.fft.rfft(sound)).argmax() * 16_000 / len(sound))


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("mp3", "libmp3lame", 48_000),
        ("flac", "flac", 48_000),
        ("ogg", "libopus", 48_000),
        ("webm", "libopus", 48_000),
        ("matroska", "aac", 48_000),
        ("mp4", "aac", 48_000),
        ("mov", "pcm_s16le", 48_000),
        ("adts", "aac", 48_000),
        ("aiff", "pcm_s16be", 48_000),
        ("caf", "pcm_s16be", 48_000),
        ("mpegts", "mp2", 48_000),
        ("avi", "mp2", 48_000),
        ("flv", "aac", 44_100),
        ("3gp", "aac", 48_000),
        ("amr", "libopencore_amrnb", 8_000),
        ("w64", "pcm_s16le", 48_000),
    ],
)
def test_a_file_is_known_by_what_is_in_it_not_by_its_name(tmp_path, container, codec, rate):
    path = encode(tmp_path / "a.txt", HIGH, container, codec, rate)
    decoded = decode(path, tmp_path / "out", LIMITS)
    assert decoded.duration == pytest.approx(1.5, abs=0.1)
    assert decoded.samples == len(samples(tmp_path / "out"))
    assert loudest_hz(tmp_path / "out") == pytest.approx(440, abs=3)
    assert decoded.warnings == []


@pytest.mark.parametrize(
    ("tag", "bits", "rate"),
    [
        (1, 8, 8_000),
        (1, 16, 11_025),
        (1, 16, 96_000),
        (1, 24, 44_100),
        (1, 32, 22_050),
        (3, 32, 48_000),
        (3, 64, 44_100),
    ],
)
def test_wav_of_every_width_and_rate_sounds_the_same(tmp_path, tag, bits, rate):
    wave = tone(1.0, rate) / 32768
    if tag == 3:
        data = wave.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        data = (wave * 127 + 128).astype(np.uint8).tobytes()
    elif bits == 24:
        whole = (wave * 2**31).astype("<i4").view(np.uint8).reshape(-1, 4)
        data = whole[:, 1:].tobytes()
    else:
        data = (wave * (2 ** (bits - 1) - 1)).astype(f"<i{bits // 8}").tobytes()
    decoded = decode(raw_wav(tmp_path / "a.wav", data, tag, bits, rate), tmp_path / "out", LIMITS)
    assert decoded.duration == pytest.approx(1.0, abs=0.002)
    assert loudest_hz(tmp_path / "out") == pytest.approx(440, abs=2)
    assert np.abs(samples(tmp_path / "out")).max() == pytest.approx(0.488, abs=0.05)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_channels_become_one(tmp_path, channels):
    decoded = decode(wav(tmp_path / "a.wav", tone(), channels=channels), tmp_path / "out", LIMITS)
    assert decoded.channels == channels
    assert decoded.duration == pytest.approx(1.0, abs=0.002)
    assert loudest_hz(tmp_path / "out") == pytest.approx(440, abs=2)


def test_the_sound_of_a_video_is_taken(tmp_path):
    path = encode(tmp_path / "v", HIGH, "mp4", "aac", picture=True)
    assert decode(path, tmp_path / "out", LIMITS).duration == pytest.approx(1.5, abs=0.1)


def test_a_video_without_sound_is_refused(tmp_path):
    assert refusal(encode(tmp_path / "v", None, "mp4", picture=True)) == "media_no_audio"


def test_a_picture_is_refused(tmp_path):
    with av.open(str(tmp_path / "p"), "w", format="image2") as out:
        stream = out.add_stream("png")
        stream.width, stream.height, stream.pix_fmt = 16, 16, "rgb24"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
        out.mux(stream.encode(None))
    assert refusal(tmp_path / "p") == "media_unreadable"


def test_nothing_is_refused_as_empty(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    assert refusal(tmp_path / "a.wav") == "media_empty"


def test_a_header_without_samples_is_refused_as_empty(tmp_path):
    assert refusal(wav(tmp_path / "a.wav", tone(0))) == "media_empty"


@pytest.mark.parametrize(
    "content",
    [
        b"Dear all, this is a text.\n" * 50,
        b"<html><body>404</body></html>",
        '{"안녕": 1}'.encode(),
        b"PK\x03\x04" + bytes(5000),
        b"%PDF-1.7\n" + bytes(range(256)) * 40,
        np.random.default_rng(7).bytes(300_000),
        b"RIFF\xff\xff\xff\xffWAVE",
        bytes(100_000),
    ],
    ids=["text", "html", "json", "zip", "pdf", "noise", "wav-head", "zeros"],
)
def test_what_is_not_media_is_refused_with_what_is_accepted(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    assert refusal(tmp_path / "a.wav") == "media_unreadable"
    assert "WAV, MP3" in BadMedia("media_unreadable").message("ko")


def test_an_mp4_cut_before_its_index_is_refused(tmp_path):
    path = encode(tmp_path / "a", HIGH, "mp4", "aac")
    path.write_bytes(path.read_bytes()[:-2000])
    assert refusal(path) == "media_unreadable"


@pytest.mark.parametrize(("container", "codec"), [("wav", ""), ("flac", "flac")])
def test_a_file_that_breaks_off_is_decoded_so_far_and_says_so(tmp_path, container, codec):
    sound = np.random.default_rng(1).integers(-9000, 9000, 48_000 * 8).astype(np.int16)
    if container == "wav":
        path = wav(tmp_path / "a", sound, 48_000)
    else:
        path = encode(tmp_path / "a", sound, container, codec)
        path.write_bytes(_with_length(path.read_bytes(), len(sound)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    decoded = decode(path, tmp_path / "out", LIMITS)
    assert decoded.duration == pytest.approx(4, abs=0.3)
    (warning,) = decoded.warnings
    assert warning["code"] == "media_truncated"
    assert warning["missing"] == pytest.approx(4, abs=0.3)


def _with_length(flac: bytes, count: int) -> bytes:
    """Write the count of samples where FLAC's first block has it (bits 108 to 144 of STREAMINFO)."""
    place = 8 + 13
    high = (flac[place] & 0xF0) | (count >> 32)
    return flac[:place] + bytes([high]) + struct.pack(">I", count & 0xFFFFFFFF) + flac[place + 5 :]


def test_a_recorder_that_did_not_know_the_length_causes_no_warning(tmp_path):
    path = wav(tmp_path / "a", tone(2))
    data = bytearray(path.read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    decoded = decode(path, tmp_path / "out", LIMITS)
    assert (decoded.duration, decoded.warnings) == (2.0, [])


def test_damage_in_the_middle_costs_only_itself(tmp_path):
    path = encode(tmp_path / "a", tone(8, 48_000), "flac", "flac")
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : third + 3000] = np.random.default_rng(3).bytes(3000)
    path.write_bytes(data)
    decoded = decode(path, tmp_path / "out", LIMITS)
    assert 5 < decoded.duration < 8.2


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n",
    "hls-absolute": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n",
    "hls-file": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nfile:{path}\n#EXT-X-ENDLIST\n",
    "hls-http": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
    "hls-concat": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nconcat:{path}\n#EXT-X-ENDLIST\n",
    "hls-subfile": "#EXTM3U\n#EXTINF:1,\nsubfile,,start,0,end,999,,:{path}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{name}'\n",
    "concat-absolute": "ffconcat version 1.0\nfile '{path}'\n",
    "concat-bare": "file '{path}'\n",
    "pls": "[playlist]\nFile1={path}\nNumberOfEntries=1\n",
    "m3u-bom": "\n#EXTM3U\n{path}\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "dash": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{path}</BaseURL></MPD>',
    "smil": "<smil><body><audio src='{path}'/></body></smil>",
    "asx": "<asx version='3.0'><entry><ref href='{path}'/></entry></asx>",
}


@pytest.fixture
def canary(tmp_path):
    """Another tenant's file that a hostile one names."""
    return encode(tmp_path / "canary.ts", HIGH, "mpegts", "mp2")


@pytest.mark.parametrize(
    ("kind", "ending"),
    [(kind, ".mp3") for kind in PLAYLISTS]
    + [("hls", ".m3u8"), ("hls", ".mp4"), ("concat", ".wav")],
)
def test_a_playlist_under_any_name_is_refused_and_yields_nothing(tmp_path, canary, kind, ending):
    path = tmp_path / f"a{ending}"
    path.write_text(PLAYLISTS[kind].format(name=canary.name, path=canary))
    assert refusal(path) == "media_playlist"
    assert not (tmp_path / "out").stat().st_size


@pytest.mark.parametrize(("kind", "ending"), [("hls", ".m3u8"), ("concat", ".wav")])
def test_without_the_guard_the_same_playlist_does_read_the_other_file(
    tmp_path, canary, monkeypatch, kind, ending
):
    path = tmp_path / f"a{ending}"
    path.write_text(PLAYLISTS[kind].format(name=canary.name, path=canary))
    monkeypatch.chdir(tmp_path)
    with av.open(str(path)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) > 48_000


def test_the_limits_alone_stop_a_playlist_that_the_whitelists_let_through(tmp_path, canary):
    path = tmp_path / "a.wav"
    path.write_text(PLAYLISTS["concat"].format(name=canary.name))
    program = (
        "import sys; sys.argv[0] = 'child'\n"
        "from speech import media_child\n"
        "media_child.FORMATS = 'concat,mpegts'\n"
        "import av; opened = av.open\n"
        "av.open = lambda file, **rest: opened(sys.argv[1])\n"
        "media_child.main(*sys.argv[1:])\n"
    )
    arguments = [str(path), str(tmp_path / "out"), "960000", "20", str(2**31), "0", "-1"]
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=Path(__file__).parents[1],
    )
    assert '"error": "media_unreadable"' in ran.stdout, ran.stderr


def test_a_sound_track_is_chosen_by_its_number(tmp_path):
    path = tracks(tmp_path / "a", *(tone(1, rate=48_000, hz=hz) for hz in (300, 600, 900)))
    for track, hz in enumerate((300, 600, 900)):
        decoded = decode(path, tmp_path / "out", LIMITS, choice=Choice(track))
        assert decoded.tracks == 3
        assert loudest_hz(decoded.path) == pytest.approx(hz, abs=5)
    with pytest.raises(BadMedia, match="tracks in the file: 3") as caught:
        decode(path, tmp_path / "out", LIMITS, choice=Choice(3))
    assert (caught.value.code, caught.value.param) == ("media_no_track", "track")


def test_a_channel_is_chosen_or_all_are_mixed(tmp_path):
    path = stereo(tmp_path / "a", tone(1, hz=300), tone(1, hz=900))
    heard = {
        channel: np.abs(
            np.fft.rfft(
                samples(decode(path, tmp_path / "out", LIMITS, choice=Choice(0, channel)).path)
            )
        )
        for channel in (None, 0, 1)
    }
    assert [(spectrum[300] > 1000, spectrum[900] > 1000) for spectrum in heard.values()] == [
        (True, True), (True, False), (False, True),
    ]  # fmt: skip
    with pytest.raises(BadMedia, match="sound track: 2") as caught:
        decode(path, tmp_path / "out", LIMITS, choice=Choice(0, 2))
    assert (caught.value.code, caught.value.param) == ("media_no_channel", "channel")


def test_the_right_channel_of_a_mono_recording_is_not_there(tmp_path):
    path = wav(tmp_path / "a", tone(1))
    assert decode(path, tmp_path / "out", LIMITS, choice=Choice(0, 0)).samples == 16_000
    with pytest.raises(BadMedia, match="sound track: 1"):
        decode(path, tmp_path / "out", LIMITS, choice=Choice(0, 1))


@pytest.mark.slow
@pytest.mark.parametrize(("container", "codec"), [("flac", "flac"), ("ogg", "libopus")])
def test_five_silent_hours_in_a_small_file_are_refused_with_flat_memory(
    tmp_path, monkeypatch, container, codec
):
    path = silence(tmp_path / "a.mp3", 5, container, codec)
    assert path.stat().st_size < 10_000_000
    short = decode(silence(tmp_path / "b", 0.01, container, codec), tmp_path / "o", LIMITS)
    with pytest.raises(TooLarge) as caught:
        decode(path, tmp_path / "out", MediaLimits())
    assert caught.value.code == "audio_too_long"
    assert "240 minutes" in caught.value.message()
    assert caught.value.fields["memory_bytes"] < short.memory_bytes + 20_000_000


def test_what_a_header_claims_does_not_count(tmp_path):
    path = wav(tmp_path / "a", tone(2))
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", 36_000 * 32_000)  # ten hours, it says
    path.write_bytes(data)
    assert decode(path, tmp_path / "out", LIMITS).duration == 2.0


def test_one_sample_a_second_does_not_blow_up(tmp_path):
    path = raw_wav(tmp_path / "a", bytes(2 * 20_000), 1, 16, 1)
    assert refusal(path) in {"audio_too_long", "media_unreadable"}


def test_a_decoder_that_takes_too_long_is_stopped(tmp_path):
    path = silence(tmp_path / "a", 10)
    assert refusal(path, MediaLimits(max_seconds=1e6, timeout=0.3)) == "media_timeout"


def test_a_cancelled_job_stops_the_decoder(tmp_path):
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        decode(silence(tmp_path / "a", 5), tmp_path / "out", MediaLimits(), check=stop)


def test_the_decoder_can_open_neither_files_nor_sockets_and_sees_no_environment(tmp_path):
    program = (
        "import os, socket\n"
        "from speech.media_child import confine\n"
        "status = open('/proc/self/status')\n"
        "confine(16000, 9, 2**31)\n"
        "for attempt in (lambda: open('/etc/hostname'), lambda: socket.socket()):\n"
        "    try: attempt()\n"
        "    except OSError as error: print(error.errno)\n"
        "try: bytearray(2**31)\n"
        "except MemoryError: print('memory')\n"
        "print([line.split()[1] for line in status if 'NoNewPrivs' in line])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=Path(__file__).parents[1],
    )
    assert ran.stdout.split() == ["24", "24", "memory", "['1']"], ran.stderr


def test_a_name_is_never_an_option_or_an_address(tmp_path):
    for name in ("-i", "concat:x", "$(x)", "a;rm", "http:", "녹음\n.wav"):
        path = wav(tmp_path / name, tone(0.2))
        assert decode(path, tmp_path / "out", LIMITS).duration == 0.2


def test_a_window_of_the_samples_can_be_read(tmp_path):
    decode(wav(tmp_path / "a", tone(2)), tmp_path / "out", LIMITS)
    whole = samples(tmp_path / "out")
    assert whole.dtype == np.float32
    assert np.array_equal(samples(tmp_path / "out", 100, 300), whole[100:300])
    (tmp_path / "none").write_bytes(b"")
    assert samples(tmp_path / "none").shape == (0,)


def test_a_stream_that_changes_its_rate_on_the_way_is_decoded_whole(tmp_path):
    first, second = io.BytesIO(), io.BytesIO()
    encode(tmp_path / "1", tone(1, 48_000), "adts", "aac", 48_000)
    encode(tmp_path / "2", tone(1, 48_000), "adts", "aac", 24_000)
    for part, name in ((first, "1"), (second, "2")):
        part.write((tmp_path / name).read_bytes())
    (tmp_path / "both").write_bytes(first.getvalue() + second.getvalue())
    decoded = decode(tmp_path / "both", tmp_path / "out", LIMITS)
    assert decoded.duration == pytest.approx(2, abs=0.2)


def test_the_decoder_ends_with_a_parent_that_is_killed(tmp_path):
    long = silence(tmp_path / "a", 100)
    program = (
        "import sys; from pathlib import Path; from speech.media import MediaLimits, decode\n"
        "decode(Path(sys.argv[1]), Path(sys.argv[2]), MediaLimits(1e9, 300))\n"
    )
    parent = psutil.Popen(
        [sys.executable, "-c", program, str(long), str(tmp_path / "out")],
        cwd=Path(__file__).parents[1],
    )
    deadline = time.monotonic() + 20
    # Its output has bytes once it decodes, so that its last rights are gone by then.
    while not (tmp_path / "out").exists() or not (tmp_path / "out").stat().st_size:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (child,) = parent.children()
    parent.kill()
    parent.wait(10)
    assert psutil.wait_procs([child], timeout=5)[0] == [child]
