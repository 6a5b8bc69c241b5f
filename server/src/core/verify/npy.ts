import { bytesOf } from '../dtype';
import { formatBytes, shortName } from '../format';
import { parsed, refused, type Parsed } from './parsed';
import { elementCountOf, type NumericTensorData } from './tensor-data';

/** Test data beyond this does not fit the memory of the machines that this runs on. */
export const maxArrayBytes = 1024 ** 3;
/** Version 1 headers end at 64 KiB; a real version 2 or 3 header is no longer. */
const maxHeaderBytes = 65_536;
/** NumPy's own limit is 64 since 2.0. */
const maxRank = 64;

/** `kind` and item size of NumPy's array interface → dtype; `|b1` is a bool. */
const dtypes: ReadonlyMap<string, NumericTensorData['dtype']> = new Map([
  ['f2', 'float16'],
  ['f4', 'float32'],
  ['f8', 'float64'],
  ['i1', 'int8'],
  ['i2', 'int16'],
  ['i4', 'int32'],
  ['i8', 'int64'],
  ['u1', 'uint8'],
  ['u2', 'uint16'],
  ['u4', 'uint32'],
  ['u8', 'uint64'],
  ['b1', 'bool'],
]);

/**
 * Reads a `.npy` file, format versions 1 to 3, into row-major little-endian bytes.
 * Objects (pickles), strings and structured types are refused. Format: numpy.lib.format.
 */
export function readNpy(bytes: Uint8Array): Parsed<NumericTensorData> {
  const header = readHeader(bytes);
  if (!header.ok) return header;
  const { order, dtype, itemBytes, fortranOrder, dims, dataOffset } = header.value;
  const elementCount = elementCountOf(dims);
  const byteLength = elementCount * itemBytes;
  // Negated so that NaN (infinitely many times none) is refused as well.
  if (!(byteLength <= maxArrayBytes)) {
    return refused(
      'test-data-too-large',
      `The array takes ${formatBytes(byteLength)}; at most ${formatBytes(maxArrayBytes)} are read. Give fewer samples.`,
    );
  }
  if (bytes.byteLength - dataOffset < byteLength) {
    return malformed(
      `${byteLength} bytes are announced, ${bytes.byteLength - dataOffset} are there`,
    );
  }
  let data = bytes.slice(dataOffset, dataOffset + byteLength);
  if (order === '>') swapBytes(data, itemBytes);
  if (fortranOrder && dims.length > 1) data = toRowMajor(data, dims, itemBytes);
  return parsed({ dtype, dims, bytes: data });
}

interface Header {
  readonly order: string;
  readonly dtype: NumericTensorData['dtype'];
  readonly itemBytes: number;
  readonly fortranOrder: boolean;
  readonly dims: readonly number[];
  readonly dataOffset: number;
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

function readHeader(bytes: Uint8Array): Parsed<Header> {
  if (bytes.byteLength < 10 || magic.some((byte, index) => bytes[index] !== byte)) {
    return malformed('it does not begin as a .npy file');
  }
  const version = bytes[6] ?? 0;
  if (version < 1 || version > 3) return malformed(`format version ${version} is not known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const textOffset = version === 1 ? 10 : 12;
  if (bytes.byteLength < textOffset) return malformed('its header is cut off');
  const textLength = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (textLength > maxHeaderBytes) return malformed(`its header claims ${textLength} bytes`);
  const dataOffset = textOffset + textLength;
  if (dataOffset > bytes.byteLength) return malformed('its header is cut off');
  const text = new TextDecoder().decode(bytes.subarray(textOffset, dataOffset));
  return parseHeaderText(text, dataOffset);
}

/** The header is the text of a Python dict with exactly these three keys. */
function parseHeaderText(text: string, dataOffset: number): Parsed<Header> {
  const descr = /['"]descr['"]\s*:\s*(?:['"]([^'"]*)['"]|([[(]))/.exec(text);
  const fortran = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const shape = /['"]shape['"]\s*:\s*\(([^)]*)\)/.exec(text);
  if (!descr || !fortran || !shape)
    return malformed('its header lacks descr, fortran_order or shape');
  const spelled = descr[1] ?? 'a structured type';
  const dtype = dtypes.get(spelled.replace(/^[<>=|]/, ''));
  if (dtype === undefined) {
    return refused(
      'test-data-dtype',
      `Arrays of ${shortName(spelled, 24)} cannot be fed to a model; save numbers or bools.`,
    );
  }
  const dims = (shape[1] ?? '')
    .split(',')
    .map((part) => part.trim().replace(/L$/, ''))
    .filter((part) => part !== '');
  if (dims.length > maxRank || dims.some((dim) => !/^\d{1,15}$/.test(dim))) {
    return malformed('its shape is no list of sizes');
  }
  const itemBytes = bytesOf(dtype, 1) ?? 1;
  return parsed({
    order: spelled.slice(0, 1),
    dtype,
    itemBytes,
    fortranOrder: fortran[1] === 'True',
    dims: dims.map(Number),
    dataOffset,
  });
}

function swapBytes(data: Uint8Array, itemBytes: number): void {
  for (let start = 0; start < data.byteLength; start += itemBytes) {
    data.subarray(start, start + itemBytes).reverse();
  }
}

/** Column-major to row-major: walks the elements in row-major order, stepping through column-major strides. */
function toRowMajor(
  data: Uint8Array,
  dims: readonly number[],
  itemBytes: number,
): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(data.byteLength);
  const strides: number[] = [];
  dims.reduce((stride, dim) => (strides.push(stride), stride * dim), itemBytes);
  const index = dims.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.byteLength; to += itemBytes) {
    for (let byte = 0; byte < itemBytes; byte++) result[to + byte] = data[from + byte] ?? 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const stride = strides[axis] ?? 0;
      const dim = dims[axis] ?? 0;
      from += stride;
      if (next < dim) {
        index[axis] = next;
        break;
      }
      index[axis] = 0;
      from -= stride * dim;
    }
  }
  return result;
}

function malformed(why: string): Parsed<never> {
  return refused('malformed-test-data', `Not a readable .npy array: ${why}.`);
}
