import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { dataTypes } from '../../../server/src/core/dtype';
import { attributeKindFromWord, textTypeName } from '../../../server/src/core/onnx/text-syntax';

const root = path.join(import.meta.dirname, '../../..');

interface Pattern {
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly include?: string;
  readonly patterns?: readonly Pattern[];
}

interface Grammar extends Pattern {
  readonly repository: Readonly<Record<string, Pattern>>;
}

describe('grammar of the ONNX textual syntax', () => {
  const text = readFileSync(path.join(root, 'syntaxes/onnx-text.tmLanguage.json'), 'utf8');
  const grammar = JSON.parse(text) as Grammar;
  const { repository } = grammar;

  it('knows every element type, and takes none for another that begins alike', () => {
    const [, alone] = repository['type']?.patterns ?? [];
    const pattern = new RegExp(alone?.match ?? '');
    for (const { name } of dataTypes) {
      const word = textTypeName(name);
      assert.equal(pattern.exec(`  ${word} x`)?.[0], word);
    }
    assert.equal(pattern.exec('floating x'), null);
  });

  it('knows the words of attribute types that the parser knows', () => {
    const { match = '' } = repository['attribute'] ?? {};
    const [, words = ''] = /\((float\|[^)]*)\)/.exec(match) ?? [];
    for (const word of [...words.split('|'), 'graph', 'graphs', 'string', 'strings']) {
      assert.ok(attributeKindFromWord(word), word);
    }
    assert.equal(words.split('|').length, 10);
  });

  it('takes the operator after "=", and neither a type nor a graph', () => {
    const pattern = new RegExp(repository['operator']?.match ?? '');
    const operatorOf = (line: string) => pattern.exec(line)?.slice(1, 3).join('');
    assert.equal(
      operatorOf('  ["n"] y = com.microsoft.MatMulNBits <K: int = 4> (x)'),
      'com.microsoft.MatMulNBits',
    );
    assert.equal(operatorOf('  y = Relu (x)'), 'Relu');
    assert.equal(operatorOf('  t: type_proto = seq(float[2])'), undefined);
    assert.equal(operatorOf('  float[2] w = {1, 2}'), undefined);
  });

  it('includes only what is in the repository', () => {
    const visit = ({ include, patterns = [] }: Pattern): void => {
      if (include !== undefined) assert.ok(repository[include.slice(1)], include);
      patterns.forEach(visit);
    };
    [grammar, ...Object.values(repository)].forEach(visit);
  });

  it('tells the elements of a tensor from a list of nodes', () => {
    const pattern = new RegExp(repository['data']?.begin ?? '');
    assert.ok(pattern.test('  float[2] w = {1, 2},'));
    assert.ok(pattern.test('  float[0] w = {}'));
    assert.ok(!pattern.test('{'));
    assert.ok(!pattern.test('main_graph (float x) => (float y) {'));
  });
});
