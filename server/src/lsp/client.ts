import type { ClientCapabilities, InitializeParams } from 'vscode-languageserver';
import * as v from 'valibot';
import type { InitializationOptions } from '../protocol';

/** What the client can do, as far as answers depend on it. */
export interface ClientFeatures {
  readonly pullsDiagnostics: boolean;
  readonly refreshesDiagnostics: boolean;
  readonly refreshesLenses: boolean;
  readonly refreshesContent: boolean;
  readonly readsConfiguration: boolean;
  readonly registersConfiguration: boolean;
  readonly registersWatchers: boolean;
  /** In folders of the server's choice. */
  readonly watchesFolders: boolean;
  readonly changesFolders: boolean;
  readonly versionsEdits: boolean;
  readonly annotatesEdits: boolean;
  readonly createsFiles: boolean;
  readonly resolvesEdits: boolean;
  readonly relatedInformation: boolean;
  readonly nestsSymbols: boolean;
  readonly maxFoldings: number;
  readonly hasEditorCommands: boolean;
  readonly isTrusted: boolean;
}

/** VS Code's own limit, for clients that name none. */
const defaultMaxFoldings = 5000;

export function readClient({ capabilities, ...params }: InitializeParams): ClientFeatures {
  const options = readOptions(params.initializationOptions);
  return { ...featuresOf(capabilities), ...options };
}

function featuresOf({
  workspace,
  textDocument,
}: ClientCapabilities): Omit<ClientFeatures, keyof ReturnType<typeof readOptions>> {
  const edit = workspace?.workspaceEdit;
  return {
    pullsDiagnostics: textDocument?.diagnostic !== undefined,
    refreshesDiagnostics: workspace?.diagnostics?.refreshSupport ?? false,
    refreshesLenses: workspace?.codeLens?.refreshSupport ?? false,
    refreshesContent: workspace?.textDocumentContent !== undefined,
    readsConfiguration: workspace?.configuration ?? false,
    registersConfiguration: workspace?.didChangeConfiguration?.dynamicRegistration ?? false,
    registersWatchers: workspace?.didChangeWatchedFiles?.dynamicRegistration ?? false,
    watchesFolders: workspace?.didChangeWatchedFiles?.relativePatternSupport ?? false,
    changesFolders: workspace?.workspaceFolders ?? false,
    versionsEdits: edit?.documentChanges ?? false,
    annotatesEdits: edit?.changeAnnotationSupport !== undefined,
    createsFiles: edit?.resourceOperations?.includes('create') ?? false,
    resolvesEdits: textDocument?.codeAction?.resolveSupport?.properties.includes('edit') ?? false,
    relatedInformation: textDocument?.publishDiagnostics?.relatedInformation ?? false,
    nestsSymbols: textDocument?.documentSymbol?.hierarchicalDocumentSymbolSupport ?? false,
    maxFoldings: textDocument?.foldingRange?.rangeLimit ?? defaultMaxFoldings,
  };
}

const optionsSchema = v.object({
  editorCommands: v.fallback(v.optional(v.boolean(), false), false),
  trusted: v.fallback(v.optional(v.boolean(), false), false),
} satisfies Record<keyof InitializationOptions, unknown>);

function readOptions(value: unknown): { hasEditorCommands: boolean; isTrusted: boolean } {
  const read = v.safeParse(optionsSchema, value);
  return {
    hasEditorCommands: read.success && read.output.editorCommands,
    isTrusted: read.success && read.output.trusted,
  };
}
