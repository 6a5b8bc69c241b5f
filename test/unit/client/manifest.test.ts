import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { editorCommands } from '../../../server/src/protocol';

const root = path.join(import.meta.dirname, '../../..');

interface MenuItem {
  readonly command?: string;
  readonly submenu?: string;
}

interface Setting {
  readonly scope?: string;
  readonly description?: string;
  readonly markdownDescription?: string;
}

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly category: string }[];
    readonly menus: Readonly<Record<string, readonly MenuItem[]>>;
    readonly submenus: readonly { readonly id: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
    readonly walkthroughs: readonly { readonly steps: readonly WalkthroughStep[] }[];
  };
}

interface WalkthroughStep {
  readonly description: string;
  readonly media: { readonly markdown: string };
  readonly completionEvents: readonly string[];
}

describe('manifest of the extension', () => {
  const text = readFileSync(path.join(root, 'package.json'), 'utf8');
  const { contributes } = JSON.parse(text) as Manifest;
  const commands = new Set(contributes.commands.map(({ command }) => command));

  it('declares the commands that the client implements, and no others', () => {
    const source = readFileSync(path.join(root, 'client/src/commands.ts'), 'utf8');
    const [, table = ''] = /const handlers[^=]*= \{([^]*?)\n\};/.exec(source) ?? [];
    const implemented = [...table.matchAll(/^ {2}(?:'([\w.]+)'|\[editorCommands\.(\w+)\]):/gm)].map(
      ([, id, name]) => id ?? new Map(Object.entries(editorCommands)).get(name ?? ''),
    );
    assert.deepEqual(new Set(implemented), commands);
  });

  it('declares every command that the server names', () => {
    const missing = Object.values(editorCommands).filter((command) => !commands.has(command));
    assert.deepEqual(missing, []);
  });

  it('has menus of declared commands and submenus', () => {
    const submenus = new Set(contributes.submenus.map(({ id }) => id));
    for (const { command, submenu } of Object.values(contributes.menus).flat()) {
      assert.ok(commands.has(command ?? '') || submenus.has(submenu ?? ''), command ?? submenu);
    }
  });

  it('hides what writes where a workspace is not trusted', () => {
    const palette = new Map(
      (contributes.menus['commandPalette'] ?? []).map((item) => [item.command, item]),
    );
    for (const command of ['greenAi.quantize', 'greenAi.cleanUp', 'greenAi.optimize']) {
      assert.deepEqual(palette.get(command), { command, when: 'isWorkspaceTrusted' });
    }
  });

  it('describes every setting and its scope', () => {
    for (const [key, setting] of Object.entries(contributes.configuration.properties)) {
      assert.match(setting.scope ?? '', /^(resource|window)$/, key);
      assert.ok(setting.description ?? setting.markdownDescription, key);
    }
  });

  it('has a walkthrough of four steps whose pages are there and whose commands exist', () => {
    const [walkthrough, ...others] = contributes.walkthroughs;
    assert.deepEqual(others, []);
    assert.equal(walkthrough?.steps.length, 4);
    for (const { description, media, completionEvents } of walkthrough.steps) {
      assert.ok(existsSync(path.join(root, media.markdown)), media.markdown);
      const named = [...description.matchAll(/command:([\w.]+)/g)].map(([, id = '']) => id);
      const awaited = completionEvents.map((event) => event.replace('onCommand:', ''));
      for (const id of [...named, ...awaited]) {
        assert.ok(commands.has(id) || id.startsWith('workbench.'), id);
      }
    }
  });

  it('names files that exist', () => {
    const files = [...text.matchAll(/"\.\/((?:syntaxes|media)\/[\w./-]+)"/g)];
    assert.ok(files.length > 0);
    for (const [, file = ''] of files) assert.ok(existsSync(path.join(root, file)), file);
  });
});
