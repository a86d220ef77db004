"""MOKSORI_PLUGINS=tests.stub_plugin: both lanes of a worker process run the stub engine.

Apart from the engine, which tests import for what it says: importing this changes the whole process.
"""

from tests.stub_engine import load, run
from worker.registry import HANDLERS, LOADERS

for lane in ("speech", "transcription"):
    LOADERS[lane] = load
    HANDLERS[lane] = run
