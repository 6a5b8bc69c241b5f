import assert from 'node:assert/strict';
import type { Parsed } from '../../../server/src/core/verify/parsed';
import { numbersOf, type TensorData } from '../../../server/src/core/verify/tensor-data';

export function float32(dims: readonly number[], values: readonly number[]): TensorData {
  return { dtype: 'float32', dims, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

export function int64(dims: readonly number[], values: readonly bigint[]): TensorData {
  return { dtype: 'int64', dims, bytes: new Uint8Array(BigInt64Array.from(values).buffer) };
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** dtype, dims and values in one comparable thing. */
export function plain(
  tensor: TensorData,
): readonly [string, readonly number[], readonly unknown[]] {
  const values = tensor.dtype === 'string' ? tensor.strings : Array.from(numbersOf(tensor) ?? []);
  return [tensor.dtype, tensor.dims, values];
}

export function valueOf<T>(result: Parsed<T>): T {
  assert.ok(result.ok, result.ok ? '' : result.problem.message);
  return result.value;
}

/** The refusal's code; its message must fit one line. */
export function codeOf(result: Parsed<unknown>): string {
  assert.ok(!result.ok, 'a refusal was expected');
  assert.ok(result.problem.message.length <= 120, result.problem.message);
  return result.problem.code;
}
