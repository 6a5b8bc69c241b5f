import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { analyzeModel } from '../../server/src/core/analyze';
import type { Model, Tensor } from '../../server/src/core/graph';
import { readModel } from '../../server/src/core/onnx/decode';
import { readPayload } from '../../server/src/core/onnx/payload';
import { planSplice, renderPieces } from '../../server/src/core/onnx/splice';
import { createProblemSink } from '../../server/src/core/problem';
import { sourceFromBytes } from '../../server/src/core/source';
import type { Recipe, TransformPlan } from '../../server/src/core/transform/recipe';
import { createAgreementMeter } from '../../server/src/core/verify/agreement';
import { randomData } from '../../server/src/core/verify/random';
import type { NamedTensorData } from '../../server/src/core/verify/tensor-data';
import type { RuntimeProcess } from '../../server/src/runtime/process';
import type { SessionInfo } from '../../server/src/runtime/protocol';
import { load, start } from '../unit/runtime/helpers';

export interface Transformed {
  readonly bytes: Uint8Array;
  readonly plan: TransformPlan;
  /** The new file as it is read again. */
  readonly model: Model;
  /** Little-endian bytes of a tensor of the new file. */
  readonly payload: (tensor: Tensor) => Promise<Uint8Array | null>;
}

export interface TransformOptions {
  readonly exclude?: ReadonlyMap<string, string>;
  readonly only?: ReadonlySet<string>;
}

/** Applies a recipe to a file in memory, as the engine does, and reads the result. */
export async function transform(
  recipe: Recipe,
  bytes: Uint8Array,
  options: TransformOptions = {},
): Promise<Transformed> {
  const source = sourceFromBytes(bytes);
  const sink = createProblemSink();
  const read = await readModel(source, sink);
  assert.ok(read, JSON.stringify(sink.problems));
  const { scope } = analyzeModel(read.model, sink);
  const plan = await recipe.plan({
    model: read.model,
    scope,
    readTensor: (tensor) => readPayload(tensor, source, () => Promise.resolve(null)),
    exclude: options.exclude ?? new Map(),
    only: options.only ?? null,
  });
  const parts: Uint8Array[] = [];
  for await (const part of renderPieces(
    source,
    await planSplice(source, read.model, read.wire, plan.patch),
  )) {
    parts.push(part.slice());
  }
  const result = new Uint8Array(Buffer.concat(parts));
  const again = createProblemSink();
  const reread = await readModel(sourceFromBytes(result), again);
  assert.ok(reread, JSON.stringify(again.problems));
  return {
    bytes: result,
    plan,
    model: reread.model,
    payload: (tensor) => readPayload(tensor, sourceFromBytes(result), () => Promise.resolve(null)),
  };
}

/** Node paths and reasons of what the plan left alone. */
export function reasonsOf({ skipped }: TransformPlan): Readonly<Record<string, string>> {
  return Object.fromEntries(skipped.map(({ node, reason }) => [node, reason]));
}

export function opTypesOf({ graph }: Model): readonly string[] {
  return graph.nodes.map(({ opType }) => opType);
}

export interface OnnxRuntime {
  /** Loads a model; fails the test with the runtime's message when it does not load. */
  readonly load: (bytes: Uint8Array) => Promise<SessionInfo>;
  /** Runs both on the same random inputs; every output's agreement, worst first by cosine. */
  readonly compare: (
    original: Uint8Array,
    candidate: Uint8Array,
    options?: CompareOptions,
  ) => Promise<Agreement>;
}

export interface CompareOptions {
  readonly samples?: number;
  readonly seed?: number;
}

export interface Agreement {
  /** Every byte of every output is the same. */
  readonly isIdentical: boolean;
  readonly cosine: number | null;
}

/** The native ONNX Runtime (wasm where there is no binary) in its own process, one for a suite. */
export function useOnnxRuntime(): OnnxRuntime {
  let runtime: RuntimeProcess | null = null;
  let folder = '';
  let count = 0;
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'green-ai-test-'));
    runtime = await start({});
  });
  after(async () => {
    await runtime?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const loadBytes = async (bytes: Uint8Array): Promise<SessionInfo> => {
    assert.ok(runtime);
    const file = path.join(folder, `${count++}.onnx`);
    writeFileSync(file, bytes);
    return load(runtime, { path: file, externalLocations: [] });
  };
  return {
    load: loadBytes,
    compare: async (original, candidate, { samples = 3, seed = 1 } = {}) => {
      assert.ok(runtime);
      const [before, after] = [await loadBytes(original), await loadBytes(candidate)];
      assert.deepEqual(after.inputs, before.inputs, 'inputs of the new model');
      assert.deepEqual(after.outputs, before.outputs, 'outputs of the new model');
      const random = randomData(before.inputs, { samples, seed });
      assert.ok(random.ok);
      const { sets } = random.value;
      const run = async (session: number): Promise<readonly (readonly NamedTensorData[])[]> => {
        const reply = await runtime?.request<'run'>({ kind: 'run', session, samples: sets }, 20);
        assert.ok(reply?.outcome === 'ok', reply?.outcome === 'ok' ? '' : reply?.message);
        return reply.value;
      };
      const [expected, actual] = [await run(before.session), await run(after.session)];
      for (const session of [before.session, after.session]) {
        await runtime.request<'release'>({ kind: 'release', session }, 20);
      }
      const meter = createAgreementMeter();
      expected.forEach((outputs, index) => {
        meter.add(outputs, actual[index] ?? []);
      });
      const cosines = meter.outputs().map(({ cosine }) => cosine ?? -1);
      assert.ok(cosines.length > 0, 'nothing was compared');
      return { isIdentical: sameBytes(expected, actual), cosine: Math.min(...cosines) };
    },
  };
}

function sameBytes(
  expected: readonly (readonly NamedTensorData[])[],
  actual: readonly (readonly NamedTensorData[])[],
): boolean {
  try {
    assert.deepEqual(actual, expected);
    return true;
  } catch {
    return false;
  }
}
