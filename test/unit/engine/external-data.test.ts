import assert from 'node:assert/strict';
import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { openModel } from '../../../server/src/engine';
import { maxExternalFiles } from '../../../server/src/external-data';
import type { Host } from '../../../server/src/host';
import { createNodeHost } from '../../../server/src/host-node';
import { modelBytes, recordingHost, useTempFolder } from '../../support/cli';

/** y = x + w for each location, w of 4 floats at the offset. */
function textOf(locations: readonly string[], extra = '"offset": "0", "length": "16"'): string {
  const tensors = locations.map(
    (location, index) => `float[4] w${index} = ["location": "${location}", ${extra}]`,
  );
  const nodes = locations.map(
    (_, index) => `h${index + 1} = Add (${index === 0 ? 'x' : `h${index}`}, w${index})`,
  );
  return `g (float[4] x) => (float[4] h${locations.length}) <${tensors.join(', ')}> { ${nodes.join(' ')} }`;
}

/** The text form refuses locations that lead outside: they go into the finished bytes. */
function bytesOf(location: string, range: string): Uint8Array {
  const standIn = 'x'.repeat(location.length);
  const bytes = Buffer.from(modelBytes(textOf([standIn], range)));
  bytes.write(location, bytes.indexOf(standIn), 'latin1');
  return bytes;
}

const four = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

describe('engine: external data', () => {
  const folder = useTempFolder();
  const host = createNodeHost(() => undefined);

  interface Opened {
    readonly codes: readonly string[];
    readonly locations: readonly string[];
    readonly externalBytes: number;
    readonly first: readonly number[] | null;
  }

  /** Opens a model, reads its first initializer and gives what was found. */
  async function open(file: string, by: Host = host): Promise<Opened> {
    const opened = await openModel(by, file);
    assert.ok(opened.kind === 'model', opened.kind);
    const { model } = opened;
    try {
      const [tensor] = model.analysis.model.graph.initializers;
      const bytes = tensor ? await model.readTensor(tensor) : null;
      return {
        codes: model.analysis.problems.map(({ code }) => code),
        locations: model.externalLocations,
        externalBytes: model.externalBytes,
        first: bytes && Array.from(new Float32Array(bytes.slice().buffer)),
      };
    } finally {
      await model.close();
    }
  }

  it('is read beside the model and below its folder', async () => {
    for (const name of ['w.bin', 'sub/w.bin', './w.bin', 'sub/./w.bin', 'ü w.bin']) {
      folder.write(path.posix.normalize(name), four);
      const { codes, locations, externalBytes, first } = await open(
        folder.model('m.onnx', textOf([name])),
      );
      assert.deepEqual(codes, []);
      assert.deepEqual(locations, [name]);
      assert.equal(externalBytes, 16);
      assert.deepEqual(first, [1, 2, 3, 4]);
    }
  });

  const broken: readonly (readonly [string, string, string, string])[] = [
    // what, location, range, code
    ['is missing', 'none.bin', '"offset": "0", "length": "16"', 'external-data-missing'],
    ['is a folder', 'folder', '"offset": "0", "length": "16"', 'external-data-missing'],
    ['is the model itself', 'm.onnx', '"offset": "0", "length": "16"', 'external-data-is-model'],
    [
      'is the model spelled otherwise',
      'folder/../m.onnx',
      '"offset": "0"',
      'external-data-outside-folder',
    ],
    ['is a link to the model', 'alias', '"offset": "0", "length": "16"', 'external-data-is-model'],
    ['leads out through ..', '../w.bin', '"offset": "0"', 'external-data-outside-folder'],
    ['leads out through a link', 'out', '"offset": "0"', 'external-data-outside-folder'],
    [
      'leads out through a linked folder',
      'up/w.bin',
      '"offset": "0"',
      'external-data-outside-folder',
    ],
    ['is an absolute path', '/etc/hostname', '"offset": "0"', 'external-data-outside-folder'],
    [
      'is shorter than the range',
      'w.bin',
      '"offset": "4", "length": "16"',
      'external-data-too-short',
    ],
    [
      'is shorter than the dims, no length given',
      'w.bin',
      '"offset": "4"',
      'external-data-too-short',
    ],
    [
      'starts behind its end',
      'w.bin',
      '"offset": "999", "length": "16"',
      'external-data-too-short',
    ],
  ];
  for (const [what, location, range, code] of broken) {
    it(`that ${what} is a problem, and the weights are not had`, async () => {
      mkdirSync(folder.at('model/folder'), { recursive: true });
      folder.write('w.bin', four);
      folder.write('model/w.bin', four);
      symlinkSync(folder.at('w.bin'), folder.at('model/out'));
      symlinkSync(folder.path, folder.at('model/up'));
      const file = folder.write('model/m.onnx', bytesOf(location, range));
      symlinkSync(file, folder.at('model/alias'));
      const recording = recordingHost();
      const { codes, first } = await open(file, recording);
      assert.deepEqual(codes, [code]);
      assert.equal(first, null);
      const outside = recording.opened.filter((one) => !one.startsWith(folder.at('model')));
      assert.deepEqual(outside, []);
    });
  }

  it('that the system does not let us read is a problem', async () => {
    const file = folder.model('m.onnx', textOf(['w.bin']));
    folder.write('w.bin', four);
    const denied: Host = {
      ...host,
      openBeside: (base, location) =>
        location === 'w.bin'
          ? Promise.reject(Object.assign(new Error('denied'), { code: 'EACCES' }))
          : host.openBeside(base, location),
    };
    const { codes, first } = await open(file, denied);
    assert.deepEqual(codes, ['external-data-unreadable']);
    assert.equal(first, null);
  });

  it('keeps no file open and each one looked at once', async () => {
    folder.write('a.bin', four);
    folder.write('b.bin', four);
    let isOpen = 0;
    let most = 0;
    const counting: Host = {
      ...host,
      openBeside: async (base, location) => {
        const found = await host.openBeside(base, location);
        if (typeof found === 'string') return found;
        most = Math.max(most, ++isOpen);
        return {
          ...found,
          close: () => {
            isOpen--;
            return found.close();
          },
        };
      },
    };
    const locations = ['a.bin', 'b.bin', 'a.bin', 'b.bin', 'a.bin'];
    const {
      codes,
      externalBytes,
      locations: found,
    } = await open(folder.model('m.onnx', textOf(locations)), counting);
    assert.deepEqual(codes, []);
    assert.deepEqual(found, ['a.bin', 'b.bin']);
    assert.equal(externalBytes, 5 * 16);
    assert.equal(isOpen, 0);
    assert.equal(most, 1);
  });

  it('of more files than any exporter writes is cut off, with one problem', async () => {
    const names = Array.from({ length: maxExternalFiles + 5 }, (_, index) => `w${index}.bin`);
    const looked = new Set<string>();
    const counting: Host = {
      ...host,
      openBeside: (base, location) => {
        looked.add(location);
        return host.openBeside(base, location);
      },
    };
    const { codes } = await open(folder.model('m.onnx', textOf(names)), counting);
    assert.equal(codes.filter((code) => code === 'external-data-too-many-files').length, 1);
    // The model itself is looked for, too.
    assert.equal(looked.size, maxExternalFiles + 1);
  });

  it('hard-linked to the model is data like any other: nothing outside is read', async () => {
    const file = folder.model('m.onnx', textOf(['twin']));
    linkSync(file, folder.at('twin'));
    const { codes } = await open(file);
    assert.deepEqual(codes, []);
  });

  it('in bodies and attributes is checked as well', async () => {
    const file = folder.model(
      'm.onnx',
      `g (bool c, float[4] x) => (float[4] y) {
  y = If (c) <then_branch = t () => (float[4] a) {
    k = Constant <value = float[4] = ["location": "none.bin"]> ()
    a = Add (x, k)
  }, else_branch = e () => (float[4] b) <float[4] w = ["location": "gone.bin"]> { b = Add (x, w) }>
}`,
    );
    const { codes } = await open(file);
    assert.deepEqual(codes, ['external-data-missing', 'external-data-missing']);
  });
});

describe('engine: opening', () => {
  const folder = useTempFolder();

  it('closes the file when reading it fails', async () => {
    const host = createNodeHost(() => undefined);
    let isOpen = 0;
    const failing: Host = {
      ...host,
      open: async (file) => {
        const opened = await host.open(file);
        if (!opened) return null;
        isOpen++;
        return {
          ...opened,
          read: () => Promise.reject(Object.assign(new Error('bad sector'), { code: 'EIO' })),
          close: () => {
            isOpen--;
            return opened.close();
          },
        };
      },
    };
    const opened = await openModel(failing, folder.model('m.onnx', textOf(['w.bin'])));
    assert.deepEqual(opened, { kind: 'unreadable', reason: 'the disk answers with an error' });
    assert.equal(isOpen, 0);
    const bug = { ...host, open: () => Promise.reject(new TypeError('a bug')) };
    await assert.rejects(openModel(bug, 'm.onnx'), /a bug/u);
  });
});
