"""Train a convolutional network on the scikit-learn digits and export it with its BatchNorms."""

from torch import Tensor, nn

from common import (
    FitOptions,
    count_macs,
    digits_split,
    export_torchscript,
    fit,
    jitter_images,
    make_deterministic,
    model_path,
    record_accuracy,
    save_heldout,
)

NAME = "digits-cnn"
INPUT = "image"
MINIMUM_MACS = 20_000_000
OPTIONS = FitOptions(epochs=30, learning_rate=4e-3, weight_decay=0.02)


def conv_block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """[rows, inputs, h, w] to [rows, outputs, h / stride, w / stride]."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class DigitsCnn(nn.Module):
    """Enlarges an 8x8 image to 64x64 and classifies it with six convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.enlarge = nn.Upsample(scale_factor=8, mode="bilinear", align_corners=False)
        self.features = nn.Sequential(
            conv_block(1, 16, stride=2),
            conv_block(16, 32),
            conv_block(32, 32),
            nn.MaxPool2d(2),
            conv_block(32, 64),
            conv_block(64, 64),
            nn.MaxPool2d(2),
            conv_block(64, 128),
            nn.AdaptiveAvgPool2d(1),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 10))

    def forward(self, image: Tensor) -> Tensor:
        """image [rows, 1, 8, 8], grey values 0 to 16; returns logits [rows, 10]."""
        return self.head(self.features(self.enlarge(image / 16)))


def main() -> None:
    """Train, export, and save the held-out half and its accuracy."""
    make_deterministic()
    split = digits_split()
    model = DigitsCnn()
    fit(model, split, OPTIONS, jitter_images)

    macs = count_macs(model, split.heldout_x[:1])
    print(f"{NAME}: {macs:,} multiply-accumulates per image")
    if macs < MINIMUM_MACS:
        raise SystemExit(f"expected at least {MINIMUM_MACS:,}")

    path = model_path(NAME)
    export_torchscript(model, split.heldout_x[:2], INPUT, path, keep_batch_norm=True)
    save_heldout(path, INPUT, split)
    record_accuracy(path)


if __name__ == "__main__":
    main()
