import type * as Ort from 'onnxruntime-common';
import { dataTypeFromName } from '../core/dtype';
import type { ModelInput } from '../core/verify/samples';
import { alignedBuffer, type TensorData } from '../core/verify/tensor-data';

/** Conversion between this project's tensors and ONNX Runtime's, for both JavaScript packages. */

/** A dim of at least this is the WebAssembly package's way to say -1, "not known". */
const unknownDim = 2 ** 32 - 1;

/** Name, dtype and dims of an input or output; dtype null for sequences, maps and optionals. */
export function infoOf(metadata: Ort.InferenceSession.ValueMetadata): ModelInput {
  if (!metadata.isTensor) return { name: metadata.name, dtype: null, dims: null };
  return {
    name: metadata.name,
    dtype: dataTypeFromName(metadata.type) ?? null,
    dims: metadata.shape.map((dim) => {
      if (typeof dim === 'number') return dim < unknownDim ? dim : null;
      return dim === '' ? null : dim;
    }),
  };
}

/** Throws with a sentence for a dtype that the packages cannot be fed. */
export function toOrtTensor(Tensor: Ort.TensorConstructor, data: TensorData): Ort.Tensor {
  if (data.dtype === 'string') return new Tensor('string', [...data.strings], data.dims);
  const { dtype, dims } = data;
  const buffer = alignedBuffer(data.bytes);
  switch (dtype) {
    case 'float32':
      return new Tensor(dtype, new Float32Array(buffer), dims);
    case 'float64':
      return new Tensor(dtype, new Float64Array(buffer), dims);
    case 'float16':
      // Bits: taken as they are by engines with and without Float16Array.
      return new Tensor(dtype, new Uint16Array(buffer), dims);
    case 'int64':
      return new Tensor(dtype, new BigInt64Array(buffer), dims);
    case 'uint64':
      return new Tensor(dtype, new BigUint64Array(buffer), dims);
    case 'int32':
      return new Tensor(dtype, new Int32Array(buffer), dims);
    case 'uint32':
      return new Tensor(dtype, new Uint32Array(buffer), dims);
    case 'int16':
      return new Tensor(dtype, new Int16Array(buffer), dims);
    case 'uint16':
      return new Tensor(dtype, new Uint16Array(buffer), dims);
    case 'int8':
      return new Tensor(dtype, new Int8Array(buffer), dims);
    case 'uint8':
    case 'int4':
    case 'uint4':
      return new Tensor(dtype, new Uint8Array(buffer), dims);
    case 'bool':
      return new Tensor(dtype, new Uint8Array(buffer), dims);
    default:
      throw new Error(
        `inputs of ${dtype} cannot be fed through ONNX Runtime's JavaScript packages`,
      );
  }
}

/** Copies: the runtime may reuse its memory. Throws with a sentence for what is no tensor in memory. */
export function fromOrtTensor(value: Ort.OnnxValue): TensorData {
  const { data, dims } = value;
  if (Array.isArray(data)) return { dtype: 'string', dims: [...dims], strings: [...data] };
  const dtype = dataTypeFromName(value.type);
  if (!dtype || dtype === 'string' || !ArrayBuffer.isView(data)) {
    throw new Error(`an output of type ${value.type} cannot be read`);
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return { dtype, dims: [...dims], bytes };
}
