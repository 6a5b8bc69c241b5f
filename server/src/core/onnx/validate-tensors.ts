import { isFloat } from '../dtype';
import type { SparseTensor, Tensor } from '../graph';
import type { ProblemSink } from '../problem';
import { inlineValues } from '../tensor-values';
import { checkName } from './validate-names';
import { report } from './validate-report';

/** Only small weights are at hand here; large ones are checked when a transform reads them. */
export function checkWeight(tensor: Tensor, sink: ProblemSink): void {
  const { name, dtype, elementCount } = tensor;
  checkName(name, name, sink);
  if (dtype === 'string') {
    report(
      sink,
      { code: 'string-initializer', severity: 'info', where: name, name },
      (shown) => `Initializer "${shown}" holds strings; it is not counted as weights.`,
    );
  }
  if (elementCount === 0) {
    report(
      sink,
      { code: 'empty-initializer', severity: 'info', where: name, name },
      (shown) => `Initializer "${shown}" has no elements.`,
    );
  }
  // A lone infinity is a mask or a clip bound; among several values it is a broken weight.
  if (!isFloat(dtype) || elementCount === null || elementCount < 2) return;
  switch (magnitudeOf(tensor)) {
    case 'ordinary':
      return;
    case 'tiny':
      checkZero(tensor, sink);
      return;
    case 'unknown': {
      const values = inlineValues(tensor);
      if (!values) return;
      const bad = values.findIndex((value) => !Number.isFinite(Number(value)));
      if (bad < 0) {
        if (values.every(isTiny)) checkZero(tensor, sink);
        return;
      }
      report(
        sink,
        { code: 'non-finite-weights', severity: 'warning', where: name, name },
        (shown) => `Weight "${shown}" contains ${Number(values[bad])}; results are not usable.`,
      );
    }
  }
}

/** Fewer zeros are a state or a mask. */
const fewElements = 16;

/** A vector of zeros is a bias or the shift of a normalisation: both are often exactly that. */
function checkZero({ name, dims, elementCount }: Tensor, sink: ProblemSink): void {
  if (dims.length < 2 || (elementCount ?? 0) < fewElements) return;
  report(
    sink,
    { code: 'zero-weights', severity: 'info', where: name, name },
    (shown) =>
      `Weight "${shown}" is zero throughout: a layer that multiplies by it computes nothing.`,
  );
}

/** Below the smallest normal float32. */
function isTiny(value: number | bigint): boolean {
  return Math.abs(Number(value)) < 2 ** -126;
}

/**
 * Of float32 data at hand, told without a copy: `tiny` when all of it is, `unknown` with an infinity or a NaN in it, or
 * with more or fewer bytes than its dims need. Of other types that are at hand `unknown`, and `ordinary` of those in
 * the file.
 */
function magnitudeOf({ dtype, elementCount, storage }: Tensor): 'ordinary' | 'tiny' | 'unknown' {
  if (storage.kind !== 'inline') return 'ordinary';
  const { bytes } = storage;
  if (dtype !== 'float32' || bytes.byteLength !== 4 * (elementCount ?? 0)) return 'unknown';
  let isTinyThroughout = true;
  for (let index = 3; index < bytes.byteLength; index += 4) {
    const exponent = (((bytes[index] ?? 0) & 0x7f) << 1) | ((bytes[index - 1] ?? 0) >> 7);
    if (exponent === 0xff) return 'unknown';
    isTinyThroughout &&= exponent === 0;
  }
  return isTinyThroughout ? 'tiny' : 'ordinary';
}

/**
 * Checks a sparse tensor: values a list, int64 indices either flat or one row per value, inside the dims and ascending.
 * Source: the comments of SparseTensorProto in onnx.proto.
 */
export function checkSparseTensor(
  { values, indices, dims }: SparseTensor,
  where: string,
  sink: ProblemSink,
): void {
  checkName(values.name, where, sink);
  const wrong = sparseProblem(values, indices, dims);
  if (wrong === null) return;
  report(
    sink,
    { code: 'invalid-sparse-tensor', severity: 'error', where, name: values.name },
    (shown) => `Sparse tensor "${shown}" ${wrong}.`,
  );
}

function sparseProblem(values: Tensor, indices: Tensor, dims: readonly number[]): string | null {
  const rank = dims.length;
  if (rank === 0) return 'has no dims';
  if (values.dims.length !== 1) return `has values of rank ${values.dims.length}; a list is needed`;
  const count = values.dims[0] ?? 0;
  const sizes = dims.map((dim) => BigInt(dim));
  const size = sizes.reduce((product, dim) => product * dim, 1n);
  if (count > size) return `has ${count} values but room for ${size}`;
  if (count === 0) return null;
  if (indices.dtype !== 'int64')
    return `has indices of type ${indices.dtype ?? 'unknown'}, not int64`;
  const [rows = 0, columns] = indices.dims;
  const isFlat = indices.dims.length === 1;
  if (!isFlat && (indices.dims.length !== 2 || columns !== rank)) {
    const shape = indices.dims.slice(0, 4).join(', ');
    return `has indices of shape [${shape}]; [${count}] or [${count}, ${rank}] is needed`;
  }
  if (rows !== count) return `has ${count} values but ${rows} indices`;
  return orderProblem(inlineValues(indices), isFlat ? [size] : sizes);
}

/** Indices outside of the dims or not ascending, when they are at hand. */
function orderProblem(
  flat: readonly number[] | readonly bigint[] | undefined,
  dims: readonly bigint[],
): string | null {
  if (!flat) return null;
  const rank = dims.length;
  let previous = -1n;
  for (let start = 0; start + rank <= flat.length; start += rank) {
    // The position in the dense tensor; 64-bit values and sizes beyond 2^53 stay exact.
    let position = 0n;
    for (const [axis, dim] of dims.entries()) {
      const index = BigInt(flat[start + axis] ?? 0);
      if (index < 0n || index >= dim) return `has the index ${index} where ${dim} elements are`;
      position = position * dim + index;
    }
    if (position <= previous) return `has indices that do not ascend (entry ${start / rank})`;
    previous = position;
  }
  return null;
}
