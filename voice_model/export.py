"""Make the shipped voices from native checkpoints: half precision, ONNX graphs, manifest.

Runs in .venv-coqui: `python -m voice_model.export CHECKPOINTS CARD OUT`, where CHECKPOINTS holds
glow_tts/{model.pth,config.json,speakers.json} and hifigan/{model.pth,config.json}, and CARD is a JSON
file with the manifest's "voices" and each model's language and noise scale.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from TTS.tts.models.glow_tts import GlowTTS
from TTS.tts.utils.text.characters import Graphemes

from speech.voices import MANIFEST, read_voices
from voice_model.coqui import load_acoustic, load_vocoder
from voice_model.wide import widen

OPSET = 17
NATIVE = {
    "acoustic_checkpoint": "glow_tts/model.pth",
    "acoustic_config": "glow_tts/config.json",
    "speakers": "glow_tts/speakers.json",
    "vocoder_checkpoint": "hifigan/model.pth",
    "vocoder_config": "hifigan/config.json",
}
GRAPHS = {name: f"onnx/{name}.onnx" for name in ("encoder", "decoder", "vocoder")}


class Encoder(torch.nn.Module):
    """symbols (b, n), lengths (b,), speaker (b,) -> mean and log_std (b, 80, n), log_frames (b, n)."""

    def __init__(self, model: GlowTTS) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, symbols: torch.Tensor, lengths: torch.Tensor, speaker: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """One pass of the text half."""
        mean, log_std, log_frames, _ = self.model.encoder(
            symbols, lengths, g=_speaker(self.model, speaker)
        )
        return mean, log_std, log_frames.squeeze(1)


class Decoder(torch.nn.Module):
    """latent (b, 80, t), mask (b, 1, t), speaker (b,) -> mel (b, 80, t), for even t."""

    def __init__(self, model: GlowTTS) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, latent: torch.Tensor, mask: torch.Tensor, speaker: torch.Tensor
    ) -> torch.Tensor:
        """One pass of the flow, backwards."""
        return self.model.decoder(latent, mask, g=_speaker(self.model, speaker), reverse=True)[0]


class Vocoder(torch.nn.Module):
    """mel (b, 80, t) -> samples (b, t * 256)."""

    def __init__(self, generator: torch.nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """One pass of the generator."""
        return self.generator(mel).squeeze(1)


def export(checkpoints: Path, card: dict[str, Any], out: Path) -> None:
    """Write the native half-precision files, the graphs made from them, and the manifest."""
    for role, name in NATIVE.items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (_halve if role.endswith("checkpoint") else shutil.copyfile)(checkpoints / name, target)
    config = json.loads((out / NATIVE["acoustic_config"]).read_text("utf-8"))
    (out / "onnx").mkdir(exist_ok=True)
    _write_manifest(out, card, config, NATIVE)  # the graphs are made from what ships, checked
    _write_graphs(out)
    _write_manifest(out, card, config, NATIVE | GRAPHS)


def _halve(source: Path, target: Path) -> None:
    state = torch.load(source, map_location="cpu", weights_only=True)
    weights = {name: tensor.half() for name, tensor in state["model"].items()}
    torch.save({"model": weights, "model_disc": {}, "step": int(state["step"])}, target)


def _write_graphs(out: Path) -> None:
    voice = next(iter(read_voices(out)))
    model, generator = load_acoustic(voice), load_vocoder(voice)
    symbols, lengths = torch.arange(1, 41)[None], torch.tensor([40])
    speaker, frames = torch.tensor([0]), torch.zeros(1, 80, 200)
    _graph(
        Encoder(model),
        {"symbols": symbols, "lengths": lengths, "speaker": speaker},
        {"mean": {2: "n"}, "log_std": {2: "n"}, "log_frames": {1: "n"}},
        out / GRAPHS["encoder"],
    )
    _graph(
        Decoder(model),
        {"latent": frames, "mask": torch.ones(1, 1, 200), "speaker": speaker},
        {"mel": {2: "t"}},
        out / GRAPHS["decoder"],
    )
    _graph(Vocoder(generator), {"mel": frames}, {"samples": {1: "s"}}, out / GRAPHS["vocoder"])


def _graph(
    module: torch.nn.Module,
    inputs: dict[str, torch.Tensor],
    outputs: dict[str, dict[int, str]],
    path: Path,
) -> None:
    last = {"symbols": "n", "latent": "t", "mask": "t", "mel": "t"}
    axes = {name: {inputs[name].dim() - 1: axis} for name, axis in last.items() if name in inputs}
    with torch.no_grad():
        torch.onnx.export(
            widen(module).eval(),
            tuple(inputs.values()),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes | outputs,
        )


def _write_manifest(
    out: Path, card: dict[str, Any], config: dict[str, Any], files: dict[str, str]
) -> None:
    model = card["model"] | {
        "rate_hz": config["audio"]["sample_rate"],
        "hop_samples": config["audio"]["hop_length"],
        # A list: joined, an editor that normalizes would turn the jamo into syllables.
        "symbols": _symbols(config["characters"]),
        "files": {
            role: {"path": name, "sha256": hashlib.sha256((out / name).read_bytes()).hexdigest()}
            for role, name in files.items()
        },
    }
    (name,) = {voice["model"] for voice in card["voices"]}
    manifest = {"format": 1, "voices": card["voices"], "models": {name: model}}
    text = json.dumps(manifest, ensure_ascii=False, indent=2)
    (out / MANIFEST).write_text(text + "\n", "utf-8")


def _symbols(characters: dict[str, Any]) -> list[str]:
    if characters["is_unique"] and not characters["is_sorted"]:
        raise ValueError("is_unique without is_sorted orders symbols by the process's hash seed")
    given = {name: value for name, value in characters.items() if name != "characters_class"}
    known = ("characters", "punctuations", "pad", "eos", "bos", "blank", "is_unique", "is_sorted")
    return list(Graphemes(**{name: given[name] for name in known}).vocab)


def _speaker(model: GlowTTS, speaker: torch.Tensor) -> torch.Tensor | None:
    return model._get_speaker_conditioning({"speaker_ids": speaker}, "emb_g")


if __name__ == "__main__":
    source, card_file, target = map(Path, sys.argv[1:4])
    export(source, json.loads(card_file.read_text("utf-8")), target)
