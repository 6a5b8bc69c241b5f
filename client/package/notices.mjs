// The licences of what the bundles contain.
import { Buffer } from 'node:buffer';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { root } from '../../test/install.mjs';

/** `dist/meta.json`, which the build writes, says which files went into which bundle. */
export function thirdPartyNotices(bundles, alsoShipped) {
  const meta = JSON.parse(readFileSync(path.join(root, 'dist', 'meta.json'), 'utf8'));
  const packages = new Set(alsoShipped.map((name) => `node_modules/${name}`));
  for (const bundle of bundles) {
    for (const input of Object.keys(meta.outputs[`dist/${bundle}`]?.inputs ?? {})) {
      const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/u.exec(input)?.[0];
      if (folder !== undefined) packages.add(folder);
    }
  }
  const notices = [...packages].sort().map(noticeOf);
  const head = 'This package contains the following libraries.\n';
  return Buffer.from([head, ...notices].join(`\n${'-'.repeat(80)}\n\n`));
}

function noticeOf(folder) {
  const full = path.join(root, folder);
  const { name, version, license, author, repository } = JSON.parse(
    readFileSync(path.join(full, 'package.json'), 'utf8'),
  );
  const file = readdirSync(full).find((one) => /^(licen[cs]e|copying)/iu.test(one));
  const home = typeof repository === 'string' ? repository : repository?.url;
  const terms = file
    ? readFileSync(path.join(full, file), 'utf8').trim()
    : withoutLicenceFile(license, typeof author === 'string' ? author : author?.name);
  return `${name} ${version} (${license})${home ? `\n${home}` : ''}\n\n${terms}\n`;
}

/** Some packages name their licence and forget its text. */
function withoutLicenceFile(license, author) {
  if (license !== 'MIT') return `Licensed under ${license}.`;
  const ours = readFileSync(path.join(root, 'LICENSE'), 'utf8');
  const holder = author === 'fs-eire' ? 'Microsoft Corporation' : (author ?? 'its authors');
  return ours.replace(/^Copyright .*$/mu, `Copyright (c) ${holder}`).trim();
}

/** onnxruntime-common as one file, which both the native runtime (require) and WebAssembly (import) can load. */
export function bundledCommon() {
  const entry = path.join(root, 'node_modules', 'onnxruntime-common', 'dist', 'esm', 'index.js');
  if (!existsSync(entry)) throw new Error('onnxruntime-common is not installed');
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minify: true,
    write: false,
    outfile: 'index.js',
  });
  return Buffer.from(outputFiles[0].contents);
}
