import type { DataType } from '../dtype';
import { dataTypeInfo } from '../dtype';
import type { Device, Precision } from './devices';

/** What a device multiplies an item in. */
export interface ResolvedPrecision {
  /** Whose peak rate applies. */
  readonly precision: Precision;
  /** Factor on that rate: float64 runs at a fraction of float32, widening int8 at a multiple. */
  readonly rateFactor: number;
  /** Weights and activations shrink (or not) by this when the runtime converts the model. */
  readonly byteFactor: number;
  /** Told among the assumptions when it is not what the file says. */
  readonly note: string | null;
}

/** Candidates for each dtype: itself, then slower formats that hold it, then faster ones it is converted to. */
const chains: Readonly<Partial<Record<DataType, readonly Precision[]>>> = {
  float32: ['float32', 'float16', 'bfloat16', 'int8'],
  float16: ['float16', 'float32', 'bfloat16', 'int8'],
  bfloat16: ['bfloat16', 'float32', 'float16', 'int8'],
  float8e4m3fn: ['float8', 'float16', 'bfloat16', 'float32', 'int8'],
  float8e5m2: ['float8', 'float16', 'bfloat16', 'float32', 'int8'],
  int8: ['int8', 'float32', 'float16', 'bfloat16'],
  uint8: ['int8', 'float32', 'float16', 'bfloat16'],
  int4: ['int4', 'int8', 'float16', 'float32'],
  uint4: ['int4', 'int8', 'float16', 'float32'],
};

const fallbackChain: readonly Precision[] = ['float32', 'float16', 'bfloat16', 'int8'];

/** CPUs and GPUs sold for inference run float64 at half or less; half is the kindest guess. */
const float64Rate = 0.5;

const bitsOf: Readonly<Record<Precision, number>> = {
  float32: 32,
  tf32: 32,
  float16: 16,
  bfloat16: 16,
  float8: 8,
  int8: 8,
  int4: 4,
};

/** The precision in which `device` multiplies values of `dtype`; null dtype counts as float32. */
export function resolvePrecision(device: Device, dtype: DataType | null): ResolvedPrecision {
  const wanted = dtype ?? 'float32';
  const chain = chains[wanted] ?? fallbackChain;
  const found = chain.find((precision) => device.peakOpsPerSecond.has(precision)) ?? 'float32';
  const note = dtype === null ? 'element type unknown: counted as float32' : null;
  if (found === 'int8' && !hasInt8Instructions(device)) {
    return {
      precision: 'float32',
      rateFactor: wideningRate(device),
      byteFactor: 1,
      note: slowInt8Note,
    };
  }
  if (wanted === 'float64' && found === 'float32') {
    const text = 'float64 at half the float32 rate (assumption)';
    return { precision: found, rateFactor: float64Rate, byteFactor: 1, note: text };
  }
  if (found === 'float32' && device.peakOpsPerSecond.has('tf32')) {
    return { precision: 'tf32', rateFactor: 1, byteFactor: 1, note: tf32Note };
  }
  if (chain[0] === found) return { precision: found, rateFactor: 1, byteFactor: 1, note };
  return converted(wanted, found);
}

/** Are int8 products accumulated by instructions or units made for it (VNNI, SDOT, NPU)? */
function hasInt8Instructions(device: Device): boolean {
  return device.int8DotProduct.value === 1 || !device.peakOpsPerSecond.has('float32');
}

/** Twice as many int8 as float32 lanes in a vector, and each product still has to be widened. */
const maxWideningRate = 2;

/**
 * int8 on a CPU without dot product, against float32. Published pairs on Cortex-A72 and A73 agree:
 * int8 takes 0.42 (TFLite) to 0.63 (ArmNN) of the energy, medians of 39 MobileNets each.
 */
function wideningRate({ peakOpsPerSecond }: Device): number {
  const int8 = peakOpsPerSecond.get('int8')?.value ?? 0;
  const float32 = peakOpsPerSecond.get('float32')?.value ?? 0;
  return float32 > 0 ? Math.min(maxWideningRate, Math.max(1, int8 / float32)) : 1;
}

const slowInt8Note = 'no int8 dot-product instructions: at most twice the float32 rate';
const tf32Note = 'float32 products in TF32, the default of TensorRT and the CUDA provider';

function converted(wanted: DataType, found: Precision): ResolvedPrecision {
  const bits = dataTypeInfo(wanted).bits;
  const smaller = bits !== null && bitsOf[found] < bits;
  return {
    precision: found,
    rateFactor: 1,
    byteFactor: smaller ? bitsOf[found] / bits : 1,
    note: smaller
      ? `the device has no ${wanted}: estimated as if converted to ${found}`
      : `the device has no ${wanted}: it runs at the ${found} rate`,
  };
}
