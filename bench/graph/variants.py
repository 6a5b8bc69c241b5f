"""Variants of exported models as ONNX Runtime's tools make them: operators fused, weights quantised.

    python variants.py FOLDER

FOLDER has what export.py made. Prints a line of JSON for each variant: the original, the file or the error. Files
that are there already are not made again.
"""

import contextlib
import json
import os
import sys


def fused(model_type, heads, width):
    def make(source, target):
        from onnxruntime.transformers import optimizer
        from onnxruntime.transformers.fusion_options import FusionOptions

        options = FusionOptions(model_type)
        model = optimizer.optimize_model(
            source, model_type=model_type, num_heads=heads, hidden_size=width, optimization_options=options
        )
        model.save_model_to_file(target)

    return make


def dynamic(source, target):
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(source, target)


def static(form):
    def make(source, target):
        import numpy
        from onnxruntime import InferenceSession
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

        (given,) = InferenceSession(source).get_inputs()

        class Reader(CalibrationDataReader):
            """Noise: the scales do not matter here, the operators do."""

            left = 2

            def get_next(self):
                self.left -= 1
                if self.left < 0:
                    return None
                return {given.name: numpy.random.default_rng(self.left).normal(size=given.shape).astype("float32")}

        quantize_static(source, target, Reader(), quant_format=QuantFormat[form], per_channel=True)

    return make


VARIANTS = [
    ("bert-base-128-tokens.legacy", "fused", fused("bert", 12, 768)),
    ("bert-base-128-tokens.dynamo", "fused", fused("bert", 12, 768)),
    ("bert-base-128-tokens.legacy.fused", "int8-dynamic", dynamic),
    ("bert-base-128-tokens.legacy", "int8-dynamic", dynamic),
    ("vit-b-16.legacy", "fused", fused("vit", 12, 768)),
    ("vit-b-16.dynamo", "fused", fused("vit", 12, 768)),
    ("gpt-2-1024-tokens.dynamo", "fused", fused("gpt2", 12, 768)),
    ("resnet-50.legacy", "int8-dynamic", dynamic),
    ("resnet-50.legacy", "int8-qdq", static("QDQ")),
    ("resnet-50.legacy", "int8-qoperator", static("QOperator")),
]


def main():
    (folder,) = sys.argv[1:]
    for source, variant, make in VARIANTS:
        target = f"{source}.{variant}"
        result = {"source": f"{source}.onnx", "variant": variant, "file": f"{target}.onnx"}
        paths = [os.path.join(folder, f"{stem}.onnx") for stem in (source, target)]
        if not os.path.exists(paths[1]):
            try:
                with contextlib.redirect_stdout(sys.stderr):
                    make(*paths)
            except Exception as error:  # The tools may not take a model: that is a result, too.
                first = str(error).replace(folder, "").split(". ")[0]
                result["error"] = f"{type(error).__name__}: {first}"[:120]
        print(json.dumps(result), flush=True)


main()
