"""Parameters and MACs per token of Hugging Face configs, counted by transformers itself.

The oracle behind test/unit/config/transformers-counts.json: every model is built on torch's `meta`
device (no weights, no memory) and its distinct parameters are summed. MACs per token are the linear
part of what torch's own FLOP counter sees for forward passes of 8 and 16 tokens.

    pip install torch transformers
    python bench/hf-parameters.py count CONFIG.json...          # one line per config
    python bench/hf-parameters.py table TABLE.json CORPUS_DIR   # refill the table of the tests

A row of the table holds either `config` (inline) or `file` (a path inside the corpus), and with
`macsDiffer` by how much and why ours differs from what torch counts.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()


def build(values: dict):
    values = dict(values)
    values.pop("quantization_config", None)
    values.pop("auto_map", None)
    # Counting needs no fused kernel, and a stored choice may not be installed.
    values.pop("_attn_implementation", None)
    config = transformers.CONFIG_MAPPING[values["model_type"]].from_dict(values)
    names = values.get("architectures") or []
    model_class = getattr(transformers, names[0]) if names else transformers.AutoModel
    with torch.device("meta"):
        make = model_class._from_config if names else model_class.from_config
        model = make(config, attn_implementation="eager").eval()
    for part in (config, config.get_text_config()):
        # Gathers the chosen experts' weights instead of branching on which were chosen.
        part._experts_implementation = "batched_mm"
    return model


def parameters(model) -> int:
    return sum({id(p): p.numel() for p in model.parameters()}.values())


def macs(model, tokens: int) -> int:
    inputs = {"input_ids": torch.zeros((1, tokens), dtype=torch.long, device="meta")}
    if hasattr(model.config.get_text_config(), "use_cache"):
        inputs["use_cache"] = False
    # A ready-made mask and positions: making them looks into tensors, which `meta` does not have.
    masked = {"attention_mask": torch.zeros((1, 1, tokens, tokens), device="meta")}
    placed = {"position_ids": torch.arange(tokens, device="meta")[None]}
    for extra in ({}, masked, placed, {**masked, **placed}):
        try:
            return flops(model, {**inputs, **extra}) // 2
        except (RuntimeError, TypeError, ValueError) as error:
            failure = error
    raise failure


def flops(model, inputs: dict) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(**inputs)
    return counter.get_total_flops()


def macs_per_token(model):
    """Solves macs(n) = a n + b n^2 + c for a: b is attention, c what runs once per sequence."""
    try:
        first, second, third = (macs(model, tokens) for tokens in (8, 16, 24))
    except Exception:  # image inputs, positions looked up in tensors
        return None
    quadratic = (third - 2 * second + first) // 128
    return (second - first - 192 * quadratic) // 8


def count(values: dict) -> dict:
    try:
        model = build(values)
    except Exception as error:
        return {"parameters": None, "macsPerToken": None, "reason": f"{type(error).__name__}: {error}"[:200]}
    return {"parameters": parameters(model), "macsPerToken": macs_per_token(model)}


def main(arguments: list[str]) -> int:
    if len(arguments) >= 2 and arguments[0] == "count":
        for name in arguments[1:]:
            print(name, json.dumps(count(json.loads(Path(name).read_text("utf-8")))))
        return 0
    if len(arguments) == 3 and arguments[0] == "table":
        table_path, corpus = Path(arguments[1]), Path(arguments[2])
        table = json.loads(table_path.read_text("utf-8"))
        table["transformersVersion"] = transformers.__version__
        for row in table["rows"]:
            values = row.get("config") or json.loads((corpus / row["file"]).read_text("utf-8"))
            counted = count(values)
            row["parameters"], row["macsPerToken"] = counted["parameters"], counted["macsPerToken"]
            print(row.get("name") or row["file"], json.dumps(counted))
        table_path.write_text(json.dumps(table, indent=2) + "\n", "utf-8")
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
