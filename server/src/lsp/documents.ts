import { TextDocument } from 'vscode-languageserver-textdocument';
import type {
  DidChangeTextDocumentParams,
  DidCloseTextDocumentParams,
  DidOpenTextDocumentParams,
} from 'vscode-languageserver';
import { kindOf, normalized, type DocumentKind } from './uris';

/** Language id of ONNX's textual syntax. */
export const textLanguageId = 'onnx-text';

export interface OpenDocument {
  /** As the client spells it. */
  readonly uri: string;
  readonly kind: DocumentKind;
  readonly version: number;
  /** Null for the texts that the server made itself: they are not kept a second time. */
  readonly text: TextDocument | null;
}

/** The documents that the client has open. */
export interface Documents {
  open(params: DidOpenTextDocumentParams): OpenDocument;
  change(params: DidChangeTextDocumentParams): OpenDocument | null;
  close(params: DidCloseTextDocumentParams): OpenDocument | null;
  get(uri: string): OpenDocument | undefined;
  /** Of an open document, or what its name says. */
  kindOf(uri: string): DocumentKind;
  all(): readonly OpenDocument[];
}

export function createDocuments(): Documents {
  const open = new Map<string, OpenDocument>();
  return {
    open: ({ textDocument: { uri, languageId, version, text } }) => {
      const named = kindOf(uri);
      // What has no name yet is known by its language.
      const kind = named === 'other' && languageId === textLanguageId ? 'draft' : named;
      const keepsText = kind === 'config' || kind === 'settings' || kind === 'draft';
      const document: OpenDocument = {
        uri,
        kind,
        version,
        text: keepsText ? TextDocument.create(uri, languageId, version, text) : null,
      };
      open.set(normalized(uri), document);
      return document;
    },
    change: ({ textDocument: { uri, version }, contentChanges }) => {
      const document = open.get(normalized(uri));
      if (!document) return null;
      const text = document.text && TextDocument.update(document.text, contentChanges, version);
      const changed: OpenDocument = { ...document, version, text };
      open.set(normalized(uri), changed);
      return changed;
    },
    close: ({ textDocument: { uri } }) => {
      const document = open.get(normalized(uri)) ?? null;
      open.delete(normalized(uri));
      return document;
    },
    get: (uri) => open.get(normalized(uri)),
    kindOf: (uri) => open.get(normalized(uri))?.kind ?? kindOf(uri),
    all: () => [...open.values()],
  };
}
