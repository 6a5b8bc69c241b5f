/** Workspaces for measuring the editor: large models, long texts, a long config, many files. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeModel } from '../../server/src/core/onnx/encode';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import { int, join, message, onnxField as f, text } from '../../test/support/protobuf';

/** A chain of 25 products of 1000 × 1000 float32: 100 MB of weights. */
export function largeModel(): Uint8Array {
  const size = 1000;
  const payload = new Uint8Array(size * size * 4);
  const layers = Array.from({ length: 25 }, (_, index) => {
    const [from, to] = [`h${index}`, `h${index + 1}`];
    return join([
      message(
        f.graph.node,
        ...[from, `w${index}`].map((name) => text(f.node.input, name)),
        text(f.node.output, to),
        text(f.node.name, `layer${index}`),
        text(f.node.opType, 'MatMul'),
      ),
      message(
        f.graph.initializer,
        int(f.tensor.dims, size),
        int(f.tensor.dims, size),
        int(f.tensor.dataType, 1),
        text(f.tensor.name, `w${index}`),
        message(f.tensor.rawData, payload),
      ),
    ]);
  });
  const rest = modelOf(`g (float[1,${size}] h0) => (float[1,${size}] y) { y = Identity (h25) }`);
  // Messages of the same field are merged by every reader: the layers join the graph of the rest.
  return join([message(f.model.graph, ...layers), rest]);
}

/** A graph whose text has about so many lines. */
export function longModel(lines: number): Uint8Array {
  return modelOf(longBody(lines));
}

/** That text. */
export function longText(lines: number): string {
  return withHeader(longBody(lines));
}

function longBody(lines: number): string {
  const nodes = Array.from({ length: lines }, (_, index) => {
    const operator = ['Relu', 'Sigmoid', 'Tanh', 'Abs'][index % 4] ?? '';
    return `["/layer.${Math.floor(index / 10)}/op_${index}"] h${index + 1} = ${operator} (h${index})`;
  });
  return `g (float[1,64] h0) => (float[1,64] y) {\n${nodes.join('\n')}\ny = Identity (h${lines})\n}`;
}

function modelOf(body: string): Uint8Array {
  const { model } = parseModelText(withHeader(body));
  if (!model) throw new Error('the text of a fixture is not well-formed');
  return encodeModel(model);
}

function withHeader(body: string): string {
  return `<ir_version: 8, opset_import: ["" : 17]>\n${body}`;
}

/** A model config of so many lines, most of them labels; its dtype gives a finding. */
export function longConfig(lines: number): string {
  const labels = Object.fromEntries(
    Array.from({ length: lines - 16 }, (_, index) => [String(index), `LABEL_${index}`]),
  );
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    torch_dtype: 'float32',
    hidden_size: 2048,
    intermediate_size: 5632,
    num_hidden_layers: 22,
    num_attention_heads: 32,
    num_key_value_heads: 4,
    max_position_embeddings: 2048,
    vocab_size: 32_000,
    tie_word_embeddings: false,
    id2label: labels,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Copies the first `count` files below a folder, hidden folders left out; answers how many there were. */
export function copyFiles(from: string, to: string, count: number): number {
  const files = readdirSync(from, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(from, path.join(entry.parentPath, entry.name)))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .slice(0, count);
  for (const name of files) {
    mkdirSync(path.dirname(path.join(to, name)), { recursive: true });
    cpSync(path.join(from, name), path.join(to, name));
  }
  return files.length;
}

/** Models and configs first: what the server reads. */
function rank(name: string): number {
  if (name.endsWith('.onnx')) return 0;
  return name.endsWith('.json') ? 1 : 2;
}

export function writeFixture(folder: string, name: string, contents: Uint8Array | string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), contents);
}
