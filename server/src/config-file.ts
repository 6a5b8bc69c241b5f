import { analyzeConfig, type ConfigAnalysis } from './core/config/config';
import { decodeText, type DecodedText } from './core/config/decode-text';
import { maxConfigCharacters } from './core/config/parse';
import { whyNotOpened } from './engine';
import type { ConfigProblem } from './core/config/tree';
import type { Host, OpenFile } from './host';
import { hostErrorReason } from './host-errors';

export interface ReadConfig {
  readonly text: string;
  readonly analysis: ConfigAnalysis;
}

/** UTF-16 and three-byte characters included. */
const maxConfigBytes = maxConfigCharacters * 4;

/** Reads and analyses a text file as a model config; a sentence when it cannot be read. */
export async function readConfigFile(host: Host, path: string): Promise<ReadConfig | string> {
  const decoded = await readDecoded(host, path);
  if ('reason' in decoded) return decoded.reason;
  const { text } = decoded;
  const analysis = analyzeConfig(text, path);
  if (analysis.format === null) return { text, analysis };
  const problems = [...encodingProblems(decoded), ...analysis.problems];
  return { text, analysis: { ...analysis, problems } };
}

/** The text of a file of a size that configs have. */
export async function readTextFile(
  host: Host,
  path: string,
): Promise<string | { readonly reason: string }> {
  const decoded = await readDecoded(host, path);
  return 'reason' in decoded ? decoded : decoded.text;
}

/** What the framework's reader, which takes plain UTF-8 only, stumbles over. */
function encodingProblems(decoded: DecodedText): ConfigProblem[] {
  const { encoding, hasByteOrderMark, valid } = decoded;
  const about = (message: string): ConfigProblem[] => [
    { code: 'config-encoding', severity: 'error', message, start: 0, end: 0 },
  ];
  if (encoding !== 'utf-8')
    return about('Stored as UTF-16, which no framework reads: save it as UTF-8.');
  if (!valid) return about('Not valid UTF-8, which no framework reads: save it as UTF-8.');
  if (!hasByteOrderMark) return [];
  return about(
    'Starts with a byte order mark, at which Python’s JSON reader stops: save it without.',
  );
}

async function readDecoded(
  host: Host,
  path: string,
): Promise<DecodedText | { readonly reason: string }> {
  let file: OpenFile | null = null;
  try {
    file = await host.open(path);
    if (!file) return { reason: await whyNotOpened(host, path) };
    if (file.byteLength > maxConfigBytes) {
      return { reason: `it has ${file.byteLength} bytes, more than any config` };
    }
    return decodeText(await file.read(0, file.byteLength));
  } catch (error) {
    const reason = hostErrorReason(error);
    if (reason === null) throw error;
    return { reason };
  } finally {
    await file?.close();
  }
}
