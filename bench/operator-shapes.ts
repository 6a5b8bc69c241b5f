/**
 * Do the expectations of the operator tests agree with ONNX's and ONNX Runtime's own shape inference?
 *
 *   npx tsx bench/operator-shapes.ts [PYTHON]
 *
 * Writes every row of test/unit/shapes/*-rows.ts as a model of one node and has Python infer it: operators of
 * ai.onnx by `onnx.shape_inference`, all others by ONNX Runtime, which tells what it inferred when a declared shape
 * differs. Prints contradictions, and where each side knows more. Exit status 1 at a contradiction.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ModelInput } from '../test/support/model';
import { model } from '../test/support/model';
import { encodeModel } from '../server/src/core/onnx/encode';
import type { NodeCase } from '../test/unit/shapes/helpers';
import { microsoftFamilies } from '../test/unit/shapes/microsoft-rows';
import { operatorFamilies } from '../test/unit/shapes/operator-rows';
import { versionFamilies } from '../test/unit/shapes/version-rows';

interface Row {
  readonly file: string;
  readonly title: string;
  /** `float32[N, 3]` of every output as the test expects it; `-` is not looked at. */
  readonly gives: readonly string[];
}

const [python = 'python3'] = process.argv.slice(2);
const newestOpset = 17;

function main(): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'green-ai-shapes-'));
  try {
    const families = { ...operatorFamilies, ...microsoftFamilies, ...versionFamilies };
    const cases = Object.values(families).flat();
    const rows = cases.flatMap((row, index) => writeRow(folder, row, index));
    writeFileSync(path.join(folder, 'rows.json'), JSON.stringify(rows));
    const script = path.join(import.meta.dirname, 'operator_shapes.py');
    const { status } = spawnSync(python, [script, folder], { stdio: 'inherit' });
    process.exitCode = status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Weights without payload become inputs: for shapes only their types count. */
function writeRow(folder: string, row: NodeCase, index: number): readonly Row[] {
  const inputs: Record<string, string> = {};
  const initializers: Record<string, NonNullable<ModelInput['initializers']>[string]> = {};
  const names = row.on.map((input, at) => {
    const name = `i${at}`;
    if (input === null) return '';
    if (typeof input === 'string') inputs[name] = input;
    else if (input.storage.kind === 'inline') initializers[name] = input;
    else inputs[name] = `${input.dtype ?? 'float32'}[${input.dims.join()}]`;
    return name;
  });
  const outputs = row.gives.map((_, at) => `y${at}`);
  const { op, attributes = {} } = row;
  const built = model({
    inputs,
    initializers,
    outputs: Object.fromEntries(outputs.map((name) => [name, 'float32'])),
    nodes: [{ op, attributes, inputs: names, outputs }],
    opset: row.opset ?? newestOpset,
  });
  const domain = op.includes('::') ? (op.split('::')[0] ?? '') : '';
  const opsets = new Map([
    ...built.opsets,
    ...(domain === '' ? [] : [[domain, versionOf(domain)] as const]),
  ]);
  const file = path.join(folder, `${index}.onnx`);
  writeFileSync(file, encodeModel({ ...built, opsets }));
  return [{ file, title: `${op} ${row.on.map(titleOf).join(' ')}`, gives: row.gives }];
}

/** The internal domain has the versions of ai.onnx. */
function versionOf(domain: string): number {
  return domain === 'com.ms.internal.nhwc' ? newestOpset : 1;
}

function titleOf(input: NodeCase['on'][number]): string {
  if (input === null) return '-';
  return typeof input === 'string' ? input : `${input.dtype ?? '?'}[${input.dims.join()}]`;
}

main();
