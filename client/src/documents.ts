import { languages, type TextDocument, type Uri } from 'vscode';
import { textScheme } from '../../server/src/protocol';

/** Which documents the server is told about. */

export const modelViewType = 'greenAi.modelView';

/** Models that somebody writes as text. */
const draftLanguage = 'onnx-text';

const configPattern = '**/{config,green-ai}.json';

/** Names that make a file ours, for a look at a folder. */
export const lintedFiles = '**/{*.onnx,config.json,green-ai.json}';

export const documentSelector = [
  { scheme: textScheme },
  { scheme: 'file', language: draftLanguage },
  { scheme: 'untitled', language: draftLanguage },
  { scheme: 'file', pattern: configPattern },
  { scheme: 'vscode-vfs', pattern: configPattern },
];

export function isLinted(document: TextDocument): boolean {
  return languages.match(documentSelector, document) > 0;
}

export function isModel(uri: Uri): boolean {
  return uri.scheme !== textScheme && uri.path.toLowerCase().endsWith('.onnx');
}

export function isModelText(uri: Uri): boolean {
  return uri.scheme === textScheme;
}

export function isConfig(uri: Uri): boolean {
  return nameOf(uri) === 'config.json';
}

/** The last part of the path, for people. */
export function nameOf(uri: Uri): string {
  return uri.path.slice(uri.path.lastIndexOf('/') + 1);
}
