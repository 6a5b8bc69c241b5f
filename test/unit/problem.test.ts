import assert from 'node:assert/strict';
import { report } from '../../server/src/core/onnx/validate-report';
import { createProblemSink } from '../../server/src/core/problem';

describe('problems', () => {
  it('twenty of a code are kept, and no message is made for more', () => {
    const sink = createProblemSink();
    let made = 0;
    for (let index = 0; index < 1000; index++) {
      report(sink, { code: 'empty-name', severity: 'error', where: 'main', name: 'x' }, (name) => {
        made++;
        return `"${name}" is wrong.`;
      });
    }
    assert.equal(sink.problems.length, 20);
    assert.equal(sink.takes('empty-name'), false);
    assert.ok(sink.takes('long-name'));
    // To shorten a name that does not fit may take a second try.
    assert.ok(made <= 40, `${made} messages`);
  });
});
