"""A voice of the size that coqui's defaults give, to measure with: Glow-TTS of 28 M parameters by chance, HiFi-GAN v2.

`.venv-coqui/bin/python -m bench.seed_voice FOLDER` writes FOLDER/checkpoints as coqui saves them and FOLDER/voices
made from those. Durations are about those of speech; the vocoder is the shipped one.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from TTS.tts.models.glow_tts import GlowTTS

from speech.voices import SHIPPED, read_voices
from voice_model.coqui import load_vocoder
from voice_model.coqui_config import SHAPE, architecture, read_config
from voice_model.export import export

FRAMES = 6.0  # of a symbol


def main(folder: Path) -> None:
    """Make the checkpoints, then the voices."""
    torch.manual_seed(1)
    base = next(iter(read_voices(SHIPPED)))
    given = read_config(base, "acoustic_config")
    config = {name: value for name, value in given.items() if name not in SHAPE}
    home = folder.resolve() / "checkpoints"
    config |= {"use_speaker_embedding": True, "out_channels": 80}
    config["speakers_file"] = str(home / "glow_tts" / "speakers.json")  # opened by coqui as it is
    model = GlowTTS(architecture(config, base)).eval()
    with torch.no_grad():
        model.encoder.duration_predictor.proj.bias.fill_(torch.tensor(FRAMES).log1p().item())
    print(f"{sum(each.numel() for each in model.parameters()) / 1e6:.1f} M parameters")
    _write(home / "glow_tts", model, config)
    _write(home / "hifigan", load_vocoder(base, folded=False), read_config(base, "vocoder_config"))
    shutil.copyfile(base.files["speakers"].path, home / "glow_tts" / "speakers.json")
    card = json.loads((SHIPPED.parent / "card.json").read_text("utf-8"))
    export(home, card, folder / "voices")


def _write(folder: Path, model: torch.nn.Module, config: dict) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model.state_dict(), "model_disc": {}, "step": 0}, folder / "model.pth")
    (folder / "config.json").write_text(json.dumps(config, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
