"""HiFi-GAN against small discriminators, as a model for coqui's Trainer.

coqui's GAN, its losses and its generator; its discriminators have 70 M parameters, which a CPU does not train. These
judge periods (HiFi-GAN: https://arxiv.org/abs/2010.05646, section 2.3) and spectrograms (UnivNet:
https://arxiv.org/abs/2106.07889, section 2.2), with 0.4 M.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import Conv2d
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from TTS.vocoder.models import setup_generator
from TTS.vocoder.models.base_vocoder import BaseVocoder
from TTS.vocoder.models.gan import GAN

from voice_model.train_glow import cosine
from voice_model.train_plan import Options

PERIODS = (2, 3, 5, 7, 11)
SPECTRA = ((1024, 256), (512, 128))  # window and hop
Judged = tuple[list[torch.Tensor], list[list[torch.Tensor]]]


class Judge(torch.nn.Module):
    """Layers over an image of sound; returns its score and what each layer saw."""

    def __init__(self, layers: Sequence[Conv2d]) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(weight_norm(layer) for layer in layers)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Score and features."""
        seen = []
        for layer in self.layers[:-1]:
            image = F.leaky_relu(layer(image), 0.1)
            seen.append(image)
        return self.layers[-1](image), seen


class SmallJudges(torch.nn.Module):
    """One judge a period and one a spectrogram: wave (b, 1, t) -> scores and features, lists as coqui's.

    With `half` their convolutions run in bfloat16; what they say is float32.
    """

    def __init__(self, half: bool = False) -> None:
        super().__init__()
        self.half = half
        self.periods = torch.nn.ModuleList(Judge(_period_layers()) for _ in PERIODS)
        self.spectra = torch.nn.ModuleList(Judge(_spectrum_layers()) for _ in SPECTRA)

    def forward(self, wave: torch.Tensor) -> Judged:
        """Every judge's opinion."""
        folded = [_fold(wave, period) for period in PERIODS]
        spectra = [_spectrum(wave, *sizes) for sizes in SPECTRA]
        with torch.autocast(wave.device.type, torch.bfloat16, enabled=self.half):
            told = [judge(image) for judge, image in zip(self.periods, folded, strict=True)]
            told += [judge(image) for judge, image in zip(self.spectra, spectra, strict=True)]
        scores = [score.float() for score, _ in told]
        return scores, [[each.float() for each in seen] for _, seen in told]


def _period_layers() -> list[Conv2d]:
    widths = (1, 16, 32, 64, 128)
    found = [
        Conv2d(before, after, (5, 1), (3, 1), (2, 0))
        for before, after in itertools.pairwise(widths)
    ]
    return [*found, Conv2d(widths[-1], 1, (3, 1), 1, (1, 0))]


def _spectrum_layers() -> list[Conv2d]:
    width = 24
    return [
        Conv2d(1, width, (3, 7), padding=(1, 3)),
        Conv2d(width, width, (3, 7), stride=(1, 2), padding=(1, 3)),
        Conv2d(width, width, (3, 7), stride=(1, 2), padding=(1, 3)),
        Conv2d(width, width, (3, 3), padding=1),
        Conv2d(width, 1, (3, 3), padding=1),
    ]


def _fold(wave: torch.Tensor, period: int) -> torch.Tensor:
    wave = F.pad(wave, (0, -wave.shape[2] % period), "reflect")
    return wave.view(wave.shape[0], 1, -1, period)


def _spectrum(wave: torch.Tensor, size: int, hop: int) -> torch.Tensor:
    window = torch.hann_window(size, device=wave.device)
    found = torch.stft(wave[:, 0], size, hop, window=window, return_complex=True)
    return found.abs().transpose(1, 2)[:, None]


class SmallGan(GAN):
    """coqui's GAN with small judges, whose steps take batches of voice_model.train_data.vocoder_batch."""

    def __init__(self, config: Any, options: Options) -> None:
        BaseVocoder.__init__(self, config)  # GAN's own would first build the large discriminators
        self.model_g = setup_generator(config)
        self.model_d = SmallJudges(options.precision == "bfloat16")
        self.train_disc, self.y_hat_g = False, None
        self.options = options

    def format_batch(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Batches come as they are taken."""
        return batch

    def train_log(self, *args: Any) -> None:
        """Nothing goes to a dashboard."""

    def test_run(self, trainer: Any) -> dict[str, Any]:
        """No test sentences: the work's samples are made at each checkpoint."""
        return {}

    def test_log(self, *args: Any) -> None:
        """Nothing goes to a dashboard."""

    def get_scheduler(self, optimizer: list[torch.optim.Optimizer]) -> Any:
        """The generator warms up with Glow-TTS's curve; the judges keep their rate, as they may start late."""
        steps, warm_up = self.options.vocoder_steps, self.options.warm_up
        curve = torch.optim.lr_scheduler.LambdaLR(
            optimizer[1], lambda step: cosine(step, steps, warm_up)
        )
        return [torch.optim.lr_scheduler.LambdaLR(optimizer[0], lambda step: 1.0), curve]
