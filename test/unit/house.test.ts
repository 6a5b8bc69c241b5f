import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { devices, processorKinds } from '../../server/src/core/cost/devices';
import { kindEfficiency, processorModel } from '../../server/src/core/cost/processors';
import type { Model } from '../../server/src/core/graph';
import { readModel } from '../../server/src/core/onnx/decode';
import { encodeModel } from '../../server/src/core/onnx/encode';
import { concatBytes } from '../../server/src/core/onnx/protobuf-write';
import { planSplice, renderPieces } from '../../server/src/core/onnx/splice';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import { createProblemSink } from '../../server/src/core/problem';
import { rules } from '../../server/src/core/rules/index';
import { sourceFromBytes } from '../../server/src/core/source';
import type { ByteSource } from '../../server/src/core/source';
import { emptyPatch } from '../../server/src/core/transform/patch';
import { findRecipe, recipes } from '../../server/src/core/transform/recipes';
import { drift } from '../../server/src/generate/drift';
import { runExample } from '../../server/src/generate/run-example';

const root = path.resolve(import.meta.dirname, '../..');
const core = 'server/src/core';

/**
 * What each part of core may import, the direction of `docs/architecture.md`.
 * A part is a folder of core, or a file in it; `base` is the vocabulary that everyone shares.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  onnx: ['transform/patch'],
  shapes: [],
  facts: ['shapes'],
  cost: [],
  config: ['facts', 'cost'],
  transform: ['onnx', 'shapes', 'facts'],
  analysis: ['shapes', 'facts', 'cost'],
  rules: ['shapes', 'facts', 'cost', 'config', 'transform', 'analysis', 'settings'],
  settings: ['cost', 'config', 'rules'],
  verify: ['onnx', 'shapes', 'transform'],
  analyze: ['onnx', 'shapes', 'facts', 'cost', 'config', 'analysis', 'rules', 'settings'],
};

/** `cost` estimates a Workload and must never learn what a graph is. */
const base = new Set([
  ...[
    'ascii-text',
    'attributes',
    'dtype',
    'finding',
    'format',
    'graph',
    'interval',
    'json-text',
    'nearest',
  ],
  ...[
    'name-table',
    'problem',
    'source',
    'tensor-values',
    'tensors-by-name',
    'value-numbers',
    'workload',
  ],
]);
const baseOfCost = new Set([
  'dtype',
  'finding',
  'format',
  'interval',
  'nearest',
  'problem',
  'workload',
]);

describe('house: invariants of docs/architecture.md', () => {
  const sources = filesBelow('server/src').concat(filesBelow('client/src'));
  const imports = new Map(sources.map((file) => [file, importsOf(file)]));

  it('1: core imports nothing from outside: no node:, no vscode, no I/O', () => {
    const wrong = edges(imports).filter(
      ({ from, to }) => isIn(from, core) && /^(node:|vscode|onnxruntime|fs$|path$|os$)/.test(to),
    );
    assert.deepEqual(wrong, []);
  });

  it('1: imports in core go in one direction', () => {
    const wrong = edges(imports).filter(({ from, to }) => {
      if (!isIn(from, core) || !to.startsWith('.')) return false;
      const target = path.posix.join(path.posix.dirname(from), to);
      if (!isIn(target, core)) return true;
      const [source, wanted] = [partOf(from), partOf(target)];
      if (source === wanted) return false;
      const name = path.posix.relative(core, target);
      if (source === 'cost') return !baseOfCost.has(name);
      if (wanted === 'base') return false;
      return !(mayImport[source] ?? []).some((part) => part === wanted || part === name);
    });
    assert.deepEqual(wrong, []);
  });

  it('1: only the edges know lsp and cli', () => {
    const wrong = edges(imports).filter(
      ({ from, to }) => isIn(from, core) && /\/(lsp|cli|runtime|host)/.test(to),
    );
    assert.deepEqual(wrong, []);
  });

  it('2: vscode only in client, client reads only protocol, one importer of onnx-proto', () => {
    const all = edges(imports);
    assert.deepEqual(
      all.filter(({ from, to }) => to === 'vscode' && !isIn(from, 'client/src')),
      [],
    );
    assert.deepEqual(
      all.filter(
        ({ from, to }) => isIn(from, 'client/src') && /server\/src\/(?!protocol$)/.test(to),
      ),
      [],
    );
    const importers = all.filter(({ to }) => to === 'onnx-proto').map(({ from }) => from);
    assert.equal(importers.length, 1, `onnx-proto is imported by ${importers.join(', ')}`);
  });

  it('4: rule file = table = docs page, each with examples', () => {
    const notRules = new Set(['index', 'rule', 'run']);
    const files = readdirSync(path.join(root, core, 'rules'), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name.replace(/\.ts$/, ''))
      .filter((name) => !notRules.has(name));
    const ids = rules.map(({ meta }) => meta.id);
    assert.deepEqual(files.sort(), [...ids].sort());
    assert.deepEqual(
      readdirSync(path.join(root, 'docs/rules')).sort(),
      [...ids.map((id) => `${id}.md`), 'README.md'].sort(),
    );
    assert.equal(new Set(ids).size, ids.length);
    for (const { meta, examples } of rules) {
      assert.match(meta.id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      assert.ok(examples.valid.length > 0, `${meta.id} has no valid example`);
      assert.ok(examples.invalid.length > 0, `${meta.id} has no invalid example`);
    }
  });

  it('6: every device constant carries value, unit, source and confidence', () => {
    assert.ok(devices.length >= 15);
    assert.deepEqual(bareNumbers(new Map(devices.map((device) => [device.id, device])), ''), []);
    const models = new Map(processorKinds.map((kind) => [kind, processorModel(kind)]));
    assert.deepEqual(bareNumbers({ models, kindEfficiency }, ''), []);
  });

  it('12: generated files and regions show what core says: run `npm run generate`', async () => {
    assert.deepEqual(
      (await drift(root)).map((file) => file.path),
      [],
    );
  });

  it('style: no default exports, no any, nothing left to do', () => {
    const wrong = sources.flatMap((file) => {
      const text = readFileSync(path.join(root, file), 'utf8');
      const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022);
      const left = /\b(TODO|FIXME|XXX)\b/.exec(text)?.[0];
      return [...banned(source), ...(left === undefined ? [] : [left])].map(
        (found) => `${file}: ${found}`,
      );
    });
    assert.deepEqual(wrong, []);
  });

  it('9: reading a model leaves weights in the file', async () => {
    const bytes = encodeModel(parsed(denseModel('float[512,512]', 4 * 512 * 512)));
    let readBytes = 0;
    const inMemory = sourceFromBytes(bytes);
    const counted: ByteSource = {
      byteLength: bytes.byteLength,
      async read(offset, byteLength) {
        readBytes += byteLength;
        return inMemory.read(offset, byteLength);
      },
    };
    const read = await readModel(counted, createProblemSink());
    const [weight] = read?.model.graph.initializers ?? [];
    assert.equal(weight?.storage.kind, 'raw');
    assert.ok(readBytes < bytes.byteLength / 4, `${readBytes} of ${bytes.byteLength} bytes read`);
  });

  it('10: a rewrite that changes nothing gives the same bytes, foreign fields included', async () => {
    // Field 1000, varint 5: no ONNX release has it.
    const foreign = Uint8Array.of(0xc0, 0x3e, 0x05);
    const bytes = concatBytes([encodeModel(parsed(denseModel('float[4,4]', 64))), foreign]);
    const source = sourceFromBytes(bytes);
    const read = await readModel(source, createProblemSink());
    assert.ok(read);
    const parts: Uint8Array[] = [];
    const pieces = await planSplice(source, read.model, read.wire, emptyPatch);
    for await (const part of renderPieces(source, pieces)) parts.push(part.slice());
    assert.deepEqual(concatBytes(parts), bytes);
  });

  it('11: a fix is as safe as its recipe, and no edit of a config is safe', () => {
    for (const rule of rules) {
      for (const example of rule.examples.invalid) {
        for (const { safety, change } of runExample(rule, example).reports.flatMap(
          ({ fixes = [] }) => fixes,
        )) {
          if (change.kind === 'edit') assert.notEqual(safety, 'safe');
          else assert.equal(safety, findRecipe(change.recipe)?.safety, change.recipe);
        }
      }
    }
    assert.deepEqual(
      recipes.filter(({ safety }) => safety === 'safe').map(({ name }) => name),
      ['cleanup'],
    );
  });

  /** Invariants whose guard needs more than sources: where it is, and its title. */
  const guardedElsewhere: readonly (readonly [number, string, string])[] = [
    [3, 'test/unit/rules/run.test.ts', 'a crashing rule loses only its own findings'],
    [3, 'test/unit/rules/run.test.ts', 'rules on input that makes no sense'],
    [3, 'test/property/facts.test.ts', 'hostile names and types never throw'],
    [3, 'test/property/cost.test.ts', 'never throw'],
    [3, 'test/property/text.test.ts', 'gives a model or a coded problem'],
    [4, 'test/unit/rules/examples.test.ts', 'rules: the examples of their documentation'],
    [5, 'test/unit/rules/run.test.ts', 'the order of the rules does not matter'],
    [5, 'test/unit/rules/run.test.ts', 'rules are pure: a second run says the same'],
    [
      6,
      'test/unit/cost/devices.test.ts',
      'gives every constant a value, unit, source and confidence',
    ],
    [6, 'test/property/cost.test.ts', 'gives ordered ranges wider than a point'],
    [
      7,
      'test/unit/facts/control.test.ts',
      'an unknown operator makes totals unknown, lowers coverage',
    ],
    [7, 'test/unit/cost/energy.test.ts', 'a convolution of unknown size is unknown'],
    [
      8,
      'test/unit/verify/data-files.test.ts',
      'refuses more than memory holds before unpacking it',
    ],
    [8, 'test/unit/onnx/text-parse.test.ts', 'subgraphs a person would write are within the cap'],
    [10, 'test/unit/runtime/host-node.test.ts', 'never overwrites without being told'],
    [11, 'test/unit/runtime/verify.test.ts', 'fails a model that loses accuracy'],
  ];

  for (const [invariant, file, title] of guardedElsewhere) {
    it(`${invariant}: guarded in ${file}: ${title}`, () => {
      assert.ok(existsSync(path.join(root, file)), `${file} is missing`);
      const text = readFileSync(path.join(root, file), 'utf8');
      assert.ok(text.includes(title), `${file} has no test titled "${title}"`);
    });
  }
});

interface Edge {
  readonly from: string;
  readonly to: string;
}

function filesBelow(folder: string): string[] {
  const absolute = path.join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')));
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function edges(imports: ReadonlyMap<string, readonly string[]>): readonly Edge[] {
  return [...imports].flatMap(([from, targets]) => targets.map((to) => ({ from, to })));
}

function isIn(file: string, folder: string): boolean {
  return file.startsWith(`${folder}/`);
}

function partOf(file: string): string {
  const [first = ''] = path.posix.relative(core, file).replace(/\.ts$/, '').split('/');
  if (first.startsWith('settings')) return 'settings';
  return base.has(first) ? 'base' : first;
}

function denseModel(type: string, byteLength: number): string {
  const numbers = new Array<string>(byteLength / 4).fill('1').join(',');
  return `<ir_version: 8, opset_import: ["" : 17]>
    dense (float[N,M] x) => (y) <${type} w = {${numbers}}> { y = MatMul (x, w) }`;
}

function parsed(text: string): Model {
  const { model, problems } = parseModelText(text);
  assert.ok(model, JSON.stringify(problems));
  return model;
}

/** Default exports and the type `any`, wherever they stand. */
function banned(root: ts.Node): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    // A `default:` of a switch is a clause, not this keyword.
    if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
      found.push('default export');
    }
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push('any');
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

/** Paths of numbers that stand alone instead of inside `{ value, unit, source, confidence }`. */
function bareNumbers(value: unknown, at: string): string[] {
  if (typeof value === 'number') return [at];
  if (typeof value !== 'object' || value === null) return [];
  if ('value' in value) {
    const constant = value as Record<string, unknown>;
    const complete = ['unit', 'source', 'confidence'].every(
      (field) => typeof constant[field] === 'string' && constant[field] !== '',
    );
    return complete ? [] : [`${at} (incomplete)`];
  }
  const entries: Iterable<readonly [unknown, unknown]> =
    value instanceof Map ? value : Object.entries(value);
  return [...entries].flatMap(([key, item]) => bareNumbers(item, `${at}.${String(key)}`));
}
