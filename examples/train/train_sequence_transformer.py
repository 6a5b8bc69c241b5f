"""Train a transformer encoder on digits cut into patches; export it with both torch exporters."""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from common import (
    FitOptions,
    digits_split,
    export_dynamo,
    export_torchscript,
    fit,
    jitter_images,
    make_deterministic,
    model_path,
    record_accuracy,
    save_heldout,
)

NAME = "digits-transformer"
INPUT = "patches"
PATCH = 2
STEPS = (8 // PATCH) ** 2
WIDTH = 128
HEADS = 4
HEAD_WIDTH = WIDTH // HEADS
HIDDEN = 384
LAYERS = 3
OPTIONS = FitOptions(epochs=150, learning_rate=1.5e-3, weight_decay=0.05)


def to_patches(images: Tensor) -> Tensor:
    """Cut images [rows, 1, 8, 8] into sequences of 2x2 patches [rows, 16, 4], row by row."""
    return nn.functional.unfold(images, PATCH, stride=PATCH).transpose(1, 2).contiguous()


def split_heads(x: Tensor) -> Tensor:
    """[rows, STEPS, WIDTH] to [rows, HEADS, STEPS, HEAD_WIDTH]."""
    return x.reshape(-1, STEPS, HEADS, HEAD_WIDTH).transpose(1, 2)


class SelfAttention(nn.Module):
    """Multi-head self-attention written out in plain operators."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """x [rows, STEPS, WIDTH]; returns the same shape."""
        query = split_heads(self.query(x))
        key = split_heads(self.key(x))
        value = split_heads(self.value(x))
        scores = torch.matmul(query, key.transpose(2, 3)) / math.sqrt(HEAD_WIDTH)
        mixed = torch.matmul(scores.softmax(dim=-1), value)
        return self.output(mixed.transpose(1, 2).reshape(-1, STEPS, WIDTH))


class EncoderLayer(nn.Module):
    """Attention and a two-layer network, each behind a LayerNorm and beside a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH)
        self.attention = SelfAttention()
        self.mlp_norm = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, WIDTH))
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """x [rows, STEPS, WIDTH]; returns the same shape."""
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class SequenceTransformer(nn.Module):
    """Classifies a sequence of patches from the mean of its encoded steps."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Linear(PATCH * PATCH, WIDTH)
        self.position = nn.Parameter(torch.randn(1, STEPS, WIDTH) * 0.02)
        self.layers = nn.Sequential(*(EncoderLayer() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, patches: Tensor) -> Tensor:
        """patches [rows, STEPS, 4], grey values 0 to 16; returns logits [rows, 10]."""
        x = self.embedding(patches / 16) + self.position
        return self.head(self.norm(self.layers(x)).mean(dim=1))


class ImageTransformer(nn.Module):
    """The transformer behind the patch cutting, so that training can jitter whole images."""

    def __init__(self, encoder: SequenceTransformer) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> Tensor:
        """images [rows, 1, 8, 8]; returns logits [rows, 10]."""
        return self.encoder(to_patches(images))


def main() -> None:
    """Train, export twice, and save the held-out half and its accuracy beside each graph."""
    make_deterministic()
    images = digits_split()
    model = SequenceTransformer()
    fit(ImageTransformer(model), images, OPTIONS, jitter_images)

    split = replace(images, heldout_x=to_patches(images.heldout_x))
    for name, export in ((NAME, export_torchscript), (f"{NAME}-dynamo", export_dynamo)):
        path = model_path(name)
        export(model, split.heldout_x[:2], INPUT, path)
        save_heldout(path, INPUT, split)
        record_accuracy(path)


if __name__ == "__main__":
    main()
