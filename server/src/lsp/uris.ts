import path from 'node:path';
import { URI } from 'vscode-uri';
import { settingsFileName } from '../core/settings';
import { textScheme } from '../protocol';

/** What a text document shows: a model, and which part of it when the text is too long for one document. */
export interface TextAddress {
  readonly modelUri: string;
  /** From 0. */
  readonly part: number;
}

/** `text`: a model as the server prints it; `draft`: one that somebody writes. */
export type DocumentKind = 'model' | 'text' | 'draft' | 'config' | 'settings' | 'other';

/** Language ids go by extension. */
const textExtension = '.onnxtxt';

/** More parts than this has no text: it bounds what a made-up uri can ask for. */
const maxPart = 100_000;

/**
 * `file:///a/model.onnx` → `green-ai-onnx:/a/model.onnx.onnxtxt`. Scheme and authority of other models, and the part,
 * are kept in the query: a fragment would be taken for a line number by editors.
 */
export function textUriOf(modelUri: string, part = 0): string {
  const model = URI.parse(modelUri);
  const query = new URLSearchParams();
  if (model.scheme !== 'file') query.set('scheme', model.scheme);
  if (model.authority !== '') query.set('authority', model.authority);
  if (part > 0) query.set('part', String(part + 1));
  return URI.from({
    scheme: textScheme,
    path: model.path + textExtension,
    query: query.toString(),
  }).toString();
}

/** Null for a uri that `textUriOf` does not make. */
export function textAddressOf(textUri: string): TextAddress | null {
  const uri = parse(textUri);
  if (uri?.scheme !== textScheme || !uri.path.endsWith(textExtension)) return null;
  const query = new URLSearchParams(uri.query);
  const part = Number(query.get('part') ?? 1) - 1;
  if (!Number.isInteger(part) || part < 0 || part > maxPart) return null;
  const modelUri = URI.from({
    scheme: query.get('scheme') ?? 'file',
    authority: query.get('authority') ?? '',
    path: uri.path.slice(0, -textExtension.length),
  });
  return { modelUri: modelUri.toString(), part };
}

/** One spelling for one uri, so that it can be a key. What is no uri stays as it is. */
export function normalized(uri: string): string {
  return parse(uri)?.toString() ?? uri;
}

/** Null for what is not on a disk that the server reads. */
export function pathOf(uri: string): string | null {
  const parsed = parse(uri);
  return parsed?.scheme === 'file' ? parsed.fsPath : null;
}

export function uriOf(file: string): string {
  return URI.file(file).toString();
}

export function kindOf(uri: string): DocumentKind {
  const parsed = parse(uri);
  if (!parsed) return 'other';
  if (parsed.scheme === textScheme) return 'text';
  const name = path.posix.basename(parsed.path);
  if (name === settingsFileName) return 'settings';
  if (name === 'config.json') return 'config';
  if (/\.onnxte?xt$/iu.test(name)) return 'draft';
  return name.toLowerCase().endsWith('.onnx') ? 'model' : 'other';
}

/** Empty for what is no uri. */
export function schemeOf(uri: string): string {
  return parse(uri)?.scheme ?? '';
}

/** The last part of the path, for people. */
export function fileNameOf(uri: string): string {
  return path.posix.basename(parse(uri)?.path ?? uri);
}

/** True for the folder itself and what lies below it. */
export function isBelow(uri: string, folder: string): boolean {
  return uri === folder || uri.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

function parse(uri: string): URI | null {
  try {
    return URI.parse(uri, true);
  } catch {
    return null;
  }
}
