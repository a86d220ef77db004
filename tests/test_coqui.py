"""Engine `coqui` against engine `onnx`: the same voice, the same input, the same noise.

The bounds: durations within one frame; with the durations forced equal, mels (whose values span -4 to 4)
within 1e-3 and samples (-1 to 1) within 1e-3. Measured on two CPUs: 0 frames, 4e-6, 1.3e-5.
"""

import json
import os
import pickle
import re
import shutil
import subprocess
import zipfile
from functools import cache, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.korean.reader import symbols
from speech.settings import Settings
from speech.voices import load_voices
from voice_model.engines import Engine, load
from voice_model.pipeline import SpeakOptions, acoustic

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-coqui" / "bin" / "python"
MEL_BOUND = 1e-3
SAMPLE_BOUND = 1e-3
READINGS = ("안녕하세요, 저는 목쏘리임니다.", "오느른 날씨가 참 조쏘?", "네!")
VOICES = load_voices(Settings())


def cases() -> list[dict[str, Any]]:
    """Every member, readings long and short, without noise and with it, durations free and forced."""
    found = []
    for voice in VOICES:
        for reading in READINGS:
            ids = symbols(reading, voice)[0]
            forced = [3 + n % 5 for n in range(len(ids))]
            forced[-1] += sum(forced) % 2
            for noise_scale, frames in ((0.0, None), (0.4, forced)):
                found.append(
                    {
                        "member": voice.member,
                        "symbols": ids,
                        "noise_scale": noise_scale,
                        "frames": frames,
                    }
                )
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], Any, Any]]:
    """(case, what onnx made, what coqui made) of every case."""
    folder = tmp_path_factory.mktemp("coqui")
    given = cases()
    (folder / "cases.json").write_text(json.dumps(given), "utf-8")
    _run("tests.coqui_side", folder / "cases.json", folder / "o.npz")
    with np.load(folder / "o.npz") as made:
        coqui = [_case(made, number) for number in range(len(given))]
    return [(case, _onnx(case), theirs) for case, theirs in zip(given, coqui, strict=True)]


def _run(module: str, *arguments: Path) -> str:
    if not PYTHON.exists():
        pytest.fail("The coqui engine has no environment yet. Run: make coqui")
    return subprocess.run(
        [PYTHON, "-W", "ignore", "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=150,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def _case(made: Any, number: int) -> dict[str, np.ndarray]:
    names = ("mel", "frames", "samples", "library")
    return {name: made[f"{name}{number}"] for name in names if f"{name}{number}" in made}


@cache
def _engine() -> Engine:
    return load(VOICES, Settings(speech_engine="onnx"))


def _onnx(case: dict[str, Any]) -> dict[str, np.ndarray]:
    engine, voice = _engine(), VOICES.find(case["member"])
    forced = tuple(case["frames"]) if case["frames"] else None
    options = SpeakOptions(noise_scale=case["noise_scale"], frames=forced)
    mel, frames = acoustic(engine.networks[voice.model], case["symbols"], voice, options)
    audio, _ = engine.synthesize(case["symbols"], voice, options)
    return {"mel": mel, "frames": np.array(frames), "samples": audio.samples}


@pytest.mark.coqui
@pytest.mark.slow
def test_durations_agree_within_one_frame(both: Any) -> None:
    free = [(ours, theirs) for case, ours, theirs in both if not case["frames"]]
    assert len(free) == 15
    assert max(np.abs(ours["frames"] - theirs["frames"]).max() for ours, theirs in free) <= 1


@pytest.mark.coqui
@pytest.mark.slow
def test_mel_and_sound_agree_with_the_durations_forced_equal(both: Any) -> None:
    forced = [(ours, theirs) for case, ours, theirs in both if case["frames"]]
    assert len(forced) == 15
    for ours, theirs in forced:
        assert np.abs(ours["mel"] - theirs["mel"]).max() < MEL_BOUND
        assert np.abs(ours["samples"] - theirs["samples"]).max() < SAMPLE_BOUND


@pytest.mark.coqui
@pytest.mark.slow
def test_the_noise_is_heard_so_that_agreeing_on_it_means_something(both: Any) -> None:
    case, ours, _ = next(each for each in both if each[0]["frames"])
    still = _onnx({**case, "noise_scale": 0.0})
    assert np.abs(ours["mel"] - still["mel"]).max() > 100 * MEL_BOUND


@pytest.mark.coqui
@pytest.mark.slow
def test_our_way_through_the_networks_is_coquis_own(both: Any) -> None:
    compared = 0
    for _, ours, theirs in both:
        if "library" not in theirs:
            continue
        # We add a frame to an odd sum, the library drops one.
        shared = min(ours["mel"].shape[1], theirs["library"].shape[1]) - 2
        # The flow sees some frames around each: the last ones differ where the ends do.
        steady = max(shared - 60, 0) if ours["mel"].shape != theirs["library"].shape else shared
        if not steady:
            continue
        difference = ours["mel"][:, :steady] - theirs["library"][:, :steady]
        assert np.abs(difference).max() < MEL_BOUND
        compared += 1
    assert compared >= 5


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of members 1 and 2, whom two old releases made, and of others made from them."""
    folder = tmp_path_factory.mktemp("older") / "voices"
    shutil.copytree(Path(__file__).parent / "data" / "older", folder)
    for member in (3, 4, 5, 6, 7, 8):
        _copy(folder, 2, member)
    canary = _Canary(folder / "canary")
    with zipfile.ZipFile(folder / "glow-tts/3/3g_checkpoint_1200.pth.tar", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"model": {}, "config": canary}, 2))
        archive.writestr("archive/version", "3")
    np.save(
        folder / "glow-tts/4/scale_stats.npy", np.array({"mel_mean": canary}), allow_pickle=True
    )
    _edit(
        folder / "glow-tts/5/5g_config.json", "audio", "stats_path", "https://example.com/stats.npy"
    )
    _edit(
        folder / "hifigan-v2/6/6h_config.json",
        "audio",
        "stats_path",
        "../../glow-tts/2/scale_stats.npy",
    )
    _edit(folder / "glow-tts/7/7g_config.json", "speakers_file", "/etc/passwd")
    config = folder / "glow-tts/8/8g_config.json"
    config.write_text(
        config.read_text("utf-8").replace('"audio"', '// of the mel\n"audio"', 1), "utf-8"
    )
    shutil.copy(folder / "heard2.npz", folder / "heard8.npz")
    told = json.loads(_run("tests.coqui_older", folder).splitlines()[-1])
    return {**told, "canary": (folder / "canary").exists()}


class _Canary:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def _copy(folder: Path, member: int, other: int) -> None:
    for network in ("glow-tts", "hifigan-v2"):
        shutil.copytree(folder / network / str(member), folder / network / str(other))
        for file in (folder / network / str(other)).glob(f"{member}[gh]_*"):
            file.rename(file.with_name(f"{other}{file.name.removeprefix(str(member))}"))


def _edit(path: Path, *names_and_value: str) -> None:
    config = json.loads(path.read_text("utf-8"))
    *names, last, value = names_and_value
    reduce(lambda inner, name: inner[name], names, config)[last] = value
    path.write_text(json.dumps(config), "utf-8")


@pytest.mark.coqui
@pytest.mark.slow
@pytest.mark.parametrize("member", ["1", "2", "8"])
def test_a_pair_of_an_old_release_speaks_as_it_did_there(
    older: dict[str, Any], member: str
) -> None:
    far = older[member]
    assert far["frames"] <= 1
    assert far["mel"] < MEL_BOUND and far["scaled"] < MEL_BOUND
    assert far["samples"] < SAMPLE_BOUND < 0.5 < far["loud"]
    assert far["long"] > 10_000 and far["long"] % 256 == 0


@pytest.mark.coqui
@pytest.mark.slow
@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("3", "weights_only|Weights only"),
        ("4", "scale_stats.npy holds no means.*is not part of an array"),
        ("5", "audio.stats_path is a URL"),
        ("6", "audio.stats_path names .* not in the voice's folder"),
        ("7", "speakers_file names /etc/passwd, which is not in the voice's folder"),
    ],
)
def test_code_in_a_file_and_a_config_that_leads_out_break_their_voice_alone(
    older: dict[str, Any], member: str, reason: str
) -> None:
    assert re.search(reason, older["broken"][member])
    assert older["broken"].keys() == {"3", "4", "5", "6", "7"}
    assert not older["canary"]


@pytest.mark.coqui
@pytest.mark.slow
def test_the_wide_convolutions_of_exported_graphs_say_the_same() -> None:
    told = json.loads(_run("tests.coqui_wide").splitlines()[-1])
    assert told.keys() == {"encoder", "decoder", "vocoder"}
    assert all(each["apart"] < 1e-5 and each["replaced"] > 5 for each in told.values())


def test_both_locks_name_the_same_versions() -> None:
    run, coqui = (_pins(ROOT / "requirements" / name) for name in ("run.txt", "coqui.txt"))
    both_have = run.keys() & coqui.keys()
    assert len(both_have) > 5
    assert {name: run[name] for name in both_have} == {name: coqui[name] for name in both_have}


def _pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)(?:\[.*\])?==(\S+)", path.read_text("utf-8"), re.MULTILINE))
