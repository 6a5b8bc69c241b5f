import type { ConfigDocument } from './parse';
import type { ConfigAnalysis } from './config';
import { readHfConfig, sniffHfConfig } from './formats/hf-config';

export const configFormats = ['hf-config'] as const;
export type ConfigFormat = (typeof configFormats)[number];

/** One kind of model config: how to tell it and how to read it. */
export interface FormatReader {
  readonly format: ConfigFormat;
  /** Whether this document is of the format. */
  readonly sniff: (document: ConfigDocument) => boolean;
  readonly read: (document: ConfigDocument) => ConfigAnalysis;
}

/** Tried in order; the first that recognises the document reads it. */
export const formats: readonly FormatReader[] = [
  { format: 'hf-config', sniff: sniffHfConfig, read: readHfConfig },
];
