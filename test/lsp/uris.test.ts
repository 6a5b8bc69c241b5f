import assert from 'node:assert/strict';
import fc from 'fast-check';
import { URI } from 'vscode-uri';
import {
  fileNameOf,
  isBelow,
  kindOf,
  normalized,
  pathOf,
  textAddressOf,
  textUriOf,
  uriOf,
} from '../../server/src/lsp/uris';

describe('lsp: uris', () => {
  it('shows a model under the text scheme, the folder kept and the extension appended', () => {
    const text = URI.parse(textUriOf('file:///models/a%20b/model.onnx'));
    assert.equal(text.scheme, 'green-ai-onnx');
    assert.equal(text.path, '/models/a b/model.onnx.onnxtxt');
    assert.equal(text.query, '');
  });

  it('keeps scheme, authority and part in the query', () => {
    const model = 'vscode-vfs://github/owner/repo/model.onnx';
    const text = textUriOf(model, 2);
    assert.deepEqual(textAddressOf(text), { modelUri: model, part: 2 });
    assert.equal(URI.parse(text).fragment, '');
  });

  it('leads back to every model, whatever its name', () => {
    const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(names, fc.nat({ max: 1000 }), (name, part) => {
        const model = normalized(URI.file(`/folder/${name.replaceAll('/', '_')}.onnx`).toString());
        const text = textUriOf(model, part);
        assert.equal(kindOf(text), 'text');
        assert.deepEqual(textAddressOf(text), { modelUri: model, part });
        assert.deepEqual(textAddressOf(normalized(text)), { modelUri: model, part });
      }),
    );
  });

  it('refuses what is none of its own', () => {
    for (const uri of [
      'file:///model.onnx',
      'green-ai-onnx:/model.onnx',
      'green-ai-onnx:/model.onnx.onnxtxt?part=0',
      'green-ai-onnx:/model.onnx.onnxtxt?part=1e9',
      'green-ai-onnx:/model.onnx.onnxtxt?part=x',
      'nonsense',
    ]) {
      assert.equal(textAddressOf(uri), null, uri);
    }
  });

  it('tells documents apart by name', () => {
    assert.equal(kindOf('file:///a/Model.ONNX'), 'model');
    assert.equal(kindOf('file:///a/config.json'), 'config');
    assert.equal(kindOf('file:///a/green-ai.json'), 'settings');
    assert.equal(kindOf('file:///a/tsconfig.json'), 'other');
    assert.equal(fileNameOf('file:///a/b%23c.onnx'), 'b#c.onnx');
  });

  it('reads paths of disks only, and folders by whole names', () => {
    assert.equal(pathOf('vscode-vfs://github/a.onnx'), null);
    assert.equal(pathOf(uriOf('/a/b.onnx')), '/a/b.onnx');
    assert.ok(isBelow('file:///a/b/c.onnx', 'file:///a/b'));
    assert.ok(!isBelow('file:///a/bc.onnx', 'file:///a/b'));
  });
});
