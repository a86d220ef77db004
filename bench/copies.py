"""The vocoder's part in what is misheard: a teacher's recordings, as the shipped HiFi-GAN plays their own mels.

    .venv-coqui/bin/python -m bench.copies HEARD OUT [--voices FOLDER]
    .venv/bin/python -m bench.voices --teacher OUT

HEARD is what `moksori teach` wrote for bench.voices; the column "its teacher's" then tells of the copies in OUT.
"""

import argparse
import shutil
from pathlib import Path

import soundfile
import torch
from TTS.config.shared_configs import BaseAudioConfig
from TTS.utils.audio import AudioProcessor

from speech.voices import SHIPPED, Voice, read_voices
from voice_model.coqui import load_vocoder
from voice_model.coqui_config import read_config
from voice_model.recordings import read_recordings, write_sound
from voice_model.train_data import known


def main() -> None:
    """Copy every speaker's folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("heard", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--voices", type=Path, default=SHIPPED)
    asked = parser.parse_args()
    voice = next(iter(read_voices(asked.voices)))
    for folder in sorted(each for each in asked.heard.iterdir() if each.is_dir()):
        copy(folder, asked.out / folder.name, voice)
        print(folder.name, flush=True)


@torch.inference_mode()
def copy(folder: Path, out: Path, voice: Voice) -> None:
    """One speaker's recordings, played by the voice's vocoder, beside the same transcript."""
    (out / "wavs").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "metadata.csv", out / "metadata.csv")
    processor = AudioProcessor(
        BaseAudioConfig(**known(read_config(voice, "vocoder_config")["audio"]))
    )
    vocoder = load_vocoder(voice)
    for recording in read_recordings(folder)[0]:
        samples, rate = soundfile.read(recording.sound, dtype="float32")
        if rate != voice.rate:
            raise SystemExit(f"{recording.sound} has {rate} Hz, the voice {voice.rate}")
        mel = torch.from_numpy(processor.melspectrogram(samples)).float()
        played = vocoder(mel[None])[0, 0].clamp(-1, 1).numpy()
        write_sound(out / "wavs" / f"{recording.id}.wav", played, rate)


if __name__ == "__main__":
    main()
