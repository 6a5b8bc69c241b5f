import assert from 'node:assert/strict';
import path from 'node:path';
import { createNodeHost } from '../../../server/src/host-node';
import { openModel } from '../../../server/src/engine';
import type { Problem } from '../../../server/src/core/problem';
import { corpus, corpusModels, hasCorpus } from '../../support/corpus';

const host = createNodeHost();

async function problemsOf(file: string): Promise<readonly Problem[]> {
  const opened = await openModel(host, file);
  switch (opened.kind) {
    case 'model':
      await opened.model.close();
      return opened.model.analysis.problems;
    case 'broken':
      return opened.problems;
    case 'unreadable':
      return assert.fail(`${file}: ${opened.reason}`);
  }
}

/**
 * Files of the healthy folders with an error of ours, and why it is one. All were looked at; what ONNX Runtime or
 * the ONNX checker says of them agrees.
 */
const knownErrors: ReadonlyMap<string, string> = new Map([
  // An If without condition and outputs: both refuse it.
  ['icm-31000000518483.onnx', 'missing-input'],
  // Its data file is absent on purpose.
  ['model_with_external_initializer_come_from_user.onnx', 'external-data-missing'],
  // Made for a graph optimiser, never to be run: their shapes do not fit.
  ['embed_layer_norm_format4.onnx', 'shape-mismatch'],
  ['reshape_fusion_concat_subgraph_mul.onnx', 'shape-mismatch'],
  ['reshape_fusion_multiple_values_in_initializer_tensor_1.onnx', 'shape-mismatch'],
]);

describe('problems of the corpus', () => {
  before(function () {
    if (hasCorpus()) return;
    console.log('    skipped: there is no corpus here');
    this.skip();
  });

  it('every hostile file is answered with at least one', async () => {
    const files = corpusModels('onnx-invalid');
    assert.ok(files.length >= 70);
    for (const file of files) {
      // Valid, only large: what there is to say of it a rule says.
      if (path.basename(file) === 'wide.onnx') continue;
      assert.notEqual((await problemsOf(file)).length, 0, file);
    }
  });

  for (const folder of ['onnx/real', 'onnx/onnx-backend', 'onnx/external-data', 'onnx/fixtures']) {
    it(`healthy files have no errors: ${folder}`, async () => {
      const unexpected: string[] = [];
      for (const file of corpusModels(folder)) {
        for (const { code, severity, message } of await problemsOf(file)) {
          assert.ok(message.length <= 120, message);
          if (severity !== 'error' || knownErrors.has(path.basename(file))) continue;
          unexpected.push(`${path.relative(corpus, file)}: ${code}: ${message}`);
        }
      }
      assert.deepEqual(unexpected, []);
    });
  }

  it('the known exceptions are there, for their reasons', async () => {
    const files = corpusModels('onnx');
    for (const [name, code] of knownErrors) {
      const file = files.find((one) => path.basename(one) === name);
      assert.ok(file, name);
      const errors = (await problemsOf(file)).filter(({ severity }) => severity === 'error');
      assert.ok(
        errors.some((problem) => problem.code === code),
        name,
      );
    }
  });
});
