"""What the training scripts share: seeds, splits, fitting, export, held-out files, accuracy."""

import json
import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import ModelProto
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional as F

SEED = 20
OPSET = 17
BATCH_DIM = "batch"
TRAIN_DIR = Path(__file__).resolve().parent
EXAMPLES_DIR = TRAIN_DIR.parent
ACCURACY_FILE = EXAMPLES_DIR / "accuracy.json"

Augment = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Split:
    """Two halves of a labelled set: x is [rows, ...] float32, y is [rows] int64."""

    train_x: Tensor
    train_y: Tensor
    heldout_x: Tensor
    heldout_y: Tensor


@dataclass(frozen=True)
class FitOptions:
    """How long and how hard to train."""

    epochs: int
    learning_rate: float
    weight_decay: float
    batch_size: int = 64
    label_smoothing: float = 0.05


def make_deterministic(seed: int = SEED) -> None:
    """Fix every random source and use one thread, so that a rerun gives the same weights."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)


def split_in_half(features: np.ndarray, labels: np.ndarray, seed: int = SEED) -> Split:
    """Split features [rows, ...] and labels [rows] into stratified training and held-out halves."""
    train_x, heldout_x, train_y, heldout_y = train_test_split(
        features.astype(np.float32),
        labels.astype(np.int64),
        test_size=len(labels) // 2,
        random_state=seed,
        stratify=labels,
    )
    return Split(*(torch.from_numpy(part) for part in (train_x, train_y, heldout_x, heldout_y)))


def digits_split() -> Split:
    """The 1797 scikit-learn digits as images [rows, 1, 8, 8] with grey values from 0 to 16."""
    images, labels = load_digits(return_X_y=True)
    return split_in_half(images.reshape(-1, 1, 8, 8), labels)


def jitter_images(images: Tensor) -> Tensor:
    """Rotate, scale and shift each image of [rows, 1, height, width] a little, at random."""
    rows = images.shape[0]
    angle = (torch.rand(rows) - 0.5) * math.radians(30)
    scale = 1 + (torch.rand(rows) - 0.5) * 0.3
    shift = (torch.rand(rows, 2) - 0.5) * 0.35
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], dim=1).view(rows, 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def fit(model: nn.Module, split: Split, options: FitOptions, augment: Augment) -> None:
    """Train on the training half with AdamW and a one-cycle rate; leaves the model in eval mode."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
    )
    rows = len(split.train_y)
    steps_per_epoch = math.ceil(rows / options.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=options.epochs * steps_per_epoch
    )
    model.train()
    for epoch in range(options.epochs):
        total = 0.0
        for batch in torch.randperm(rows).split(options.batch_size):
            logits = model(augment(split.train_x[batch]))
            loss = F.cross_entropy(
                logits, split.train_y[batch], label_smoothing=options.label_smoothing
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1:3d}: training loss {total / rows:.4f}", flush=True)
    model.eval()


def count_macs(model: nn.Module, sample: Tensor) -> int:
    """Multiply-accumulates of the Conv2d and Linear layers for one sample [1, ...]."""
    total = 0

    def add_layer(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        weight = layer.get_parameter("weight")  # [out, in] or [out, in, kernel, kernel]
        total += output.numel() * weight[0].numel()

    hooks = [
        layer.register_forward_hook(add_layer)
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    with torch.no_grad():
        model(sample)
    for hook in hooks:
        hook.remove()
    return total


def model_path(name: str) -> Path:
    """Where the example called `name` keeps its graph; creates the folder."""
    folder = EXAMPLES_DIR / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.onnx"


def export_torchscript(
    model: nn.Module, sample: Tensor, input_name: str, path: Path, *, keep_batch_norm: bool = False
) -> None:
    """Export through TorchScript; the first axis of sample [rows, ...] becomes symbolic.

    The exporter folds BatchNorm into the convolution before it unless `keep_batch_norm` is set.
    """
    mode = torch.onnx.TrainingMode
    torch.onnx.export(
        model,
        (sample,),
        str(path),
        input_names=[input_name],
        output_names=["logits"],
        dynamic_axes={input_name: {0: BATCH_DIM}, "logits": {0: BATCH_DIM}},
        opset_version=OPSET,
        training=mode.PRESERVE if keep_batch_norm else mode.EVAL,
        dynamo=False,
    )


def export_dynamo(model: nn.Module, sample: Tensor, input_name: str, path: Path) -> None:
    """Export through torch.export; keeps module scopes and stack traces in the node metadata.

    The first axis of sample [rows, ...] becomes symbolic. File paths in the stack traces are
    shortened, since the exporter writes those of the machine it runs on.
    """
    program = torch.onnx.export(
        model,
        (sample,),
        input_names=[input_name],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim(BATCH_DIM)},),
        dynamo=True,
    )
    assert program is not None  # only the TorchScript exporter returns None
    proto = program.model_proto
    shorten_stack_traces(proto)
    onnx.save_model(proto, str(path))


def shorten_stack_traces(proto: ModelProto) -> None:
    """Rewrite the file paths in the metadata of every node and value; leave the rest as it is."""
    graph = proto.graph
    parts = [graph.node, graph.value_info, graph.input, graph.output, graph.initializer]
    parts += [function.node for function in proto.functions]
    for entry in (entry for part in parts for item in part for entry in item.metadata_props):
        entry.value = re.sub(r'File "([^"]+)"', _short_file, entry.value)


def _short_file(match: re.Match[str]) -> str:
    """Name our own files relative to this folder, and library files from their package on."""
    path = Path(match.group(1))
    if path.is_relative_to(TRAIN_DIR):
        short = path.relative_to(TRAIN_DIR).as_posix()
    else:
        short = path.as_posix().rpartition("site-packages/")[2].lstrip("/")
    return f'File "{short}"'


def heldout_files(path: Path) -> tuple[Path, Path]:
    """The inputs file and the labels file that belong to the graph at `path`."""
    return path.with_suffix(".inputs.npz"), path.with_suffix(".labels.npz")


def save_heldout(path: Path, input_name: str, split: Split) -> None:
    """Write the held-out half next to the graph: inputs by graph input name, and labels [rows]."""
    inputs_file, labels_file = heldout_files(path)
    np.savez_compressed(inputs_file, **{input_name: split.heldout_x.numpy()})
    np.savez_compressed(labels_file, labels=split.heldout_y.numpy())


def measure_top1(path: Path, batch_size: int = 128) -> tuple[int, float]:
    """Run the graph at `path` on its held-out files; returns the row count and the share right."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs_file, labels_file = heldout_files(path)
    with np.load(inputs_file) as inputs, np.load(labels_file) as saved:
        features = {name: inputs[name] for name in inputs.files}
        labels = saved["labels"]
    right = 0
    for start in range(0, len(labels), batch_size):
        rows = slice(start, start + batch_size)
        (logits,) = session.run(["logits"], {name: x[rows] for name, x in features.items()})
        right += int((logits.argmax(axis=1) == labels[rows]).sum())
    return len(labels), right / len(labels)


def record_accuracy(path: Path) -> None:
    """Measure the graph at `path` and put the result into accuracy.json under its folder's name."""
    rows, top1 = measure_top1(path)
    table = json.loads(ACCURACY_FILE.read_text()) if ACCURACY_FILE.exists() else {}
    table[path.parent.name] = {
        "rows": rows,
        "floatTop1": round(top1, 6),
        "seed": SEED,
        "torch": torch.__version__,
        "onnxruntime": ort.__version__,
    }
    ACCURACY_FILE.write_text(json.dumps(dict(sorted(table.items())), indent=2) + "\n")
    print(f"{path.name}: {top1:.4f} on {rows} held-out rows, {path.stat().st_size} bytes")
