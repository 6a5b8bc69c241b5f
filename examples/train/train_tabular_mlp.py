"""Train a wide multilayer perceptron on scikit-learn's breast cancer table and export it."""

import torch
from sklearn.datasets import load_breast_cancer
from torch import Tensor, nn

from common import (
    FitOptions,
    export_torchscript,
    fit,
    make_deterministic,
    model_path,
    record_accuracy,
    save_heldout,
    split_in_half,
)

NAME = "tabular-mlp"
INPUT = "features"
WIDTH = 512
NOISE = 0.1
OPTIONS = FitOptions(epochs=60, learning_rate=1e-3, weight_decay=0.1, batch_size=32)


class TabularMlp(nn.Module):
    """Standardises 30 raw columns, then two hidden layers and a two-class head."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        """mean and std are [30], measured on the training half."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.layers = nn.Sequential(
            nn.Linear(len(mean), WIDTH),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(WIDTH, 2),
        )

    def forward(self, features: Tensor) -> Tensor:
        """features [rows, 30] in their original units; returns logits [rows, 2]."""
        return self.layers((features - self.mean) / self.std)


def main() -> None:
    """Train, export, and save the held-out half and its accuracy."""
    make_deterministic()
    split = split_in_half(*load_breast_cancer(return_X_y=True))
    mean, std = split.train_x.mean(dim=0), split.train_x.std(dim=0)
    model = TabularMlp(mean, std)

    def add_noise(features: Tensor) -> Tensor:
        """Disturb each column of [rows, 30] by a share of its spread."""
        return features + NOISE * std * torch.randn_like(features)

    fit(model, split, OPTIONS, add_noise)

    path = model_path(NAME)
    export_torchscript(model, split.heldout_x[:2], INPUT, path)
    save_heldout(path, INPUT, split)
    record_accuracy(path)


if __name__ == "__main__":
    main()
