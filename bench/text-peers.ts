/**
 * Does the official parser read our text of a model, and do we read the official printer's text of it?
 *
 *   npx tsx bench/text-peers.ts PYTHON [FOLDER]      (default folder: onnx of the corpus)
 *
 * For every model that can be read: (a) our text is read by onnx.parser and what it reads is compared with the model;
 * (b) the text of onnx.printer, where onnx.parser reads it, is read by us, and what we read is compared with what
 * onnx.parser reads from it and with the model. Compared is, in Python, every field that the syntax has a place for,
 * weights too, through the references to their file. Prints the counts and every difference.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { readModel } from '../server/src/core/onnx/decode';
import { encodeModel } from '../server/src/core/onnx/encode';
import { parseModelText } from '../server/src/core/onnx/text-parse';
import { printModel } from '../server/src/core/onnx/text-print';
import { createProblemSink } from '../server/src/core/problem';
import { sourceFromBytes } from '../server/src/core/source';

/** When a process ended early. */
interface Failed {
  readonly failed: string;
}

interface OurTextAnswer {
  readonly error: string | null;
  readonly different: readonly string[];
  readonly official: string | null;
  readonly officialError: string | null;
}

interface OfficialTextAnswer {
  readonly reader: readonly string[];
  readonly different: readonly string[];
}

export interface TextPeerRow {
  readonly model: string;
  /** Why the official parser refuses our text. */
  readonly refused: string | null;
  readonly different: readonly string[];
  /** Why the official parser refuses the official printer's text: then the rest is empty. */
  readonly officialRefused: string | null;
  /** Why we refuse that text. */
  readonly refusedByUs: string | null;
  /** Where what we read differs from what the official parser reads, and from the model. */
  readonly readerDifferent: readonly string[];
  readonly officialDifferent: readonly string[];
}

type Ask = (request: object) => Promise<unknown>;

export async function textPeerRows(
  python: string,
  files: readonly string[],
  onRow: (row: TextPeerRow) => void = () => undefined,
): Promise<readonly TextPeerRow[]> {
  const script = path.join(import.meta.dirname, 'text_peers.py');
  const peer = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const ask: Ask = async (request) => {
    peer.stdin.write(`${JSON.stringify(request)}\n`);
    const line: IteratorResult<string, unknown> = await lines.next();
    if (line.done === true) throw new Error('the Python process ended');
    const answer: unknown = JSON.parse(line.value);
    return answer;
  };
  const rows: TextPeerRow[] = [];
  for (const file of files) {
    const row = await compare(file, ask);
    if (!row) continue;
    rows.push(row);
    onRow(row);
  }
  peer.stdin.end();
  return rows;
}

async function compare(model: string, ask: Ask): Promise<TextPeerRow | null> {
  const read = await readModel(sourceFromBytes(readFileSync(model)), createProblemSink());
  if (!read) return null;
  const { text } = printModel(read.model, { weightsLocation: path.basename(model) });
  const ours = (await ask({ model, text })) as OurTextAnswer | Failed;
  const isFailed = 'failed' in ours;
  const row: TextPeerRow = {
    model,
    refused: isFailed ? ours.failed : ours.error,
    different: isFailed ? [] : ours.different,
    officialRefused: isFailed ? ours.failed : ours.officialError,
    refusedByUs: null,
    readerDifferent: [],
    officialDifferent: [],
  };
  if (isFailed || ours.officialError !== null || ours.official === null) return row;
  const { official } = ours;
  const { model: parsed, problems } = parseModelText(official);
  if (!parsed) {
    const [problem] = problems;
    return { ...row, refusedByUs: `${problem?.where ?? ''} ${problem?.message ?? ''}` };
  }
  const encoded = Buffer.from(encodeModel(parsed)).toString('base64');
  const answer = (await ask({ model, official, encoded })) as OfficialTextAnswer | Failed;
  if ('failed' in answer) return { ...row, refusedByUs: answer.failed };
  return { ...row, readerDifferent: answer.reader, officialDifferent: answer.different };
}

async function main(python: string, folder: string): Promise<void> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => path.resolve(folder, name))
    .sort();
  const rows = await textPeerRows(python, files, (row) => {
    const name = path.relative(folder, row.model);
    const say = (what: string, why: readonly string[]): void => {
      if (why.length > 0) console.log(`${what} ${name}: ${why.join(' | ')}`);
    };
    say('OURS REFUSED', row.refused === null ? [] : [row.refused]);
    say('OURS DIFFERS', row.different);
    say(
      'OFFICIAL REFUSED BY ITS PARSER',
      row.officialRefused === null ? [] : [row.officialRefused],
    );
    say('OFFICIAL REFUSED BY US', row.refusedByUs === null ? [] : [row.refusedByUs]);
    say('READERS DIFFER', row.readerDifferent);
    say('OFFICIAL DIFFERS', row.officialDifferent);
  });
  const count = (test: (row: TextPeerRow) => boolean): number => rows.filter(test).length;
  const ofOurs = count((row) => row.refused === null);
  const ofTheirs = rows.filter((row) => row.officialRefused === null);
  const readByUs = ofTheirs.filter((row) => row.refusedByUs === null);
  const same = (list: readonly string[]): boolean => list.length === 0;
  console.log(`${rows.length} models`);
  console.log(
    `  our text: onnx.parser reads ${ofOurs}, and the same model from ` +
      `${count((row) => row.refused === null && same(row.different))}`,
  );
  console.log(
    `  text of onnx.printer: onnx.parser reads ${ofTheirs.length}, of them we read ${readByUs.length}; ` +
      `${readByUs.filter((row) => same(row.readerDifferent)).length} as onnx.parser does, ` +
      `${readByUs.filter((row) => same(row.officialDifferent)).length} as the model is`,
  );
}

if (process.argv[1] === import.meta.filename) {
  const [python = 'python3', folder] = process.argv.slice(2);
  const corpus = process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus';
  void main(python, folder ?? path.join(corpus, 'onnx'));
}
