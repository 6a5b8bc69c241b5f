import path from 'node:path';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { createNodeServerHost } from './lsp/host-node';
import { describeError } from './lsp/safe';
import { defaultScanWorker } from './lsp/scan-process';
import { startServer } from './server';

declare const GREEN_AI_VERSION: string | undefined;

/** The language server as a process: over node's IPC for VS Code, over `--stdio` for any other editor. */
function main(): void {
  const connection = createConnection(ProposedFeatures.all);
  const log = (message: string): void => {
    connection.console.error(message);
  };
  process.on('unhandledRejection', (reason) => {
    log(`unexpected failure: ${describeError(reason)}`);
  });
  startServer(
    connection,
    createNodeServerHost({
      version: typeof GREEN_AI_VERSION === 'string' ? GREEN_AI_VERSION : '0.0.0-source',
      log,
      ruleFolder: path.join(__dirname, '..', 'docs', 'rules'),
      scanWorker: defaultScanWorker(),
    }),
  );
}

main();
