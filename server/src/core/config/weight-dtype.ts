import type { DataType } from '../dtype';
import { bytesOf } from '../dtype';

/** torch's names of the types that weights are stored in. */
const byTorchName: ReadonlyMap<string, DataType> = new Map([
  ['float32', 'float32'],
  ['float', 'float32'],
  ['float64', 'float64'],
  ['double', 'float64'],
  ['float16', 'float16'],
  ['half', 'float16'],
  ['bfloat16', 'bfloat16'],
  ['float8_e4m3fn', 'float8e4m3fn'],
  ['float8_e5m2', 'float8e5m2'],
  ['int8', 'int8'],
  ['uint8', 'uint8'],
]);

/** `bfloat16` and `torch.bfloat16` alike; null for `auto` and what torch does not name. */
export function dtypeOfTorchName(name: string): DataType | null {
  return byTorchName.get(name.replace(/^torch\./, '')) ?? null;
}

/** Bytes of that many elements; types of a config are never strings. */
export function weightBytesOf(dtype: DataType, elements: number): number {
  return bytesOf(dtype, elements) ?? 0;
}
