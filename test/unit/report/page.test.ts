import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { reportHtml } from '../../../client/src/report/html';
import { parseViewMessage, type ViewMessage } from '../../../client/src/report/messages';

const root = path.resolve(import.meta.dirname, '../../..');

const page = {
  cspSource: "'self' https://*.vscode-cdn.net",
  nonce: 'abc123',
  scriptUri: 'https://host/dist/report.js',
  styleUri: 'https://host/media/report.css',
  title: 'model.onnx',
};

describe('report: the page', () => {
  it('allows its own style and script, and nothing else', () => {
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(reportHtml(page))?.[1];
    const directives = (policy ?? '').replaceAll('&#39;', "'").split('; ');
    assert.deepEqual(
      new Map(directives.map((text) => [text.split(' ')[0], text.split(' ').slice(1).join(' ')])),
      new Map([
        ['default-src', "'none'"],
        ['style-src', page.cspSource],
        ['script-src', "'nonce-abc123'"],
        ['base-uri', "'none'"],
        ['form-action', "'none'"],
      ]),
    );
  });

  it('stays the same page whatever the file is called', () => {
    const tags = (html: string): string[] => html.match(/<[!/a-z][^>]*>/gi) ?? [];
    const expected = tags(reportHtml({ ...page, title: '' }));
    const names = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('</title><script>alert(1)</script>', '"><img src=x>', '\0<b>', '&lt;b&gt;'),
    );
    fc.assert(
      fc.property(names, (title) => {
        const html = reportHtml({ ...page, title });
        assert.deepEqual(tags(html), expected);
        assert.ok(!html.includes('\0'));
      }),
    );
  });

  it('shows names from files as text: nothing in the view parses markup', () => {
    const folder = path.join(root, 'client/src/report');
    for (const name of ['dom', 'main', 'header', 'layers', 'findings', 'comparison', 'variants']) {
      const source = readFileSync(path.join(folder, `${name}.ts`), 'utf8');
      assert.doesNotMatch(
        source,
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|srcdoc|\.href\b/,
        name,
      );
    }
  });

  it('takes every colour from the theme', () => {
    const css = readFileSync(path.join(root, 'media/report.css'), 'utf8');
    assert.doesNotMatch(css, /#[0-9a-f]{3,8}\b|\b(rgb|hsl|lab|lch|oklch)a?\(/i);
    assert.doesNotMatch(css, /url\(|@import/);
  });
});

describe('report: messages from the page', () => {
  const valid: readonly ViewMessage[] = [
    { kind: 'ready' },
    { kind: 'reload' },
    { kind: 'optimize' },
    { kind: 'openText', line: null },
    { kind: 'openText', line: 12 },
    { kind: 'setDevice', device: 'laptop-cpu' },
    { kind: 'compareDevices', devices: ['laptop-cpu', 'raspberry-pi-5'] },
    { kind: 'runRecipe', recipe: 'cleanup' },
    { kind: 'openModel', uri: 'file:///model.onnx' },
    { kind: 'openHelp', uri: 'https://example.com' },
  ];
  for (const message of valid) {
    it(`takes ${JSON.stringify(message)}`, () => {
      assert.deepEqual(parseViewMessage({ ...message, extra: 1 }), message);
    });
  }

  const invalid: readonly unknown[] = [
    null,
    'ready',
    {},
    { kind: 'unknown' },
    { kind: 'openText' },
    { kind: 'openText', line: -1 },
    { kind: 'openText', line: 1.5 },
    { kind: 'openText', line: '1' },
    { kind: 'setDevice', device: '' },
    { kind: 'setDevice', device: ['x'] },
    { kind: 'compareDevices', devices: 'laptop-cpu' },
    { kind: 'compareDevices', devices: [1] },
    { kind: 'compareDevices', devices: new Array(1000).fill('x') },
    { kind: 'runRecipe', recipe: 'x'.repeat(100_000) },
    { kind: 'openHelp', uri: { toString: 'x' } },
  ];
  for (const message of invalid) {
    it(`refuses ${JSON.stringify(message).slice(0, 60)}`, () => {
      assert.equal(parseViewMessage(message), null);
    });
  }
});
