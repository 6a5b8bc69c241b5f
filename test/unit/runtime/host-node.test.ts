import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { createNodeHost } from '../../../server/src/host-node';
import { projectRoot, testFolder, type TestFolder } from './helpers';

describe('node host', () => {
  const host = createNodeHost(() => undefined);
  const isWindows = process.platform === 'win32';
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => {
    folder.remove();
  });
  const at = (...names: readonly string[]) => path.join(folder.path, ...names);
  const names = () => readdirSync(folder.path).sort();

  describe('reading', () => {
    it('gives ranges, and less only at the end', async () => {
      const file = await host.open(folder.write('a.bin', '0123456789'));
      assert.ok(file);
      const text = async (offset: number, length: number) =>
        Buffer.from(await file.read(offset, length)).toString();
      assert.equal(file.byteLength, 10);
      assert.equal(await text(2, 3), '234');
      assert.equal(await text(8, 100), '89');
      assert.equal(await text(10, 1), '');
      assert.equal(await text(1e15, 2 ** 40), '');
      await file.close();
    });

    it('hashes as sha256sum does', async () => {
      // SHA-256 of "abc", FIPS 180-2.
      assert.equal(
        await host.sha256(folder.write('abc', 'abc')),
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      );
      await assert.rejects(host.sha256(folder.path), /not a regular file/);
    });

    it('opens no folders, devices, pipes or names that cannot be', async () => {
      const refused = [folder.path, at('missing'), at('a', 'b'), at('x'.repeat(300)), at('a\0b')];
      if (!isWindows) {
        execFileSync('mkfifo', [at('pipe')]);
        symlinkSync(at('pipe'), at('to-pipe'));
        symlinkSync(at('circle'), at('circle'));
        refused.push(at('pipe'), at('to-pipe'), at('circle'), '/dev/zero');
      }
      for (const file of refused) assert.equal(await host.open(file), null, file);
    });
  });

  describe('beside a model', () => {
    const tryOpen = async (location: string): Promise<string> => {
      const result = await host.openBeside(at('model'), location);
      if (typeof result === 'string') return result;
      await result.close();
      return 'opened';
    };

    beforeEach(function () {
      if (isWindows) this.skip();
      mkdirSync(at('model', 'sub'), { recursive: true });
      mkdirSync(at('model-other'));
      for (const name of [
        'secret',
        'model/w.bin',
        'model/sub/w.bin',
        'model/..w',
        'model-other/w',
      ]) {
        folder.write(name, 'x');
      }
      symlinkSync('w.bin', at('model', 'inside'));
      symlinkSync('../secret', at('model', 'escape'));
      symlinkSync('..', at('model', 'up'));
      symlinkSync('/nowhere/at/all', at('model', 'dangling'));
      symlinkSync('loop', at('model', 'loop'));
      execFileSync('mkfifo', [at('model', 'pipe')]);
    });

    const cases: readonly (readonly [string, string])[] = [
      ['w.bin', 'opened'],
      ['./sub/w.bin', 'opened'],
      ['sub/../w.bin', 'opened'],
      ['..w', 'opened'],
      ['inside', 'opened'],
      ['gone.bin', 'missing'],
      ['w.bin/deeper', 'missing'],
      ['dangling', 'missing'],
      ['loop', 'missing'],
      ['nul\0byte', 'missing'],
      ['../secret', 'outside'],
      ['../model-other/w', 'outside'],
      ['sub/../../secret', 'outside'],
      ['/etc/passwd', 'outside'],
      ['escape', 'outside'],
      ['up/secret', 'outside'],
      ['..', 'outside'],
      ['sub', 'irregular'],
      ['', 'irregular'],
      ['pipe', 'irregular'],
    ];
    for (const [location, expected] of cases) {
      it(`${JSON.stringify(location)} is ${expected}`, async () => {
        assert.equal(await tryOpen(location), expected);
      });
    }

    it('works when the folder itself is reached through a link', async () => {
      symlinkSync('model', at('alias'));
      const file = await host.openBeside(at('alias'), 'w.bin');
      assert.ok(typeof file !== 'string');
      await file.close();
    });
  });

  describe('writing', () => {
    const bytes = (text: string) => new TextEncoder().encode(text);

    it('shows the file only when it is complete', async () => {
      const writer = await host.create(at('out.onnx'));
      await writer.write(bytes('hello '));
      await writer.write(bytes('world'));
      assert.equal(existsSync(at('out.onnx')), false);
      await writer.finish();
      assert.equal(readFileSync(writer.temporaryPath, 'utf8'), 'hello world');
      assert.match(path.basename(writer.temporaryPath), /^\.out\.onnx\.green-ai-[0-9a-f]+\.tmp$/);
      await writer.commit({ replace: false });
      assert.deepEqual(names(), ['out.onnx']);
      assert.equal(readFileSync(at('out.onnx'), 'utf8'), 'hello world');
      assert.equal(statSync(at('out.onnx')).nlink, 1);
    });

    it('never overwrites without being told', async () => {
      folder.write('out.onnx', 'mine');
      const writer = await host.create(at('out.onnx'));
      await writer.write(bytes('theirs'));
      await assert.rejects(writer.commit({ replace: false }), { code: 'EEXIST' });
      assert.equal(readFileSync(at('out.onnx'), 'utf8'), 'mine');
      assert.deepEqual(names(), ['out.onnx']);
    });

    it('lets exactly one of many win', async () => {
      const writers = await Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          const writer = await host.create(at('out.onnx'));
          await writer.write(bytes(`writer ${index}`));
          return writer;
        }),
      );
      const results = await Promise.allSettled(
        writers.map((writer) => writer.commit({ replace: false })),
      );
      const winners = results.flatMap(({ status }, index) =>
        status === 'fulfilled' ? [index] : [],
      );
      assert.equal(winners.length, 1);
      assert.equal(readFileSync(at('out.onnx'), 'utf8'), `writer ${winners[0] ?? ''}`);
      assert.deepEqual(names(), ['out.onnx']);
    });

    it('replaces when told, leaving other names of the old file alone', async () => {
      folder.write('out.onnx', 'old');
      linkSync(at('out.onnx'), at('backup'));
      const writer = await host.create(at('out.onnx'));
      await writer.write(bytes('new'));
      await writer.commit({ replace: true });
      assert.equal(readFileSync(at('out.onnx'), 'utf8'), 'new');
      assert.equal(readFileSync(at('backup'), 'utf8'), 'old');
    });

    it('leaves nothing after discard, twice or after a failed commit', async () => {
      const writer = await host.create(at('out.onnx'));
      await writer.write(bytes('x'));
      await writer.discard();
      await writer.discard();
      assert.deepEqual(names(), []);
      mkdirSync(at('taken'));
      const onFolder = await host.create(at('taken'));
      await assert.rejects(onFolder.commit({ replace: true }));
      await onFolder.discard();
      assert.deepEqual(names(), ['taken']);
    });

    it('takes names of the greatest length', async () => {
      const name = `${'é'.repeat(120)}.onnx`;
      const writer = await host.create(at(name));
      await writer.commit({ replace: false });
      assert.deepEqual(names(), [name]);
    });

    for (const ending of ['process.exit(3)', "process.kill(process.pid, 'SIGINT')", 'throw 0']) {
      it(`leaves nothing when the process ends by ${ending}`, function () {
        if (isWindows && ending.includes('SIGINT')) this.skip();
        const module = JSON.stringify(path.join(projectRoot, 'server/src/host-node.ts'));
        const script = folder.write(
          'ends.cts',
          `const { createNodeHost } = require(${module});
           createNodeHost().create(${JSON.stringify(at('out.onnx'))}).then(async (writer) => {
             await writer.write(new Uint8Array(10));
             setTimeout(() => process.exit(9), 5000);
             setImmediate(() => { ${ending} });
           });`,
        );
        const tsx = require.resolve('tsx');
        const ended = spawnSync(process.execPath, ['--import', `file://${tsx}`, script], {
          cwd: projectRoot,
        });
        assert.notEqual(ended.status, 9);
        assert.deepEqual(names(), ['ends.cts'], ended.stderr.toString());
      });
    }
  });
});
