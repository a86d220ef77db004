"""Makes tests/data/older: voices of two old releases of coqui TTS, by their own classes, configs and writers.

Run it with Python 3.8, which those releases need, in a folder with one environment and two copies:

    python3.8 -m venv old && old/bin/pip install "setuptools<60" wheel "Cython<3" numpy==1.21.6
    old/bin/pip install torch==1.9.1 librosa==0.8.0 numba==0.53 coqpit==0.0.17 trainer==0.0.5 matplotlib \\
        inflect anyascii pysbd pypinyin jieba mecab-python3==1.0.3 unidic-lite==1.0.8 pandas fsspec tensorboardX
    for release in 0.0.15.1 0.6.2; do
        old/bin/pip install --no-deps --no-build-isolation --target $release TTS==$release
        PYTHONPATH=$release old/bin/python tests/make_older.py tests/data/older
    done

Member 1 is of 0.0.15.1 and member 2 of 0.6.2. Beside each pair stands heard.npz: symbols, the frames and the mel that
the old release made of them, the mel as its Synthesizer hands it to the vocoder, and the vocoder's sound of that.
The networks are tiny, their weights random: what is tested is names, shapes, symbols and scales.
"""

import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch

for unused in ("pyworld", "TTS.tts.utils.text.phonemizers"):  # pitch and phonemes, not used here
    sys.modules[unused] = MagicMock()

import TTS  # noqa: E402
from TTS.tts.configs.glow_tts_config import GlowTTSConfig  # noqa: E402
from TTS.tts.configs.shared_configs import CharactersConfig  # noqa: E402
from TTS.utils.audio import AudioProcessor  # noqa: E402
from TTS.vocoder.configs.hifigan_config import HifiganConfig  # noqa: E402

JAMO = "".join(
    chr(c) for c in [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]
)
STEP = 1200
MELS = 20
GENERATOR = {
    "upsample_factors": [8, 8, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3, 5]],
    "resblock_type": "1",
}
ENCODER = {
    "kernel_size": 3,
    "dropout_p": 0.1,
    "num_layers": 1,
    "num_heads": 2,
    "hidden_channels_ffn": 8,
}
AUDIO = {"num_mels": MELS, "do_trim_silence": True, "mel_fmax": 8000.0}
RANGE = {"signal_norm": True, "symmetric_norm": True, "max_norm": 4.0, "clip_norm": True}


def stir(model: torch.nn.Module) -> torch.nn.Module:
    """Random values in the layers that start at zero, which would hide mistakes; speakable durations."""
    for name, parameter in model.named_parameters():
        if name.endswith(("logs", "end.weight", "end.bias")):
            parameter.normal_(0.0, 0.05)
    model.encoder.duration_predictor.proj.weight.normal_(0.0, 2.0)
    model.encoder.duration_predictor.proj.bias.fill_(1.5)
    return model.eval()


def loud(generator: torch.nn.Module) -> torch.nn.Module:
    """Weights that are heard: at its start a generator all but whispers."""
    for name, parameter in generator.named_parameters():
        if name.endswith("weight_g"):
            parameter.fill_(1.4)
    return generator.eval()


def statistics(folder: Path, audio: Any) -> str:
    """The file of compute_statistics.py: a pickled dict of means and deviations."""
    draw = np.random.RandomState(3)
    stats = {
        "mel_mean": draw.uniform(-60, -20, MELS),
        "mel_std": draw.uniform(8, 20, MELS),
        "linear_mean": draw.uniform(-60, -20, 513),
        "linear_std": draw.uniform(8, 20, 513),
    }
    told = audio.to_dict()
    for name in ("max_norm", "min_level_db", "symmetric_norm", "clip_norm"):
        del told[name]
    path = folder / "scale_stats.npy"
    np.save(path, {**stats, "audio_config": told}, allow_pickle=True)
    return str(path)


def first(folder: Path) -> None:
    """0.0.15.1: models set up by functions, channels under other names, a GAN's generator saved alone."""
    from TTS.tts.utils.generic_utils import setup_model
    from TTS.tts.utils.io import save_checkpoint
    from TTS.tts.utils.text.symbols import make_symbols
    from TTS.vocoder.utils.generic_utils import setup_generator
    from TTS.vocoder.utils.io import save_checkpoint as save_vocoder

    characters = CharactersConfig(
        pad="_", eos="~", bos="^", characters=JAMO + " ,.?!", punctuations=" ,.?!", phonemes=""
    )
    config = GlowTTSConfig(
        text_cleaner="korean_cleaners",
        characters=characters,
        hidden_channels_encoder=8,
        hidden_channels_decoder=6,
        hidden_channels_duration_predictor=8,
        encoder_params={**ENCODER, "input_length": None},
        inference_noise_scale=0.0,
        phoneme_cache_path="/home/someone/phonemes",
        output_path="/home/someone/out",
        num_loader_workers=0,
    )
    vocoder_config = HifiganConfig(
        generator_model_params=GENERATOR,
        data_path="/home/someone/wavs",
        seq_len=8192,
        num_loader_workers=0,
    )
    for each in (config, vocoder_config):
        each.audio.from_dict({**each.audio.to_dict(), **AUDIO, **RANGE})
    symbols, _ = make_symbols(**config.characters.to_dict())
    model = stir(setup_model(len(symbols), 1, config))
    generator = loud(setup_generator(vocoder_config))
    acoustic, vocoder = homes(folder, 1)
    save_checkpoint(model, torch.optim.SGD(model.parameters(), 0.1), STEP, 3, 1, acoustic, symbols)
    save_vocoder(generator, None, None, None, None, None, STEP, 3, vocoder, model_losses={"G": 1.5})
    config.save_json(acoustic / "config.json")
    vocoder_config.save_json(vocoder / "config.json")
    ids = torch.arange(3, len(symbols), 4)[None]
    mel = model.inference(ids, torch.tensor([ids.shape[1]]))
    hear(folder, 1, ids, mel[0], mel[4], config, vocoder_config, generator)


def second(folder: Path) -> None:
    """0.6.2: models of a config, sorted symbols, means and deviations in a file, a GAN saved whole."""
    from TTS.tts.models.glow_tts import GlowTTS
    from TTS.tts.utils.text.characters import Graphemes
    from TTS.utils.io import save_checkpoint
    from TTS.vocoder.models import setup_generator

    letters = "".join(reversed(JAMO))
    config = GlowTTSConfig(
        text_cleaner="basic_cleaners",
        characters=CharactersConfig(
            pad="_",
            eos="~",
            bos="^",
            blank="",
            characters=letters,
            punctuations=" ,.?!",
            phonemes="",
        ),
        hidden_channels_enc=8,
        hidden_channels_dec=6,
        hidden_channels_dp=8,
        out_channels=MELS,
        num_flow_blocks_dec=3,
        encoder_params={**ENCODER, "input_length": None},
        output_path="/home/someone/out",
        phoneme_cache_path="/home/someone/phonemes",
    )
    vocoder_config = HifiganConfig(generator_model_params=GENERATOR, data_path="/home/someone/wavs")
    for each in (config, vocoder_config):
        each.audio.from_dict({**each.audio.to_dict(), **AUDIO, **RANGE})
    acoustic, vocoder = homes(folder, 2)
    config.audio.stats_path = statistics(acoustic, config.audio)
    symbols = Graphemes.init_from_config(config)[0].vocab
    model = stir(GlowTTS.init_from_config(config))
    assert model.num_chars == len(symbols)
    generator = loud(setup_generator(vocoder_config))
    whole = torch.nn.Module()
    whole.model_g, whole.model_d = generator, torch.nn.Linear(1, 1)  # theirs has 70 M parameters
    save_checkpoint(
        config, model, torch.optim.SGD(model.parameters(), 0.1), None, STEP, 3, str(acoustic)
    )
    save_checkpoint(vocoder_config, whole, None, None, STEP, 3, str(vocoder))
    ids = torch.arange(3, len(symbols), 4)[None]
    made = model.inference(
        ids, {"x_lengths": torch.tensor([ids.shape[1]]), "d_vectors": None, "speaker_ids": None}
    )
    mel, path = made["model_outputs"].transpose(1, 2), made["alignments"]
    hear(folder, 2, ids, mel, path, config, vocoder_config, generator)
    config.text_cleaner = "korean_cleaners"  # of a fork
    config.audio.stats_path = "/home/someone/out/scale_stats.npy"  # where it was while it trained
    config.save_json(acoustic / "config.json")
    vocoder_config.save_json(vocoder / "config.json")


def homes(folder: Path, member: int) -> tuple:
    """The member's two folders, made."""
    found = folder / "glow-tts" / str(member), folder / "hifigan-v2" / str(member)
    for home in found:
        home.mkdir(parents=True, exist_ok=True)
    return found


def hear(
    folder: Path,
    member: int,
    ids: Any,
    mel: Any,
    path: Any,
    config: Any,
    other: Any,
    generator: Any,
) -> None:
    """Scale the mel as the old Synthesizer does, speak it, and write what came out."""
    given = mel[0].numpy()
    told = AudioProcessor(**config.audio.to_dict()).denormalize(given)
    scaled = AudioProcessor(**other.audio.to_dict()).normalize(told).astype(np.float32)
    samples = generator(torch.from_numpy(scaled)[None])[0, 0].numpy()
    frames = path[0].numpy().sum(0)
    np.savez(
        folder / f"heard{member}.npz",
        symbols=ids[0].numpy(),
        frames=frames.astype(int),
        mel=given.astype(np.float32),
        scaled=scaled,
        samples=samples.astype(np.float16),
    )


def rename(folder: Path, member: int) -> None:
    """The names of the layout: member and network in front, .pth.tar behind."""
    for home, letter in zip(homes(folder, member), "gh"):  # noqa: B905 - Python 3.8
        for file in [*home.glob("checkpoint_*"), *home.glob("config.json")]:
            name = f"{member}{letter}_{file.name}"
            file.replace(home / (f"{name}.tar" if name.endswith(".pth") else name))


if __name__ == "__main__":
    torch.manual_seed(7)
    release = (Path(TTS.__file__).parent / "VERSION").read_text().strip()
    make, number = {"0.0.15.1": (first, 1), "0.6.2": (second, 2)}[release]
    with torch.no_grad():
        make(Path(sys.argv[1]))
    rename(Path(sys.argv[1]), number)
