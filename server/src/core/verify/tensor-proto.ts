import { bytesOf } from '../dtype';
import { shortName } from '../format';
import type { Tensor } from '../graph';
import { readTensor } from '../onnx/decode';
import { rawFromTypedData } from '../onnx/typed-data';
import { createProblemSink } from '../problem';
import { sourceFromBytes } from '../source';
import { parsed, refused, type Parsed } from './parsed';
import type { NamedTensorData } from './tensor-data';

/** Reads a file that is one `TensorProto`: `input_0.pb`, `output_0.pb` of ONNX test data. External data is refused. */
export async function readTensorProto(bytes: Uint8Array): Promise<Parsed<NamedTensorData>> {
  const sink = createProblemSink();
  const tensor = await readTensor(sourceFromBytes(bytes), sink);
  const problem = sink.problems.find((one) => one.severity === 'error');
  if (problem) return { ok: false, problem };
  if (!tensor) return refused('malformed-test-data', 'Not a readable TensorProto.');
  const { dtype, dims, elementCount, storage } = tensor;
  if (storage.kind === 'strings') {
    const strings = storage.values.map((bytes) => utf8.decode(bytes));
    return parsed({ name: tensor.name, data: { dtype: 'string', dims, strings } });
  }
  const byteLength = dtype && elementCount !== null ? bytesOf(dtype, elementCount) : null;
  if (dtype === null || dtype === 'string' || byteLength === null) {
    const what = `Tensor ${shortName(tensor.name, 24)} is ${dtype ?? 'of an unknown type'}`;
    return refused('test-data-dtype', `${what}; it cannot be fed to a model.`);
  }
  const payload = payloadOf(tensor, bytes);
  if (payload?.byteLength !== byteLength) {
    return refused(
      'malformed-test-data',
      `Tensor ${shortName(tensor.name, 24)} needs ${byteLength} bytes; ${payload?.byteLength ?? 0} can be read.`,
    );
  }
  return parsed({ name: tensor.name, data: { dtype, dims, bytes: payload } });
}

const utf8 = new TextDecoder();

/** The elements as raw bytes, cut from the file's; null for external data and for elements with a tag each. */
function payloadOf(tensor: Tensor, file: Uint8Array): Uint8Array | null {
  const { dtype, elementCount, storage } = tensor;
  switch (storage.kind) {
    case 'inline':
      return storage.bytes;
    case 'raw':
      return file.subarray(storage.offset, storage.offset + storage.byteLength);
    case 'typed': {
      const [segment, ...more] = storage.segments;
      if (!segment?.packed || more.length > 0 || dtype === null || elementCount === null)
        return null;
      const packed = file.subarray(segment.offset, segment.offset + segment.byteLength);
      return rawFromTypedData(dtype, storage.field, packed, elementCount);
    }
    case 'none':
      return elementCount === 0 ? new Uint8Array(0) : null;
    case 'external':
    case 'strings':
      return null;
  }
}
