/**
 * Renames one node of every model below a folder by splicing, renames it back, and has Python's onnx compare:
 * the renamed file must parse to the same model but for that name, the file renamed back must be the original.
 *
 *   npx tsx bench/rename-roundtrip.ts FOLDER
 *
 * PYTHON names a Python with the onnx package (default python3). Exits 1 on any difference.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Node } from '../server/src/core/graph';
import { readModel, type ReadModel } from '../server/src/core/onnx/decode';
import { planSplice, renderPieces } from '../server/src/core/onnx/splice';
import { createProblemSink } from '../server/src/core/problem';
import { sourceFromBytes } from '../server/src/core/source';
import { emptyPatch } from '../server/src/core/transform/patch';

interface Renamed {
  readonly original: string;
  readonly renamed: string;
  readonly node: number;
  readonly to: string;
}

async function main(folder: string): Promise<number> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.onnx'))
    .sort();
  const temporary = mkdtempSync(path.join(tmpdir(), 'green-ai-rename-'));
  try {
    const renamed: Renamed[] = [];
    const failures: string[] = [];
    let unreadable = 0;
    let withoutNodes = 0;
    for (const file of files) {
      const original = path.join(folder, file);
      const bytes = readFileSync(original);
      const read = await readBytes(bytes);
      const node = middleNode(read);
      if (!read) unreadable++;
      else if (!node) withoutNodes++;
      else {
        const to = `${node.name}_renamed_to_something_longer`;
        const result = await rename(bytes, node.index, to);
        const target = path.join(temporary, `${renamed.length}.onnx`);
        writeFileSync(target, result);
        renamed.push({ original, renamed: target, node: node.index, to });
        if (!(await isRestored(bytes, result, node))) failures.push(`${file}: not restored`);
      }
    }
    const compared = compareInPython(renamed, path.join(temporary, 'list.json'));
    failures.push(...compared.differences);
    for (const failure of failures) console.log(failure);
    console.log(
      `${files.length} files: ${renamed.length} renamed and restored byte for byte, ` +
        `${compared.equal} of them equal but for the name in Python (${compared.unparsed} it cannot parse), ` +
        `${unreadable} unreadable, ${withoutNodes} without nodes, ${failures.length} differences`,
    );
    return failures.length === 0 ? 0 : 1;
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

async function readBytes(bytes: Uint8Array): Promise<ReadModel | null> {
  return readModel(sourceFromBytes(bytes), createProblemSink());
}

function middleNode(read: ReadModel | null): Node | undefined {
  const nodes = read?.model.graph.nodes ?? [];
  return nodes[Math.floor(nodes.length / 2)];
}

async function rename(bytes: Uint8Array, node: number, to: string | null): Promise<Uint8Array> {
  const read = await readBytes(bytes);
  if (!read) throw new Error('the renamed file cannot be read');
  const source = sourceFromBytes(bytes);
  const patch = { ...emptyPatch, renameNodes: [{ node, to }] };
  const parts: Uint8Array[] = [];
  const pieces = await planSplice(source, read.model, read.wire, patch);
  for await (const part of renderPieces(source, pieces)) parts.push(part);
  return Buffer.concat(parts);
}

/** A node without a name has no name field, or an empty one: only the file knows. */
async function isRestored(bytes: Uint8Array, renamed: Uint8Array, node: Node): Promise<boolean> {
  const names = node.name === '' ? ['', null] : [node.name];
  for (const name of names) {
    if (Buffer.compare(await rename(renamed, node.index, name), bytes) === 0) return true;
  }
  return false;
}

interface Comparison {
  readonly equal: number;
  readonly unparsed: number;
  readonly differences: readonly string[];
}

function compareInPython(renamed: readonly Renamed[], list: string): Comparison {
  writeFileSync(list, JSON.stringify(renamed));
  const script = path.join(import.meta.dirname, 'rename_roundtrip.py');
  const python = process.env['PYTHON'] ?? 'python3';
  const run = spawnSync(python, [script, list], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (run.status !== 0) throw new Error(`${python} failed: ${run.stderr}`);
  return JSON.parse(run.stdout) as Comparison;
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: npx tsx bench/rename-roundtrip.ts FOLDER');
  process.exitCode = 2;
} else {
  void main(folder).then((code) => {
    process.exitCode = code;
  });
}
