import type {
  CodeLens,
  CompletionList,
  DefinitionParams,
  DocumentLink,
  DocumentSymbol,
  FoldingRange,
  Hover,
  HoverParams,
  Location,
  ReferenceParams,
  TextDocumentPositionParams,
} from 'vscode-languageserver';
import type { TextResult } from '../protocol';
import { configHover } from './features/config-hover';
import { draftCompletion } from './features/completion';
import { draftFoldings } from './features/draft-folding';
import { draftHover } from './features/draft-hover';
import { textFoldings } from './features/folding';
import { textHover } from './features/hover';
import { textLenses } from './features/lenses';
import { textLinks } from './features/links';
import { draftDefinition, draftReferences } from './features/navigation';
import { textSymbols } from './features/symbols';
import type { DraftView } from './drafts';
import type { ModelView } from './models';
import type { Session } from './session';
import { textAddressOf } from './uris';

/** The features of documents, by uri: what is looked at is taken from the cache, not from the text sent back. */
export interface TextFeatures {
  text(uri: string): Promise<TextResult | null>;
  readonly hover: (params: HoverParams) => Promise<Hover | null>;
  readonly completion: (params: TextDocumentPositionParams) => Promise<CompletionList>;
  readonly definition: (params: DefinitionParams) => Promise<Location[]>;
  readonly references: (params: ReferenceParams) => Promise<Location[]>;
  symbols(uri: string): Promise<DocumentSymbol[]>;
  foldings(uri: string): Promise<FoldingRange[]>;
  lenses(uri: string): Promise<CodeLens[]>;
  links(uri: string): Promise<DocumentLink[]>;
}

interface ShownPart {
  readonly view: ModelView;
  readonly part: number;
}

export function createTextFeatures(session: Session): TextFeatures {
  const { client, documents, drafts, models, linter } = session;
  const draftOf = async (uri: string): Promise<DraftView | null> =>
    documents.kindOf(uri) === 'draft' ? drafts.open(uri) : null;
  const shown = async (uri: string): Promise<ShownPart | null> => {
    const address = textAddressOf(uri);
    return address && { view: await models.open(address.modelUri), part: address.part };
  };
  return {
    text: async (uri) => {
      const found = await shown(uri);
      const part = found?.view.pages.parts[found.part];
      if (!found?.view.version || !part) return null;
      const { view } = found;
      return {
        text: part.text,
        modifiedTime: view.version?.modifiedTime ?? 0,
        failure: view.kind === 'unreadable' ? view.failure : null,
      };
    },
    hover: async ({ textDocument: { uri }, position }) => {
      const kind = documents.kindOf(uri);
      if (kind === 'config' || kind === 'settings') {
        const linted = await linter.lintedText(uri);
        return linted && configHover(linted, position);
      }
      const draft = await draftOf(uri);
      if (draft) return draftHover(draft, position);
      const found = await shown(uri);
      if (found?.view.kind !== 'model') return null;
      const line = found.view.pages.wholeLine({ part: found.part, line: position.line });
      return line === null ? null : textHover(found.view, line, position.character);
    },
    completion: async ({ textDocument: { uri }, position }) => {
      const draft = await draftOf(uri);
      return draft ? draftCompletion(draft, position) : { isIncomplete: false, items: [] };
    },
    definition: async ({ textDocument: { uri }, position }) => {
      const draft = await draftOf(uri);
      return draft ? draftDefinition(draft, position) : [];
    },
    references: async ({ textDocument: { uri }, position, context }) => {
      const draft = await draftOf(uri);
      return draft ? draftReferences(draft, position, context.includeDeclaration) : [];
    },
    symbols: async (uri) => {
      const draft = await draftOf(uri);
      if (draft) return textSymbols(draft, 0);
      const found = await shown(uri);
      return found?.view.kind === 'model' ? textSymbols(found.view, found.part) : [];
    },
    foldings: async (uri) => {
      const draft = await draftOf(uri);
      if (draft) return draftFoldings(draft, client.maxFoldings);
      const found = await shown(uri);
      if (found?.view.kind !== 'model') return [];
      return textFoldings(found.view, found.part, client.maxFoldings);
    },
    lenses: async (uri) => {
      const found = await shown(uri);
      if (found?.view.kind !== 'model' || !found.view.settings.editor.showsLenses) return [];
      return textLenses(found.view, client.hasEditorCommands);
    },
    links: async (uri) => {
      const found = await shown(uri);
      return found ? textLinks(found.view, found.part) : [];
    },
  };
}
