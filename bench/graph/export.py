"""Exports the models of published_models.py as ONNX, once per exporter of PyTorch.

    python export.py FOLDER [NAME ...]

Prints a line of JSON for each model: what PyTorch itself counts, and the file or the error of each exporter. Files
that FOLDER has already are not made again.
"""

import contextlib
import json
import os
import re
import sys
import warnings

import torch
from published_models import MODELS
from torch.utils.flop_counter import FlopCounterMode

def with_dynamo(model, value, path, opset=18):
    torch.onnx.export(model, (value,), path, opset_version=opset, dynamo=True, external_data=False, verbose=False)


def with_legacy(model, value, path):
    torch.onnx.export(model, (value,), path, opset_version=18, dynamo=False, input_names=["input"])


def with_attention_operator(model, value, path):
    with_dynamo(model, value, path, 23)


EXPORTERS = {"dynamo": with_dynamo, "legacy": with_legacy, "dynamo-opset23": with_attention_operator}


def shake(model):
    """Makes every tensor differ: exporters merge equal ones and drop zeros, which trained weights seldom are."""
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor), alpha=0.01)


def batch_norms(model):
    return [module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]


def normalized(model, kind):
    """A list that gets the elements of each output of the modules of this kind when the model runs."""
    sizes = []
    for module in model.modules():
        if isinstance(module, kind):
            module.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.numel()))
    return sizes


def count(model, value):
    """Parameters, shared ones once; multiply-accumulates, of which the flop counter takes two operations each; and
    elements that are normalised, for figures that count these, too."""
    batch = normalized(model, torch.nn.modules.batchnorm._BatchNorm)
    layer = normalized(model, torch.nn.LayerNorm)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(value)
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "batchNormChannels": sum(module.num_features for module in batch_norms(model)),
        "macs": counter.get_total_flops() / 2,
        "batchNormElements": sum(batch),
        "layerNormElements": sum(layer),
    }


def make(name):
    torch.manual_seed(0)
    model, value = MODELS[name]()
    model.eval()
    shake(model)
    # Written out as products and Softmax: the flop counter does not know the fused kernel. From opset 23 on there is
    # an operator for it.
    model.model.set_attn_implementation("eager")
    return model, value


def export(name, folder):
    stem = os.path.join(folder, re.sub(r"[^a-z0-9]+", "-", name.lower()))
    record = f"{stem}.json"
    if os.path.exists(record):
        with open(record) as file:
            return json.load(file)
    counted = count(*make(name))
    # Another one: hooks would be exported.
    model, value = make(name)
    result = {"name": name, "torch": counted, "exports": []}
    for exporter, run in EXPORTERS.items():
        if exporter == "dynamo-opset23":
            if not name.startswith(("ViT", "BERT", "GPT")):
                continue
            model.model.set_attn_implementation("sdpa")
        path = f"{stem}.{exporter}.onnx"
        try:
            run(model, value, path)
            result["exports"].append({"exporter": exporter, "file": os.path.basename(path)})
        except Exception as error:  # An exporter may not know a model: that is a result, too.
            result["exports"].append({"exporter": exporter, "error": f"{type(error).__name__}: {error}"[:200]})
    with open(record, "w") as file:
        json.dump(result, file)
    return result


def main():
    folder, *names = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    warnings.simplefilter("ignore")
    for name in names or MODELS:
        with contextlib.redirect_stdout(sys.stderr):
            result = export(name, folder)
        print(json.dumps(result), flush=True)


main()
