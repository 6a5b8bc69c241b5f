import type { DataType } from '../dtype';
import type { LayerGroup } from './architecture';
import { at, booleanAt, numberAt, propertyAt, stringAt } from './tree';
import type { ConfigNode, ConfigObject, ConfigProperty } from './tree';
import { weightBytesOf } from './weight-dtype';

/** What `quantization_config` says about the stored weights. */
export interface ConfigQuantization {
  /** `bitsandbytes`, `gptq`, `awq`, `fp8`, `compressed-tensors` … as the config names it. */
  readonly method: string | null;
  /** Bits of one quantised weight, without scales; null when the config does not tell. */
  readonly bits: number | null;
  /** Bits that scales and zero points add to each quantised weight. */
  readonly overheadBits: number;
  readonly weightDtype: DataType | null;
  /** The entry itself, and its keys that rules point at when present. */
  readonly entry: ConfigProperty;
  readonly methodEntry: ConfigProperty | null;
  readonly loadIn8bit: ConfigProperty | null;
  readonly loadIn4bit: ConfigProperty | null;
}

/** Reads `quantization_config` (or the older `compression_config`); null when there is none. */
export function readQuantization(root: ConfigObject): ConfigQuantization | null {
  const entry = ['quantization_config', 'compression_config']
    .map((key) => root.properties.get(key))
    .find((property) => property?.value.kind === 'object');
  if (entry?.value.kind !== 'object') return null;
  const config = entry.value;
  const method = stringAt(config, ['quant_method']) ?? methodOfFlags(config);
  const { bits, dtype, overheadBits } = weightFormat(config, method);
  return {
    method,
    bits,
    overheadBits,
    weightDtype: dtype,
    entry,
    methodEntry: propertyAt(config, ['quant_method']) ?? null,
    loadIn8bit: propertyAt(config, ['load_in_8bit']) ?? null,
    loadIn4bit: propertyAt(config, ['load_in_4bit']) ?? null,
  };
}

/** Files written before `quant_method` existed have only bitsandbytes' switches. */
function methodOfFlags(config: ConfigObject): string | null {
  const flags = ['load_in_8bit', 'load_in_4bit'];
  return flags.some((flag) => booleanAt(config, [flag])) ? 'bitsandbytes' : null;
}

interface WeightFormat {
  readonly bits: number | null;
  readonly dtype: DataType | null;
  readonly overheadBits: number;
}

const unknownFormat: WeightFormat = { bits: null, dtype: null, overheadBits: 0 };

/** Scales in 16 bits are what GPTQ, AWQ and compressed-tensors store. */
const scaleBits = 16;

function weightFormat(config: ConfigObject, method: string | null): WeightFormat {
  switch (method) {
    case 'bitsandbytes':
      return bitsandbytes(config);
    case 'fp8':
    case 'fbgemm_fp8':
      // One float32 scale per block of 128 × 128 or per tensor: nothing per weight.
      return { bits: 8, dtype: 'float8e4m3fn', overheadBits: 0 };
    case 'mxfp4':
      // One 8-bit exponent per 32 values (OCP microscaling formats 1.0).
      return { bits: 4, dtype: 'float4e2m1', overheadBits: 8 / 32 };
    case 'compressed-tensors':
      return compressedTensors(config);
    default: {
      const bits = numberAt(config, ['bits']) ?? numberAt(config, ['nbits']);
      return ofBits(bits, numberAt(config, ['group_size']), true);
    }
  }
}

/** 4 bits: one float32 maximum per 64 weights, or with double quantisation 8 bits and a float32 per 256 of those. */
function bitsandbytes(config: ConfigObject): WeightFormat {
  if (booleanAt(config, ['load_in_4bit'])) {
    const double = booleanAt(config, ['bnb_4bit_use_double_quant']) ?? false;
    const overheadBits = double ? (8 + 32 / 256) / 64 : 32 / 64;
    return { bits: 4, dtype: 'int4', overheadBits };
  }
  if (booleanAt(config, ['load_in_8bit'])) return { bits: 8, dtype: 'int8', overheadBits: 0 };
  return unknownFormat;
}

/** The first group that quantises linear layers speaks for the file. */
function compressedTensors(config: ConfigObject): WeightFormat {
  const groups = at(config, ['config_groups']);
  const first: ConfigNode | undefined =
    groups?.kind === 'object' ? [...groups.properties.values()][0]?.value : undefined;
  const bits = numberAt(first, ['weights', 'num_bits']);
  const groupSize = numberAt(first, ['weights', 'group_size']);
  const format = ofBits(bits, groupSize, booleanAt(first, ['weights', 'symmetric']) === false);
  if (stringAt(first, ['weights', 'type']) !== 'float') return format;
  const dtype: DataType | null = bits === 8 ? 'float8e4m3fn' : bits === 4 ? 'float4e2m1' : null;
  return { ...format, dtype };
}

function ofBits(
  bits: number | undefined,
  groupSize: number | undefined,
  hasZeroPoints: boolean,
): WeightFormat {
  if (bits === undefined || !Number.isInteger(bits) || bits < 1 || bits > 16) return unknownFormat;
  // Three bits and the like are packed in words: no dtype of ours names them.
  const dtype: DataType | null =
    bits === 8 ? 'int8' : bits === 4 ? 'int4' : bits === 2 ? 'int2' : null;
  const grouped = groupSize !== undefined && Number.isInteger(groupSize) && groupSize > 0;
  const overheadBits = grouped ? (scaleBits + (hasZeroPoints ? bits : 0)) / groupSize : 0;
  return { bits, dtype, overheadBits };
}

/**
 * Bytes of one group of layers as stored. Quantisers convert the matrices of the layers and leave
 * embeddings, norms, biases, the output projection and the towers' projector in `dtype`.
 */
export function storedBytes(
  layer: LayerGroup,
  dtype: DataType,
  quantization: ConfigQuantization | null,
): number | null {
  const { parameters, matrixParameters } = layer.weights;
  if (!quantization || !isQuantised(layer, quantization)) return weightBytesOf(dtype, parameters);
  const { bits, overheadBits } = quantization;
  if (bits === null) return null;
  const perWeight = bits + overheadBits;
  const rest = weightBytesOf(dtype, parameters - matrixParameters);
  return Math.ceil((matrixParameters * perWeight) / 8) + rest;
}

/** Whether the quantiser converts the matrices of this group. */
export function isQuantised(layer: LayerGroup, { method }: ConfigQuantization): boolean {
  if (layer.part !== 'text') return false;
  // MXFP4 checkpoints keep attention in bfloat16.
  if (method === 'mxfp4') return layer.kind === 'experts';
  return convertedKinds.has(layer.kind);
}

const convertedKinds: ReadonlySet<LayerGroup['kind']> = new Set([
  'attention',
  'linear-attention',
  'cross-attention',
  'mlp',
  'experts',
]);
