import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Model, Tensor } from '../../../server/src/core/graph';
import { readModel, readTensor } from '../../../server/src/core/onnx/decode';
import { createProblemSink } from '../../../server/src/core/problem';
import { inferShapes } from '../../../server/src/core/shapes/infer';
import type { InferredType, Scope } from '../../../server/src/core/shapes/types';
import { sourceFromBytes } from '../../../server/src/core/source';
import { inlineValues } from '../../../server/src/core/tensor-values';
import { filesOfTarGz } from '../../support/tar';
import { typeText } from './helpers';

const corpus = path.resolve(process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus');

describe('shapes: corpus', function () {
  this.timeout(300_000);

  before(function () {
    if (existsSync(corpus)) return;
    console.log(`    corpus not found at ${corpus}: skipped (set GREEN_AI_CORPUS)`);
    this.skip();
  });

  it('knows the shape of 99 % of the node outputs of the real models', async () => {
    const unknown = new Map<string, number>();
    let [known, all] = [0, 0];
    for (const file of onnxFiles('onnx/real')) {
      const scope = await infer(file);
      for (const { type, opType } of scope ? outputsOf(scope) : []) {
        all++;
        if (isKnown(type)) known++;
        else unknown.set(opType, (unknown.get(opType) ?? 0) + 1);
      }
    }
    const missing = JSON.stringify([...unknown]);
    assert.ok(all > 3000, `only ${all} node outputs were read`);
    assert.ok(known / all >= 0.99, `${known} of ${all} are known; unknown: ${missing}`);
  });

  it('blames no real model', async () => {
    for (const file of onnxFiles('onnx/real')) {
      const { problems } = await inferWithProblems(file);
      assert.deepEqual(problems, [], file);
    }
  });

  it('survives every model of the corpus, hostile ones too', async () => {
    let count = 0;
    for (const file of [...onnxFiles('onnx'), ...onnxFiles('onnx-invalid')]) {
      const scope = await infer(file);
      if (!scope) continue;
      count++;
      for (const { type } of outputsOf(scope)) assertSane(type, file);
    }
    assert.ok(count > 500, `only ${count} models were read`);
  });

  /**
   * The operator tests of ONNX carry the outputs that the reference implementation computed. Their
   * declared outputs are taken away, and their inputs given as initializers, so that data-dependent
   * shapes and known values are compared too.
   */
  it('agrees with the reference outputs of ONNX’s operator tests', async () => {
    const archive = path.join(corpus, 'onnx/onnx-backend/node-models.tar.gz');
    const files = filesOfTarGz(readFileSync(archive));
    const wrong: string[] = [];
    const unresolved: string[] = [];
    let [outputs, values] = [0, 0];
    for (const [name, bytes] of files) {
      if (!name.endsWith('/model.onnx')) continue;
      const folder = path.posix.dirname(name);
      const read = await readModel(sourceFromBytes(bytes), createProblemSink());
      assert.ok(read, name);
      const test = await openTest(read.model, `${folder}/test_data_set_0`, files);
      const scope = inferShapes(test.model, createProblemSink());
      for (const [output, expected] of test.expected) {
        outputs++;
        const type = scope.types.get(output) ?? { kind: 'unknown' };
        if (!isKnown(type)) unresolved.push(folder);
        if (!agrees(type, expected)) {
          wrong.push(`${folder} ${output}: ${typeText(type)}, not [${expected.dims.join()}]`);
        }
        const constant = scope.constants.get(output);
        const elements = constant && inlineValues(expected);
        if (!elements) continue;
        values++;
        if (!sameValues(constant.values, elements)) wrong.push(`${folder} ${output}: values`);
      }
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(unresolved, []);
    assert.ok(outputs > 1000 && values > 200, `${outputs} outputs, ${values} values`);
  });
});

function onnxFiles(folder: string): readonly string[] {
  return readdirSync(path.join(corpus, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => path.join(corpus, folder, name))
    .sort();
}

async function infer(file: string): Promise<Scope | null> {
  return (await inferWithProblems(file)).scope;
}

async function inferWithProblems(
  file: string,
): Promise<{ readonly scope: Scope | null; readonly problems: readonly string[] }> {
  const read = await readModel(sourceFromBytes(readFileSync(file)), createProblemSink());
  const sink = createProblemSink();
  const scope = read && inferShapes(read.model, sink);
  return { scope, problems: sink.problems.map(({ message }) => message) };
}

interface Output {
  readonly type: InferredType;
  readonly opType: string;
}

/** Every node output of every scope. */
function outputsOf(root: Scope): readonly Output[] {
  const found: Output[] = [];
  const pending = [root];
  for (let scope = pending.pop(); scope; scope = pending.pop()) {
    for (const node of scope.nodes) {
      for (const child of scope.children.get(node) ?? []) pending.push(child.scope);
      for (const name of node.outputs) {
        if (name === '') continue;
        found.push({ type: scope.types.get(name) ?? { kind: 'unknown' }, opType: node.opType });
      }
    }
  }
  return found;
}

function isKnown(type: InferredType): boolean {
  if (type.kind !== 'tensor') return type.kind !== 'unknown';
  return type.shape?.every((dim) => dim !== null) ?? false;
}

function assertSane(type: InferredType, file: string): void {
  if (type.kind !== 'tensor') return;
  for (const dim of type.shape ?? []) {
    if (typeof dim === 'number') assert.ok(Number.isSafeInteger(dim) && dim >= 0, file);
  }
}

interface OperatorTest {
  readonly model: Model;
  readonly expected: ReadonlyMap<string, Tensor>;
}

async function openTest(
  model: Model,
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<OperatorTest> {
  const tensorAt = async (name: string): Promise<Tensor | null> => {
    const bytes = files.get(`${folder}/${name}`);
    return bytes ? readTensor(sourceFromBytes(bytes), createProblemSink()) : null;
  };
  const initializerByName = new Map(model.graph.initializerByName);
  for (const [index, { name, type }] of model.graph.inputs.entries()) {
    const tensor = type.kind === 'tensor' ? await tensorAt(`input_${index}.pb`) : null;
    if (tensor) initializerByName.set(name, { ...tensor, name });
  }
  const expected = new Map<string, Tensor>();
  for (const [index, { name, type }] of model.graph.outputs.entries()) {
    const tensor = type.kind === 'tensor' ? await tensorAt(`output_${index}.pb`) : null;
    if (tensor) expected.set(name, tensor);
  }
  const outputs = model.graph.outputs.map((info) => ({
    ...info,
    type: { kind: 'unknown' as const },
  }));
  const initializers = [...initializerByName.values()];
  const graph = { ...model.graph, outputs, valueInfos: [], initializers, initializerByName };
  return { model: { ...model, graph }, expected };
}

function agrees(type: InferredType, { dtype, dims }: Tensor): boolean {
  if (type.kind === 'unknown') return true;
  if (type.kind !== 'tensor' || type.dtype !== dtype) return false;
  if (!type.shape) return true;
  return (
    type.shape.length === dims.length &&
    type.shape.every((dim, axis) => typeof dim !== 'number' || dim === dims[axis])
  );
}

function sameValues(
  known: readonly unknown[],
  elements: readonly number[] | readonly bigint[],
): boolean {
  return known.every((value, index) => {
    const element = Number(elements[index]);
    if (typeof value !== 'number' || Object.is(value, element)) return true;
    // Runtimes differ in the last bits of square roots and powers.
    return Math.abs(value - element) <= 1e-3 * Math.abs(element);
  });
}
