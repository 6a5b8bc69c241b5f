"""Well-known architectures with random weights: nothing is downloaded, the configs of transformers are enough.

Every entry gives a module whose forward takes and returns plain tensors, and its example inputs. The sizes are those
of the figure that `published.ts` compares with.
"""

import torch
import transformers as hf


class Output(torch.nn.Module):
    """A model of transformers that returns one tensor of its output, so that an exporter sees no dictionaries."""

    def __init__(self, model, key, **fixed):
        super().__init__()
        self.model = model
        self.key = key
        self.fixed = fixed

    def forward(self, value):
        return self.model(value, **self.fixed)[self.key]


def image(config, architecture, size=224):
    return Output(architecture(config), "logits"), torch.randn(1, 3, size, size)


def tokens(config, architecture, length, key="last_hidden_state", **fixed):
    ids = torch.randint(0, config.vocab_size, (1, length))
    return Output(architecture(config), key, **fixed), ids


def vit(architecture, config, width, heads):
    sizes = {"hidden_size": width, "num_attention_heads": heads, "intermediate_size": 4 * width}
    return image(config(num_labels=1000, **sizes), architecture)


def bert(length):
    return tokens(hf.BertConfig(), hf.BertModel, length)


def regnet_y_400mf():
    sizes = {"hidden_sizes": [48, 104, 208, 440], "depths": [1, 3, 6, 6], "groups_width": 8}
    return image(hf.RegNetConfig(layer_type="y", num_labels=1000, **sizes), hf.RegNetForImageClassification)


def resnet_18():
    sizes = {"hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2], "layer_type": "basic"}
    return image(hf.ResNetConfig(num_labels=1000, **sizes), hf.ResNetForImageClassification)


def efficientnet_b0():
    sizes = {"width_coefficient": 1.0, "depth_coefficient": 1.0, "hidden_dim": 1280, "image_size": 224}
    return image(hf.EfficientNetConfig(num_labels=1000, **sizes), hf.EfficientNetForImageClassification)


def whisper_tiny_encoder():
    sizes = {"d_model": 384, "encoder_layers": 4, "encoder_attention_heads": 6, "encoder_ffn_dim": 1536}
    config = hf.WhisperConfig(**sizes)
    encoder = hf.WhisperModel(config).get_encoder()
    return Output(encoder, "last_hidden_state"), torch.randn(1, 80, 3000)


MODELS = {
    "ResNet-18": resnet_18,
    "ResNet-50": lambda: image(hf.ResNetConfig(num_labels=1000), hf.ResNetForImageClassification),
    "MobileNetV1": lambda: image(hf.MobileNetV1Config(num_labels=1000), hf.MobileNetV1ForImageClassification),
    "MobileNetV2": lambda: image(hf.MobileNetV2Config(num_labels=1000), hf.MobileNetV2ForImageClassification),
    "EfficientNet-B0": efficientnet_b0,
    "ConvNeXt-T": lambda: image(hf.ConvNextConfig(num_labels=1000), hf.ConvNextForImageClassification),
    "RegNetY-400MF": regnet_y_400mf,
    "MobileViT-S": lambda: image(hf.MobileViTConfig(num_labels=1000), hf.MobileViTForImageClassification, 256),
    "SegFormer-B0": lambda: image(hf.SegformerConfig(num_labels=150), hf.SegformerForSemanticSegmentation, 512),
    "DeiT-Ti/16": lambda: vit(hf.ViTForImageClassification, hf.ViTConfig, 192, 3),
    "DeiT-S/16": lambda: vit(hf.ViTForImageClassification, hf.ViTConfig, 384, 6),
    "ViT-B/16": lambda: vit(hf.ViTForImageClassification, hf.ViTConfig, 768, 12),
    "BERT-base, 128 tokens": lambda: bert(128),
    "BERT-base, 384 tokens": lambda: bert(384),
    "DistilBERT, 128 tokens": lambda: tokens(hf.DistilBertConfig(), hf.DistilBertModel, 128),
    "GPT-2, 1024 tokens": lambda: tokens(hf.GPT2Config(), hf.GPT2Model, 1024, use_cache=False),
    "Whisper tiny encoder": whisper_tiny_encoder,
}
