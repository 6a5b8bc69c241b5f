/**
 * Multiply-accumulates as published, with what each figure counts.
 *
 * Figures of torchvision and timm have three and two decimals; papers round more and are named where they are the only
 * source. Those in FLOPs of two operations per multiply-accumulate are halved here.
 */
export interface Published {
  /** A name of `published_models.py`, or a file of the corpus. */
  readonly model: string;
  /** 1e9 multiply-accumulates. */
  readonly giga: number;
  /** Half of the last digit that the source gives. */
  readonly rounding: number;
  readonly counts: Counts;
  readonly source: string;
  /** Why ours differs although the figure is right: then no bar is set. */
  readonly differs?: string;
}

/**
 * - `products`: all products of two tensors, those of attention included.
 * - `weights`: products with weights only.
 * - `products and norms`, `weights and norms`: also 2 operations per element of a BatchNorm and 5 per element of a
 *   LayerNorm, as fvcore counts them.
 */
export type Counts = 'products' | 'weights' | 'products and norms' | 'weights and norms';

const torchvision = (model: string, giga: number, weights: string): Published => ({
  model,
  giga,
  rounding: 0.0005,
  counts: 'products',
  source: `torchvision, \`${weights}\`, \`_ops\``,
});

const timm = (model: string, giga: number, name: string): Published => ({
  model,
  giga,
  rounding: 0.005,
  counts: 'products and norms',
  source: `timm, results/benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv, \`${name}\``,
});

export const published: readonly Published[] = [
  torchvision('ResNet-18', 1.814, 'ResNet18_Weights'),
  torchvision('ResNet-50', 4.089, 'ResNet50_Weights'),
  timm('ResNet-50', 4.11, 'resnet50'),
  {
    model: 'ResNet-50',
    giga: 3.8,
    rounding: 0.05,
    counts: 'products',
    source: 'He et al. 2016, arXiv:1512.03385, table 1: 3.8 × 10⁹ FLOPs (multiply-adds)',
    differs:
      'The paper strides in the first 1 × 1 convolution of a block; exports of today in the 3 × 3 one, so that the former makes four times the pixels.',
  },
  {
    model: 'MobileNetV1',
    giga: 0.569,
    rounding: 0.0005,
    counts: 'products',
    source: 'Howard et al. 2017, arXiv:1704.04861, table 4: 569 million mult-adds',
  },
  timm('MobileNetV1', 0.58, 'mobilenetv1_100'),
  torchvision('MobileNetV2', 0.301, 'MobileNet_V2_Weights'),
  torchvision('EfficientNet-B0', 0.386, 'EfficientNet_B0_Weights'),
  timm('EfficientNet-B0', 0.4, 'efficientnet_b0'),
  torchvision('ConvNeXt-T', 4.456, 'ConvNeXt_Tiny_Weights'),
  timm('ConvNeXt-T', 4.47, 'convnext_tiny'),
  torchvision('RegNetY-400MF', 0.402, 'RegNet_Y_400MF_Weights'),
  timm('MobileViT-S', 2.03, 'mobilevit_s'),
  timm('DeiT-Ti/16', 1.26, 'deit_tiny_patch16_224'),
  timm('DeiT-S/16', 4.61, 'deit_small_patch16_224'),
  torchvision('ViT-B/16', 17.564, 'ViT_B_16_Weights'),
  {
    model: 'SegFormer-B0',
    giga: 8.4,
    rounding: 0.05,
    counts: 'products',
    source:
      'Xie et al. 2021, arXiv:2105.15203, table 2: 8.4 GFLOPs at 512 × 512; a FLOP is a MAC there',
  },
  {
    model: 'BERT-base, 128 tokens',
    giga: 22.5 / 2,
    rounding: 0.025,
    counts: 'products',
    source: 'Jiao et al. 2020, arXiv:1909.10351, table 1: 22.5 B FLOPs',
  },
  {
    model: 'DistilBERT, 128 tokens',
    giga: 11.3 / 2,
    rounding: 0.025,
    counts: 'products',
    source: 'Jiao et al. 2020, arXiv:1909.10351, table 1: 11.3 B FLOPs',
    differs:
      'PyTorch and onnx-tool count what we count. This figure and that of BERT-base exceed the products by 6 to 8 million a layer: it seems to hold elementwise work, too.',
  },
  {
    model: 'GPT-2, 1024 tokens',
    giga: (1024 * 12 * 12 * 768 ** 2) / 1e9,
    rounding: 0,
    counts: 'weights',
    source: 'Kaplan et al. 2020, arXiv:2001.08361, table 1: 2 N FLOPs per token',
  },
  {
    model: 'GPT-2, 1024 tokens',
    giga: (1024 * (12 * 12 * 768 ** 2 + 12 * 1024 * 768)) / 1e9,
    rounding: 0,
    counts: 'products',
    source:
      'Kaplan et al. 2020, arXiv:2001.08361, table 1: 2 N + 2 n_layer n_ctx d_attn FLOPs per token',
    differs:
      'The figure counts half of the pairs of tokens, those a causal mask keeps; the graph multiplies all of them.',
  },
];

/** Models of the corpus whose weights are made by nodes, so that the files are small. */
export const publishedOfCorpus: readonly Published[] = [
  torchvision('light_vgg19', 19.632, 'VGG19_Weights'),
  torchvision('light_resnet50', 4.089, 'ResNet50_Weights'),
];
