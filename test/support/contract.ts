import assert from 'node:assert/strict';
import * as v from 'valibot';

/** The shapes of `green-ai … --format json` that callers rely on. More fields may come; these stay. */

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const texts = v.array(v.string());
const range = v.pipe(
  v.object({ low: amount, mid: amount, high: amount }),
  v.check(({ low, mid, high }) => low <= mid && mid <= high, 'low ≤ mid ≤ high'),
);
const kebab = v.pipe(v.string(), v.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/u));
const problem = v.object({ code: kebab, message: v.string() });
const dims = v.array(v.nullable(v.union([count, v.string()])));
const valueType = { dtype: v.nullable(v.string()), shape: v.nullable(dims) };

const model = v.object({
  schemaVersion: v.literal(1),
  file: v.string(),
  format: v.literal('onnx'),
  irVersion: v.nullable(v.number()),
  opsets: v.record(v.string(), v.number()),
  producer: v.string(),
  parameters: v.nullable(count),
  weightBytes: v.nullable(count),
  macs: v.nullable(count),
  flops: v.nullable(count),
  peakActivationBytes: v.nullable(count),
  coverage: v.object({ valuesWithShape: share, valuesWithType: share, nodesWithMacs: share }),
  assumptions: texts,
  inputs: v.array(v.object({ name: v.string(), ...valueType })),
  outputs: v.array(v.object({ name: v.string(), ...valueType })),
  values: v.record(v.string(), v.object(valueType)),
  nodes: v.array(
    v.object({
      name: v.string(),
      path: v.string(),
      opType: v.string(),
      domain: v.string(),
      inputs: texts,
      outputs: texts,
      parameters: v.nullable(count),
      weightBytes: v.nullable(count),
      macs: v.nullable(count),
      macsExpression: v.optional(v.string()),
      readBytes: v.nullable(count),
      writeBytes: v.nullable(count),
      scope: v.nullable(v.string()),
    }),
  ),
  problems: v.array(problem),
});

const config = v.object({
  schemaVersion: v.literal(1),
  file: v.string(),
  format: v.literal('hf-config'),
  modelType: v.nullable(v.string()),
  parameters: v.nullable(count),
  activeParameters: v.nullable(count),
  weightBytes: v.nullable(count),
  weightDtype: v.nullable(v.string()),
  kvCacheBytesPerToken: v.nullable(count),
  macsPerToken: v.nullable(count),
  contextLength: v.nullable(count),
  layers: v.array(
    v.object({ name: v.string(), kind: v.string(), count, parameters: v.nullable(count) }),
  ),
  coverage: share,
  problems: v.array(problem),
});

/** What `inspect` says of a file that is no model: exit 2, and this. */
const broken = v.object({
  schemaVersion: v.literal(1),
  file: v.string(),
  format: v.null(),
  problems: v.pipe(v.array(problem), v.minLength(1)),
});

const estimate = v.object({
  schemaVersion: v.literal(1),
  methodVersion: v.string(),
  file: v.string(),
  estimates: v.array(
    v.object({
      device: v.string(),
      runtime: v.string(),
      precision: v.string(),
      batch: v.pipe(count, v.minValue(1)),
      boundary: v.string(),
      latencySeconds: v.nullable(range),
      energyJoules: v.nullable(range),
      carbonGrams: v.nullable(range),
      interval: share,
      peakMemoryBytes: v.nullable(count),
      fits: v.nullable(v.boolean()),
      perNode: v.array(
        v.object({
          name: v.string(),
          energyJoules: v.nullable(amount),
          share: v.nullable(share),
          bound: v.nullable(v.picklist(['compute', 'memory', 'overhead'])),
        }),
      ),
      assumptions: texts,
      sources: v.pipe(texts, v.minLength(1)),
      coverage: share,
    }),
  ),
});

const position = v.object({ line: count, character: count });
const severity = v.picklist(['error', 'warning', 'info', 'hint']);

const lint = v.object({
  schemaVersion: v.literal(1),
  files: v.array(
    v.object({
      path: v.string(),
      findings: v.array(
        v.object({
          ruleId: kebab,
          severity,
          message: v.pipe(v.string(), v.minLength(1), v.maxLength(120)),
          node: v.nullable(v.string()),
          range: v.nullable(v.object({ start: position, end: position })),
          saving: v.nullable(
            v.object({ energyJoules: v.nullable(range), bytes: v.nullable(v.number()) }),
          ),
          fixes: v.array(
            v.object({
              id: kebab,
              title: v.string(),
              safety: v.picklist(['safe', 'lossy', 'needs-verification']),
            }),
          ),
        }),
      ),
    }),
  ),
  summary: v.object({
    files: count,
    findings: count,
    bySeverity: v.object({ error: count, warning: count, info: count, hint: count }),
    device: v.string(),
  }),
});

const keptNode = v.object({ node: v.string(), reason: v.pipe(v.string(), v.minLength(1)) });
const beforeAndAfter = v.object({ before: amount, after: amount });

const verification = v.object({
  state: v.picklist(['run', 'load', 'none', 'impossible']),
  data: v.nullable(v.picklist(['calibration', 'random'])),
  runtime: v.nullable(v.picklist(['native', 'wasm'])),
  samples: count,
  accuracy: v.nullable(beforeAndAfter),
  cosine: v.nullable(v.number()),
  sqnrDb: v.nullable(v.number()),
  maxAbsError: v.nullable(amount),
  top1Agreement: v.nullable(share),
  latencySeconds: v.nullable(beforeAndAfter),
});

const energyChange = v.object({ before: v.nullable(range), after: v.nullable(range) });

const optimize = v.object({
  schemaVersion: v.literal(1),
  input: v.string(),
  output: v.nullable(v.string()),
  recipe: v.string(),
  bytesBefore: count,
  bytesAfter: v.nullable(count),
  changedNodes: texts,
  rolledBack: v.array(keptNode),
  skipped: v.array(keptNode),
  verification,
  energyJoules: v.nullable(energyChange),
  warnings: texts,
  provenance: v.nullable(v.string()),
});

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
const hashedFile = v.object({ path: v.string(), sha256, bytes: count });

/** `OUT.green-ai.json`. */
const provenance = v.object({
  schemaVersion: v.literal(1),
  tool: v.string(),
  recipe: v.string(),
  input: hashedFile,
  output: hashedFile,
  changedNodes: texts,
  rolledBack: v.array(keptNode),
  skipped: v.array(keptNode),
  verification,
  device: v.string(),
  warnings: texts,
});

const devices = v.object({
  schemaVersion: v.literal(1),
  devices: v.pipe(
    v.array(
      v.object({ id: kebab, name: v.string(), class: v.string(), peakOpsPerSecond: v.object({}) }),
    ),
    v.minLength(15),
  ),
});

const rules = v.object({
  schemaVersion: v.literal(1),
  rules: v.pipe(
    v.array(
      v.object({
        id: kebab,
        title: v.string(),
        severity,
        description: v.string(),
        target: v.picklist(['onnx', 'hf-config']),
        options: v.array(v.object({ name: v.string(), default: v.number() })),
      }),
    ),
    v.minLength(8),
  ),
});

export const shapes = {
  model,
  config,
  broken,
  estimate,
  lint,
  optimize,
  provenance,
  devices,
  rules,
} as const;

/** Fails with the paths of everything that is not as the contract says. */
export function assertShape(name: keyof typeof shapes, value: unknown): void {
  const result = v.safeParse(shapes[name], value);
  const wrong = result.issues?.map((issue) => `${v.getDotPath(issue) ?? ''}: ${issue.message}`);
  assert.ok(result.success, `${name}: ${wrong?.join('; ')}`);
}
