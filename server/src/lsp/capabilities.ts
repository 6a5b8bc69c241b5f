import {
  CodeActionKind,
  TextDocumentSyncKind,
  type FileOperationRegistrationOptions,
  type ServerCapabilities,
} from 'vscode-languageserver';
import { textScheme } from '../protocol';
import { fixAllKind } from './actions';
import { optimizeCommand } from './commands';
import { dataGlobs } from './external-files';

export const diagnosticIdentifier = 'green-ai';

/** Files whose changes the server wants to hear of. */
export const watchedGlobs = ['**/*.onnx', '**/config.json', '**/green-ai.json', ...dataGlobs];

export function serverCapabilities(): ServerCapabilities {
  const anyFile: FileOperationRegistrationOptions = {
    filters: [{ scheme: 'file', pattern: { glob: '**/*' } }],
  };
  return {
    textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
    diagnosticProvider: {
      identifier: diagnosticIdentifier,
      // Settings and external data are other files.
      interFileDependencies: true,
      workspaceDiagnostics: true,
    },
    hoverProvider: true,
    completionProvider: { triggerCharacters: ['=', '(', '<', ',', '.', ':'] },
    definitionProvider: true,
    referencesProvider: true,
    documentSymbolProvider: true,
    foldingRangeProvider: true,
    codeLensProvider: { resolveProvider: false },
    documentLinkProvider: { resolveProvider: false },
    codeActionProvider: {
      codeActionKinds: [CodeActionKind.QuickFix, fixAllKind],
      resolveProvider: true,
    },
    executeCommandProvider: { commands: [optimizeCommand] },
    workspace: {
      workspaceFolders: { supported: true, changeNotifications: true },
      textDocumentContent: { schemes: [textScheme] },
      fileOperations: { didDelete: anyFile, didRename: anyFile },
    },
  };
}
