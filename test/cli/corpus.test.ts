import assert from 'node:assert/strict';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { settingsFileName } from '../../server/src/core/settings';
import { corpus, greenAi, recordingHost } from '../support/cli';
import { assertShape } from '../support/contract';

/** In the folders of invalid files, but legal: each with why nothing is to be said. */
const legal: ReadonlyMap<string, string> = new Map([
  ['configs/invalid/generated/crlf_tabs.json', 'line ends and tabs are white space in JSON'],
  ['configs/invalid/generated/proto_pollution.json', '"__proto__" is a key like any other'],
]);

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(corpus, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(name) : [name];
  });
}

interface Findings {
  readonly files: readonly { readonly findings: readonly unknown[] }[];
}

describe('command line: every file of the corpus', function () {
  this.timeout(300_000);

  const files = existsSync(corpus)
    ? filesBelow('.').filter((name) => !name.startsWith('LICENSES/'))
    : [];

  /** File → what `lint` wrote; filled once, because reading them all takes its time. */
  const linted = new Map<string, string>();
  const wrongLints: string[] = [];

  before(async function () {
    if (files.length === 0) {
      console.log(`      no corpus at ${corpus}: skipped (set GREEN_AI_CORPUS)`);
      this.skip();
    }
    const wrong = await sweep('lint', files, (name, code, out) => {
      assert.ok(code === 0 || code === 1, `exit ${code}`);
      linted.set(name, out);
      assertShape('lint', JSON.parse(out));
    });
    wrongLints.push(...wrong);
  });

  it('is linted: findings of the contract’s shape, no file outside its folder opened', () => {
    assert.deepEqual(wrongLints, []);
    assert.equal(linted.size, files.length);
  });

  it('is answered with a coded problem when it is invalid', () => {
    const invalid = files.filter((name) => /^(onnx-invalid|configs\/invalid)\//u.test(name));
    assert.ok(invalid.length >= 100, `${invalid.length} invalid files`);
    const silent = invalid.filter((name) => {
      const { files: reports } = JSON.parse(linted.get(name) ?? '') as Findings;
      return reports.every(({ findings }) => findings.length === 0);
    });
    assert.deepEqual(silent, [...legal.keys()]);
  });

  /** Runs one command over files and gathers what is wrong, so that one run shows everything. */
  async function sweep(
    command: string,
    names: readonly string[],
    check: (name: string, code: number, out: string) => void,
  ): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const name of names) {
      const file = path.join(corpus, name);
      const host = recordingHost();
      try {
        const { code, out, err } = await greenAi([command, file, '--format', 'json'], { host });
        assert.doesNotMatch(err, /\n\s+at |unexpected/u);
        assertConfined(file, host.opened, host.looked);
        assert.deepEqual(host.created, []);
        check(name, code, out);
      } catch (error) {
        wrong.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return wrong;
  }

  it('is inspected when it is a model', async () => {
    const models = files.filter((name) => name.endsWith('.onnx'));
    const wrong = await sweep('inspect', models, (_, code, out) => {
      const json: unknown = out === '' ? null : JSON.parse(out);
      if (code === 0) assertShape('model', json);
      else {
        assert.equal(code, 2);
        if (json !== null) assertShape('broken', json);
      }
    });
    assert.deepEqual(wrong, []);
  });
});

/** Opened: the file and what lies beside it. Looked for: settings on the way up to the root, nothing else. */
function assertConfined(file: string, opened: readonly string[], looked: readonly string[]): void {
  const folder = realpathSync(path.dirname(file)) + path.sep;
  const outside = opened.filter((one) => !one.startsWith(folder) && one !== file);
  assert.deepEqual(outside, [], 'files opened outside the folder');
  const strange = looked.filter((one) => {
    if (path.basename(one) !== settingsFileName) return true;
    const above = path.dirname(one);
    return !file.startsWith(above.endsWith(path.sep) ? above : above + path.sep);
  });
  assert.deepEqual(strange, [], 'files looked for');
}
