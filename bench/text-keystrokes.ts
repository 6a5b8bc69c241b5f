import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DocumentDiagnosticReport } from 'vscode-languageserver/node';
import { builtServer, startServerProcess } from '../test/support/lsp-process';
import { uriOf } from '../server/src/lsp/uris';

/**
 * Types 500 keystrokes into models of 200 and 5,000 lines, at places spread over the text, and measures from each
 * keystroke to the answer with its diagnostics, as an editor that pulls sees it. What is typed is half-written most
 * of the time. The server is a process over stdio, bundled as it ships. Exits 1 when a bar is missed.
 *
 *   npx tsx bench/text-keystrokes.ts
 */

const keystrokes = 500;
const typed = '  probe = Concat <axis = 1> (x0, "x1")\n';

function modelOf(lineCount: number): string {
  const nodeCount = lineCount - 6;
  const nodes = Array.from({ length: nodeCount }, (_, index) => {
    const operator = index % 3 === 0 ? 'MatMul' : 'Relu';
    const inputs = index % 3 === 0 ? `x${index}, w` : `x${index}`;
    return `  [node_${index}] x${index + 1} = ${operator} (${inputs})\n`;
  });
  return `<ir_version: 8, opset_import: ["" : 17]>
g (float[N,64] x0) => (float[N,64] x${nodeCount})
<float[64,64] w = ["location": "w.bin", "offset": "0", "length": "16384"]>
{
${nodes.join('')}}
`;
}

const bars = [
  { lineCount: 200, maxMilliseconds: 30 },
  { lineCount: 5000, maxMilliseconds: 150 },
];

/** Milliseconds of each keystroke. */
async function measure(lineCount: number, server: string, folder: string): Promise<number[]> {
  const { connection, stop } = await startServerProcess({ server, folder });
  const uri = uriOf(path.join(folder, 'model.onnxtxt'));
  const textDocument = { uri, languageId: 'onnx-text', version: 1, text: modelOf(lineCount) };
  const pull = (): Promise<DocumentDiagnosticReport> =>
    connection.sendRequest('textDocument/diagnostic', { textDocument: { uri } });
  await connection.sendNotification('textDocument/didOpen', { textDocument });
  await pull();
  const waits: number[] = [];
  let withErrors = 0;
  let line = 10;
  for (let stroke = 0; stroke < keystrokes; stroke++) {
    const column = stroke % typed.length;
    if (column === 0) line = 5 + Math.floor(((stroke + 1) / keystrokes) * (lineCount - 12));
    const started = performance.now();
    const position = { line, character: column };
    await connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: stroke + 2 },
      contentChanges: [{ range: { start: position, end: position }, text: typed[column] ?? '' }],
    });
    const report = await pull();
    waits.push(performance.now() - started);
    if (report.kind === 'full' && report.items.some(({ code }) => code === 'onnx-text-syntax')) {
      withErrors++;
    }
  }
  await stop();
  // Otherwise something else than typing would have been measured.
  if (withErrors < keystrokes / 2) throw new Error(`only ${withErrors} had syntax errors`);
  return waits;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

async function main(): Promise<void> {
  const server = await builtServer();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'green-ai-keystrokes-'));
  try {
    for (const { lineCount, maxMilliseconds } of bars) {
      const waits = await measure(lineCount, server, folder);
      const [p50, p95, max] = [0.5, 0.95, 1].map((share) => quantile(waits, share).toFixed(1));
      console.log(
        `${lineCount} lines, ${keystrokes} keystrokes: p50 ${p50} p95 ${p95} max ${max} ms, ` +
          `bar: p95 ${maxMilliseconds} ms`,
      );
      if (quantile(waits, 0.95) > maxMilliseconds) process.exitCode = 1;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

void main();
