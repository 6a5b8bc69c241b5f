import type { Diagnostic } from 'vscode-languageserver';
import { startEditor } from '../test/support/lsp';

/**
 * Types 200 keystrokes into models of 200 and 5,000 lines, at places spread over the text, and measures from each
 * keystroke to the answer with its diagnostics, as an editor that pulls sees it. What is typed is half-written most
 * of the time. Prints milliseconds of wall clock and of this process's CPU (client and server share it).
 */

const keystrokes = 200;
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

async function measure(lineCount: number): Promise<string> {
  const editor = await startEditor();
  const uri = editor.uri('model.onnxtxt');
  const lines = modelOf(lineCount).split('\n');
  await editor.open(uri, lines.join('\n'));
  await editor.pull(uri);
  const wall: number[] = [];
  const cpu: number[] = [];
  let withErrors = 0;
  let line = 10;
  for (let stroke = 0; stroke < keystrokes; stroke++) {
    const column = stroke % typed.length;
    if (column === 0) line = 5 + Math.floor(((stroke + 1) / keystrokes) * (lineCount - 12));
    const started = performance.now();
    const before = process.cpuUsage();
    const position = { line, character: column };
    await editor.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: stroke + 2 },
      contentChanges: [{ range: { start: position, end: position }, text: typed[column] ?? '' }],
    });
    const items: readonly Diagnostic[] | 'unchanged' = await editor.pull(uri);
    wall.push(performance.now() - started);
    const { user, system } = process.cpuUsage(before);
    cpu.push((user + system) / 1000);
    if (items !== 'unchanged' && items.some(({ code }) => code === 'onnx-text-syntax'))
      withErrors++;
  }
  await editor.dispose();
  return `${lineCount} lines, ${keystrokes} keystrokes, ${withErrors} with syntax errors: wall ${summary(wall)}; cpu ${summary(cpu)}`;
}

function summary(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
  return `p50 ${at(0.5)} p95 ${at(0.95)} max ${at(1)} ms`;
}

async function main(): Promise<void> {
  for (const lineCount of [200, 5000]) console.log(await measure(lineCount));
}

void main();
