/**
 * A graph of many nodes with the names that PyTorch gives them: time of the scan and of scan and decode, and memory.
 *
 *   npx tsx bench/many-nodes.ts [COUNT]
 *
 * COUNT is 100000 when it is not given.
 */
import { readModel } from '../server/src/core/onnx/decode';
import { scanModel } from '../server/src/core/onnx/wire';
import { createProblemSink } from '../server/src/core/problem';
import { sourceFromBytes, type ByteSource } from '../server/src/core/source';
import {
  floatBytes,
  int,
  join,
  message,
  onnxField as f,
  text,
  unpackedInts,
} from '../test/support/protobuf';

const runs = 5;

function manyNodes(count: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let previous = 'input';
  for (let index = 0; index < count; index++) {
    const name = `/model/layers.${Math.floor(index / 40)}/self_attn/Op_${index}`;
    const output = `${name}_output_0`;
    const inputs = index % 4 === 0 ? [previous, `weight_${index}`] : [previous];
    const ints = (attribute: string, ...values: readonly number[]) =>
      message(
        f.node.attribute,
        text(f.attribute.name, attribute),
        unpackedInts(f.attribute.ints, values),
        int(f.attribute.type, 7),
      );
    parts.push(
      message(
        f.graph.node,
        ...inputs.map((input) => text(f.node.input, input)),
        text(f.node.output, output),
        text(f.node.name, name),
        text(f.node.opType, ['Add', 'Transpose', 'Relu', 'Concat'][index % 4] ?? ''),
        ...(index % 4 === 1 ? [ints('perm', 0, 2, 1, 3)] : []),
      ),
    );
    if (index % 4 === 0) parts.push(weight(`weight_${index}`));
    if (index % 2 === 0) parts.push(valueInfo(output));
    previous = output;
  }
  return message(f.model.graph, join(parts));
}

function weight(name: string): Uint8Array {
  return message(
    f.graph.initializer,
    int(f.tensor.dims, 4),
    int(f.tensor.dataType, 1),
    text(f.tensor.name, name),
    message(f.tensor.rawData, floatBytes(1, 2, 3, 4)),
  );
}

function valueInfo(name: string): Uint8Array {
  const dims = [1, 128, 64].map((size) => message(f.shape.dim, int(f.dim.value, size)));
  const type = message(
    f.type.tensor,
    int(f.tensorType.elemType, 1),
    message(f.tensorType.shape, ...dims),
  );
  return message(f.graph.valueInfo, text(f.valueInfo.name, name), message(f.valueInfo.type, type));
}

/** The middle of several runs, in milliseconds; the first ones warm up, as in an editor. */
async function measure(read: () => Promise<unknown>): Promise<{ cold: number; warm: number }> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await read();
    times.push(performance.now() - start);
  }
  const [cold = 0, ...rest] = times;
  return { cold, warm: rest.sort((a, b) => a - b)[Math.floor(rest.length / 2)] ?? 0 };
}

async function main(count: number): Promise<void> {
  const bytes = manyNodes(count);
  const source: ByteSource = sourceFromBytes(bytes);
  const before = process.memoryUsage().rss;
  const all = await measure(() => readModel(source, createProblemSink()));
  const peak = process.resourceUsage().maxRSS * 1024 - before;
  const scan = await measure(() => scanModel(source, createProblemSink()));
  console.log(`${count} nodes, ${(bytes.byteLength / 1e6).toFixed(1)} MB`);
  console.log(`scan and decode: ${all.warm.toFixed(0)} ms, first time ${all.cold.toFixed(0)} ms`);
  console.log(`scan alone:      ${scan.warm.toFixed(0)} ms`);
  console.log(`memory:          ${(peak / 1e6).toFixed(0)} MB more at the peak of ${runs} runs`);
}

void main(Number(process.argv[2] ?? 100_000));
