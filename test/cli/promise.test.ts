import assert from 'node:assert/strict';
import { greenAiJson, useTempFolder } from '../support/cli';

/** Shares of a model's energy: what a finding says, and what the estimate says of the file that was written. */
const tolerance = 0.02;

describe('what float-weights promises', () => {
  const folder = useTempFolder();

  for (const name of ['tabular-mlp', 'digits-transformer', 'digits-transformer-dynamo']) {
    it(`is what int8-dynamic brings: ${name}`, async () => {
      const model = folder.example(`${name}/${name}.onnx`);
      const lint = await greenAiJson(['lint', model, '--fail-on', 'never']);
      const finding = lint
        .at('files', 0, 'findings')
        .items()
        .find((one) => one.at('ruleId').text() === 'float-weights');
      assert.ok(finding);
      const promised = finding.at('saving', 'energyJoules', 'mid').number();
      const result = await greenAiJson([
        ...['optimize', model, '--recipe', 'int8-dynamic', '--verify', 'none'],
      ]);
      const energy = (when: string) => result.at('energyJoules', when, 'mid').number();
      const brought = energy('before') - energy('after');
      assert.ok(brought > 0);
      assert.ok(
        Math.abs(promised - brought) <= tolerance * energy('before'),
        `${promised} J promised, ${brought} J brought`,
      );
    });
  }
});
