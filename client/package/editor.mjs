// `npm run editor`: the extension on examples/, in the desktop VS Code, else in the test host.
import path from 'node:path';
import { installHost, onSearchPath } from '../../test/e2e/install-host.mjs';
import { startServer } from '../../test/e2e/vscode.mjs';
import { root, runStep } from '../../test/install.mjs';
import { packageTarget } from './package.mjs';

const examples = path.join(root, 'examples');
const desktop = ['code', 'code-insiders', 'codium'].find((name) => onSearchPath(name) !== null);
if (desktop !== undefined) {
  const args = ['--new-window', `--extensionDevelopmentPath=${root}`, examples];
  console.log(`Opening ${desktop} on examples/ …`);
  process.exitCode = runStep(desktop, args) ? 0 : 1;
} else {
  await serve();
}

async function serve() {
  const failure = installHost();
  if (failure !== null) {
    console.error(`VS Code is not installed, and ${failure}.`);
    process.exitCode = 1;
    return;
  }
  const { file } = await packageTarget('universal');
  const server = await startServer({
    workspace: examples,
    copy: false,
    vsix: [file],
    logFile: path.join(root, '.cache', 'editor.log'),
  });
  console.log(`\nVS Code with the extension on examples/: ${server.url()}`);
  console.log('It ends with Ctrl+C.');
}
