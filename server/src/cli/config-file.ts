import { analyzeConfig, type ConfigAnalysis } from '../core/config/config';
import { decodeText } from '../core/config/decode-text';
import { maxConfigCharacters } from '../core/config/parse';
import type { Host } from '../host';

export interface ReadConfig {
  readonly text: string;
  readonly analysis: ConfigAnalysis;
}

/** UTF-16 and three-byte characters included. */
const maxConfigBytes = maxConfigCharacters * 4;

/** Reads and analyses a text file as a model config; a sentence when it cannot be read. */
export async function readConfigFile(host: Host, path: string): Promise<ReadConfig | string> {
  const text = await readTextFile(host, path);
  if (typeof text !== 'string') return text.reason;
  return { text, analysis: analyzeConfig(text, path) };
}

/** The text of a file of a size that configs have. */
export async function readTextFile(
  host: Host,
  path: string,
): Promise<string | { readonly reason: string }> {
  const file = await host.open(path);
  if (!file) return { reason: 'there is no such file' };
  try {
    if (file.byteLength > maxConfigBytes) {
      return { reason: `it has ${file.byteLength} bytes, more than any config` };
    }
    return decodeText(await file.read(0, file.byteLength)).text;
  } finally {
    await file.close();
  }
}
