import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Log } from 'sarif';
import { sarifLog } from '../../server/src/cli/sarif';
import { examples, greenAi, projectRoot, useTempFolder } from '../support/cli';
import { assertSarif } from '../support/sarif';

async function sarif(...args: readonly string[]): Promise<Log> {
  const { out, code } = await greenAi(['lint', ...args, '--format', 'sarif']);
  assert.notEqual(code, 2);
  // The cast is what the checks are for.
  const log = JSON.parse(out) as Log;
  assertSarif(log);
  return log;
}

describe('command line: SARIF', () => {
  const folder = useTempFolder();

  it('is valid for the examples, one result a finding', async () => {
    const log = await sarif(examples, '--fail-on', 'never');
    const { out } = await greenAi(['lint', examples, '--format', 'json']);
    const { summary } = JSON.parse(out) as { summary: { findings: number } };
    const results = log.runs[0]?.results ?? [];
    assert.equal(results.length, summary.findings);
    const levels = new Set(results.map(({ level }) => level));
    assert.deepEqual([...levels].sort(), ['error', 'note', 'warning']);
  });

  it('is valid without findings', async () => {
    folder.model('m.onnx', 'g (float[2] x) => (float[2] y) { y = Relu (x) }');
    const log = await sarif(folder.path);
    assert.deepEqual(log.runs[0]?.results, []);
  });

  it('names files by encoded URIs that lead back to them', async () => {
    const names = ['a b.onnx', '100%.onnx', 'ü#?.onnx', "it's [1].onnx", '\u001b[31m.onnx'];
    for (const name of names) folder.write(name, '');
    const log = await sarif(folder.path);
    const uris = log.runs[0]?.results?.map((result) => {
      const [location] = result.locations ?? [];
      return location?.physicalLocation?.artifactLocation?.uri ?? '';
    });
    const found = uris?.map((uri) => path.basename(decodeURIComponent(new URL(uri).pathname)));
    assert.deepEqual(found?.sort(), readdirSync(folder.path).sort());
  });

  it('gives relative files as relative URIs with forward slashes', async () => {
    folder.write('sub dir/m.onnx', '');
    const cwd = process.cwd();
    process.chdir(folder.path);
    try {
      for (const target of ['.', './sub dir', path.join('sub dir', 'm.onnx')]) {
        const log = await sarif(target);
        const [result] = log.runs[0]?.results ?? [];
        const uri = result?.locations?.[0]?.physicalLocation?.artifactLocation?.uri;
        assert.equal(uri, 'sub%20dir/m.onnx', target);
      }
    } finally {
      process.chdir(cwd);
    }
  });

  it('survives names that have no UTF-8 form', () => {
    const finding = {
      ruleId: 'malformed-onnx',
      severity: 'error',
      message: 'm',
      anchor: { kind: 'file' },
      fixes: [],
    } as const;
    const log = sarifLog([{ path: 'a\ud800b:c.onnx', findings: [finding], text: null }], '1');
    assertSarif(log);
  });

  it('counts lines and columns from 1', async () => {
    const file = folder.write('green-ai.json', '{"device":\n "zx81"}');
    const log = await sarif(file);
    const [location] = log.runs[0]?.results?.[0]?.locations ?? [];
    assert.deepEqual(location?.physicalLocation?.region, {
      startLine: 2,
      startColumn: 2,
      endLine: 2,
      endColumn: 8,
    });
  });

  it('describes each rule that it mentions with its help', async () => {
    const log = await sarif(path.relative(process.cwd(), path.join(projectRoot, 'examples')));
    for (const rule of log.runs[0]?.tool.driver.rules ?? []) {
      assert.ok((rule.shortDescription?.text ?? '').length > 0, rule.id);
      assert.ok((rule.help?.text ?? '').length > 0, rule.id);
    }
  });
});
