"""How near the engine comes to what arithmetic allows: `python -m bench.bound [--frames 400]`, one thread.

The bound is twice the multiply-adds of a graph's convolutions and matrix products, over the operations a second that
NumPy's BLAS reaches on large matrices in the same minute; efficiency is bound / measured.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")

import numpy as np
import onnx
import onnxruntime
from onnx.shape_inference import infer_shapes

GRAPHS = Path(__file__).resolve().parents[1] / "voice_model" / "shipped" / "onnx"
SYMBOLS = 60  # a sentence of 400 frames has about as many
SIDE, TIMES = 1024, 12


def main() -> None:
    """Print a row a graph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=400)
    frames = parser.parse_args().frames
    one = np.zeros(1, np.int64)
    mel = np.random.default_rng(0).normal(-1, 1, (1, 80, frames)).astype(np.float32)
    mask = np.ones((1, 1, frames), np.float32)
    symbols, lengths = np.ones((1, SYMBOLS), np.int64), np.array([SYMBOLS])
    given: dict[str, dict[str, np.ndarray]] = {
        "encoder": {"symbols": symbols, "lengths": lengths, "speaker": one},
        "decoder": {"latent": mel, "mask": mask, "speaker": one},
        "vocoder": {"mel": mel},
    }
    speed = peak()
    print(f"BLAS: {speed / 1e9:.0f} billion operations a second")
    print(
        "| graph | million multiply-adds | bound, ms | measured, ms | efficiency |\n|---|---|---|---|---|"
    )
    for name, inputs in given.items():
        work = sum(multiply_adds(GRAPHS / f"{name}.onnx", inputs))
        bound, took = 2 * work / speed, measured(GRAPHS / f"{name}.onnx", inputs)
        print(
            f"| {name} | {work / 1e6:.0f} | {bound * 1e3:.1f} | {took * 1e3:.1f} | {bound / took:.2f} |"
        )


def peak() -> float:
    """Floating-point operations a second of one thread, at best."""
    square = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    return 2 * SIDE**3 / min(seconds(lambda: square @ square))


def seconds(work: Callable[[], object]) -> list[float]:
    """Processor time of each of some calls, the first ones left out."""
    took = []
    for _ in range(TIMES + 2):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return took[2:]


def multiply_adds(path: Path, inputs: dict[str, np.ndarray]) -> Iterator[int]:
    """Those of each convolution and matrix product for inputs of these shapes, where its shapes can be inferred."""
    model = onnx.load(path)
    for one in model.graph.input:
        for dim, size in zip(one.type.tensor_type.shape.dim, inputs[one.name].shape, strict=True):
            dim.dim_value = size
    graph = infer_shapes(model, data_prop=True).graph
    told = (*graph.value_info, *graph.input, *graph.output)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in told}
    shapes |= {one.name: list(one.dims) for one in graph.initializer}
    for node in graph.node:
        first, second = (shapes.get(name, []) for name in [*node.input, "", ""][:2])
        made = shapes.get(node.output[0], [])
        if node.op_type == "Conv":
            yield prod(second) * prod(made[2:])
        elif node.op_type == "ConvTranspose":
            yield prod(second) * prod(first[2:])
        elif node.op_type in {"MatMul", "Gemm"} and first and second:
            yield prod(first) * second[-1]


def measured(path: Path, inputs: dict[str, np.ndarray]) -> float:
    """Median seconds of processor time of one call, as the engine makes it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.enable_mem_pattern = 1, False
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return statistics.median(seconds(lambda: session.run(None, inputs)))


if __name__ == "__main__":
    main()
