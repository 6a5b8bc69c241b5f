// Publishes what `npm run package` makes to the Visual Studio Marketplace and to Open VSX.
// `node client/package/publish.mjs [--pre-release] [--only vsce|ovsx]`; tokens in VSCE_PAT and OVSX_PAT.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runStep } from '../../test/install.mjs';
import { manifest, packagePath, targets } from './contents.mjs';

const registries = new Map([
  ['vsce', { package: '@vscode/vsce@3.9', command: 'vsce', token: 'VSCE_PAT' }],
  ['ovsx', { package: 'ovsx@1', command: 'ovsx', token: 'OVSX_PAT' }],
]);

const { values } = parseArgs({
  options: { 'pre-release': { type: 'boolean', default: false }, only: { type: 'string' } },
});
process.exitCode = publish(values['pre-release'], values.only) ? 0 : 1;

function publish(preRelease, only) {
  const chosen = [...registries].filter(([name]) => only === undefined || name === only);
  const missing = chosen.filter(([, { token }]) => !process.env[token]).map(([, one]) => one.token);
  const complaint =
    channelProblem(preRelease) ??
    (chosen.length === 0 ? `--only takes ${[...registries.keys()].join(' or ')}` : null) ??
    (missing.length > 0 ? `set ${missing.join(' and ')}` : null);
  if (complaint !== null) {
    console.error(complaint);
    return false;
  }
  // The channel is part of the packages: they are always made anew, and the registries read it from them.
  const channel = preRelease ? ['--pre-release'] : [];
  if (!runStep('npm', ['run', 'package', '--', ...channel])) return false;
  const files = [...targets.keys()].map(packagePath);
  const absent = files.filter((file) => !existsSync(file));
  if (absent.length > 0) throw new Error(`not packaged: ${absent.join(', ')}`);
  return chosen.every(([, one]) =>
    runStep('npx', [
      ...['--yes', `--package=${one.package}`, one.command, 'publish', '--skip-duplicate'],
      ...['--packagePath', ...files],
    ]),
  );
}

/** The Marketplace knows no pre-release tags in versions: by custom an odd minor version is one. */
function channelProblem(preRelease) {
  const [, minor] = manifest.version.split('.').map(Number);
  if ((minor % 2 === 1) === preRelease) return null;
  return preRelease
    ? `${manifest.version} has an even minor version: publish it without --pre-release`
    : `${manifest.version} has an odd minor version: publish it with --pre-release`;
}
