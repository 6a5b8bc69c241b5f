/** The steps that `graph-steps.ts` measures, bundled by it: `COUNT ROUNDS` are the arguments. */
import { countFacts } from '../server/src/core/facts/count';
import { evaluateFacts } from '../server/src/core/facts/evaluate';
import { planFusion } from '../server/src/core/facts/fusion';
import { activationMemory } from '../server/src/core/facts/memory';
import { workloadOf } from '../server/src/core/facts/workload';
import { readModel } from '../server/src/core/onnx/decode';
import { validateModel } from '../server/src/core/onnx/validate';
import { createProblemSink } from '../server/src/core/problem';
import { inferShapes } from '../server/src/core/shapes/infer';
import { sourceFromBytes } from '../server/src/core/source';
import { graphOf, shapes } from './graph-scale-models';

/** Every step once. */
async function run(bytes: Uint8Array): Promise<string> {
  const sink = createProblemSink();
  const times: [step: string, milliseconds: number][] = [];
  let last = performance.now();
  const done = (step: string): void => {
    const now = performance.now();
    times.push([step, now - last]);
    last = now;
  };
  const read = await readModel(sourceFromBytes(bytes), sink);
  if (!read) throw new Error('the graph was not read');
  done('read');
  validateModel(read.model, sink);
  done('validate');
  const scope = inferShapes(read.model, sink);
  done('infer');
  const facts = countFacts(scope, sink);
  done('count');
  const evaluated = evaluateFacts(facts);
  done('evaluate');
  const fusion = planFusion(facts);
  done('fuse');
  const memory = activationMemory(facts, fusion, evaluated.bindings.values);
  done('memory');
  workloadOf(facts, { evaluated, fusion, memory });
  done('work');
  const total = times.reduce((sum, [, milliseconds]) => sum + milliseconds, 0);
  return [...times, ['all', total] as const]
    .map(([step, milliseconds]) => `${step} ${milliseconds.toFixed(0).padStart(4)}`)
    .join('  ');
}

async function main(): Promise<void> {
  const [count = 0, rounds = 0] = process.argv.slice(2).map(Number);
  for (const shape of shapes) {
    const bytes = graphOf(shape, count);
    for (let round = 0; round < rounds; round++) {
      console.log(`${shape.padEnd(12)} ${await run(bytes)}`);
    }
  }
}

void main();
