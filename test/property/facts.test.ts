import assert from 'node:assert/strict';
import fc from 'fast-check';
import { evaluateFacts } from '../../server/src/core/facts/evaluate';
import { sizeFacts } from '../../server/src/core/facts/workload';
import { count, type NodeText, type ScopeText } from '../unit/facts/build';

/** A step multiplies or copies a value made before, so that any list of steps is a model. */
interface Step {
  readonly from: number;
  readonly width: number;
  readonly copies: boolean;
}

const steps = fc.array(
  fc.record({ from: fc.nat(20), width: fc.integer({ min: 1, max: 9 }), copies: fc.boolean() }),
  { minLength: 1, maxLength: 12 },
);

interface Built {
  readonly scope: ScopeText;
  /** Width of each value, in order; value 0 is the input. */
  readonly widths: readonly number[];
  /** Of each step: the value that it reads. */
  readonly reads: readonly number[];
}

/** Operators that neither fuse nor work in place, so that plain liveness is the whole truth. */
function build(plan: readonly Step[], batch: string): Built {
  const widths = [5];
  const reads: number[] = [];
  const nodes: NodeText[] = [];
  const weights: Record<string, string> = {};
  for (const [index, step] of plan.entries()) {
    const from = step.from % widths.length;
    const before = widths[from] ?? 0;
    const width = step.copies ? before : step.width;
    const out = { [`v${index + 1}`]: `float32[${batch},${width}]` };
    if (step.copies) nodes.push({ op: 'Tile', in: [`v${from}`], out });
    else nodes.push({ op: 'MatMul', in: [`v${from}`, `w${index}`], out });
    if (!step.copies) weights[`w${index}`] = `float32[${before},${width}]`;
    widths.push(width);
    reads.push(from);
  }
  const inputs = { v0: `float32[${batch},5]` };
  const outputs = [`v${plan.length}`];
  return { scope: { inputs, weights, nodes, outputs }, widths, reads };
}

/** What is needed at each step, told from the definition: made by then, and read then or later. */
function peakByDefinition({ widths, reads }: Built, batch: number): number {
  const last = widths.length - 1;
  const needs = reads.map((_, step) => {
    const alive = widths.map((width, value) => {
      const isMade = value <= step + 1;
      const isReadLater = value === last || reads.slice(step).includes(value);
      const isResult = value === step + 1;
      return isMade && (isReadLater || isResult) ? width : 0;
    });
    // An input that nobody reads still has to be passed.
    if (step === 0 && !reads.includes(0)) alive[0] = widths[0] ?? 0;
    return alive.reduce((sum, width) => sum + width, 0);
  });
  return 4 * batch * Math.max(...needs);
}

describe('property: facts', () => {
  it('an expression evaluated at n is the count for n', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 50 }), (plan, batch) => {
        const symbolic = count(build(plan, 'N').scope).facts;
        const concrete = count(build(plan, String(batch)).scope).facts;
        const dims = new Map([['N', batch]]);
        const evaluated = evaluateFacts(symbolic, { dims });
        assert.equal(evaluated.macs, concrete.macs);
        assert.equal(evaluated.flops, concrete.flops);
        assert.equal(symbolic.parameters, concrete.parameters);
      }),
    );
  });

  it('peak memory is what the definition of liveness says', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (plan, batch) => {
        const built = build(plan, String(batch));
        const { facts } = count(built.scope);
        const { memory } = sizeFacts(facts);
        assert.equal(memory.peakActivationBytes, peakByDefinition(built, batch));
      }),
    );
  });

  it('hostile names and types never throw', () => {
    const name = fc.oneof(fc.constantFrom('__proto__', 'constructor', '', 'x'), fc.string());
    const type = fc.constantFrom(
      'float32',
      'any',
      'unknown',
      'string[2]',
      'float32[?,3]',
      'int64[]',
    );
    const operator = fc.oneof(
      fc.constantFrom('Conv', 'Gemm', 'Einsum', 'LSTM', 'Attention', 'MatMulNBits', 'Resize', 'If'),
      name,
    );
    const node = fc.record({
      op: operator,
      domain: fc.constantFrom('', 'com.microsoft', 'ai.onnx.ml', '__proto__'),
      in: fc.array(name, { maxLength: 4 }),
      out: fc.dictionary(name, type, { maxKeys: 3 }),
    });
    fc.assert(
      fc.property(fc.array(node, { maxLength: 6 }), (nodes) => {
        const { facts } = count({ inputs: { x: 'float32[N,3]' }, nodes, outputs: ['x'] });
        const { memory } = sizeFacts(facts);
        assert.ok(memory.lowerBoundBytes >= 0);
        assert.equal(facts.nodes.length, nodes.length);
      }),
    );
  });
});
