"""Install PyTorch and coqui-tts, for engine `coqui` and for the export.

`python voice_model/install_coqui.py FOLDER` makes FOLDER a virtual environment if it is none yet. Given the
service's own `.venv` it adds the engine to the service.
"""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements" / "coqui.txt"


def main(folder: Path) -> None:
    """Make, fill and try the environment. Raises CalledProcessError when a step fails."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Making {folder} …", flush=True)
        venv.create(folder, with_pip=True)
    print("Installing PyTorch and coqui-tts (some minutes, about 1.5 GB) …", flush=True)
    # PyTorch decides which CUDA libraries its build needs, if any; all else is locked and without extras.
    _pip(python, "-c", str(LOCK), _pinned("torch"))
    _pip(python, "--no-deps", "-r", str(LOCK))
    _remove_extensions(folder)
    subprocess.run([python, "-c", "import TTS.tts.models.glow_tts"], check=True)


def _pip(python: Path, *what: str) -> None:
    subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "install", *what], check=True
    )


def _pinned(name: str) -> str:
    lines = LOCK.read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"{name}=="))


def _remove_extensions(folder: Path) -> None:
    """torchaudio's optional libraries are built for CUDA; where that is missing they break its import."""
    packages = sysconfig.get_path("platlib", vars={"platbase": str(folder), "base": str(folder)})
    for library in (Path(packages) / "torchaudio" / "lib").glob("*.so"):
        library.unlink()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
