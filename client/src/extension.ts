import { workspace, type ExtensionContext } from 'vscode';
import { createServer, type Server } from './client';
import { registerCommands } from './commands';
import { isLinted, lintedFiles } from './documents';
import { createLog } from './log';
import { registerModelView } from './modelView';
import { createOptimizer } from './optimize';
import { registerStatus } from './status';
import { registerTextFileSystem } from './textFileSystem';

let running: Server | null = null;

/** Returns before the server runs: it starts when something asks for it or when there is something to lint. */
export function activate(context: ExtensionContext): void {
  const log = createLog('Green AI');
  const server = createServer(context, log);
  const optimizer = createOptimizer(server);
  const views = registerModelView(context, server, optimizer);
  running = server;
  context.subscriptions.push(
    log,
    optimizer,
    views,
    registerTextFileSystem(server),
    registerStatus(server),
    registerCommands({ extension: context, server, optimizer, views }),
    workspace.onDidOpenTextDocument((document) => {
      if (isLinted(document)) server.start();
    }),
  );
  startWhenNeeded(server).catch((error: unknown) => {
    log.error(`Looking for models failed: ${String(error)}`);
  });
}

/**
 * Any JSON file activates the extension, and some editors open one of their own at the start of every window; the
 * server is a process of its own and waits for more than that.
 */
async function startWhenNeeded(server: Server): Promise<void> {
  const isNeeded =
    workspace.textDocuments.some(isLinted) ||
    (await workspace.findFiles(lintedFiles, '**/node_modules/**', 1)).length > 0;
  if (isNeeded) server.start();
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}
