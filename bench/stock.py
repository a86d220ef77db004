"""coqui's Synthesizer as it comes: one reading a line on standard input, one JSON object a line on standard output.

`.venv-coqui/bin/python -m bench.stock CHECKPOINTS THREADS`; each answer holds the seconds of wall and processor time
that `Synthesizer.tts` took, and how many samples it made.
"""

import contextlib
import json
import sys
import time
import unicodedata
from pathlib import Path

import torch
from TTS.utils.synthesizer import Synthesizer

PAUSE = 10_000  # zeros that it puts after each sentence
PADDED = 2 * 5 * 256  # samples of the frames that it repeats at both ends for its HiFi-GAN


def main(folder: Path, threads: int) -> None:
    """Answer until the input ends."""
    torch.set_num_threads(threads)
    acoustic, vocoder = folder / "glow_tts", folder / "hifigan"
    synthesizer = Synthesizer(
        tts_checkpoint=acoustic / "model.pth",
        tts_config_path=acoustic / "config.json",
        tts_speakers_file=acoustic / "speakers.json",
        vocoder_checkpoint=vocoder / "model.pth",
        vocoder_config=vocoder / "config.json",
    )
    speaker = next(iter(synthesizer.tts_model.speaker_manager.name_to_id))
    synthesizer.tts_model.inference_noise_scale = 0.0
    for line in sys.stdin:
        text = unicodedata.normalize("NFD", line.strip())
        began, used = time.perf_counter(), time.process_time()
        with contextlib.redirect_stdout(sys.stderr):
            samples = synthesizer.tts(text, speaker_name=speaker, split_sentences=False)
        told = {"wall": time.perf_counter() - began, "used": time.process_time() - used}
        print(json.dumps(told | {"samples": len(samples) - PAUSE - PADDED}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
