import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { textLanguageId } from '../../../server/src/protocol';
import {
  eventually,
  fileUri,
  findingOf,
  findingsOf,
  quickFixes,
  ruleId,
  show,
  textUri,
} from './support';

const model = 'digits-transformer/digits-transformer.onnx';
const leftovers = 'digits-cnn-leftovers/digits-cnn-leftovers.onnx';

describe('models nobody opened', () => {
  it('have one summary, which links to the text, and findings on the text', async () => {
    const summary = await eventually('a summary', () => findingsOf(fileUri(model))[0]);
    assert.equal(findingsOf(fileUri(model)).length, 1);
    assert.equal(summary.severity, vscode.DiagnosticSeverity.Information);
    assert.ok(typeof summary.code === 'object');
    assert.equal(summary.code.target.scheme, 'command');
    await findingOf(textUri(model), 'float-weights');
  });

  it('are those of the whole workspace', async () => {
    const models = await vscode.workspace.findFiles('**/*.onnx');
    assert.ok(models.length >= 6);
    for (const { path } of models) {
      await eventually(`a row for ${path}`, () =>
        vscode.languages
          .getDiagnostics()
          .some(([uri, all]) => uri.path === `${path}.onnxtxt` && all.length > 0),
      );
    }
  });
});

describe('a model as text', () => {
  let document: vscode.TextDocument;

  before(async () => {
    ({ document } = await show(textUri(leftovers)));
  });

  it('is in the official syntax, under its language', () => {
    assert.equal(document.languageId, textLanguageId);
    assert.match(document.getText(), /ir_version: \d+/u);
    assert.match(document.getText(), /= Conv ?</u);
  });

  it('is read-only', async () => {
    const { fs } = vscode.workspace;
    await assert.rejects(Promise.resolve(fs.writeFile(document.uri, new Uint8Array([35]))));
  });

  it('has findings at the lines of their nodes', async () => {
    const finding = await findingOf(document.uri, 'oversized-layer');
    assert.equal(document.getText(finding.range), 'Conv');
    const name = /^(\S+?)…/u.exec(finding.message)?.[1] ?? '';
    assert.ok(document.lineAt(finding.range.start).text.includes(name), finding.message);
  });

  it('offers the fix of a finding as a command that writes a file', async () => {
    const finding = await findingOf(document.uri, 'redundant-nodes');
    const fixes = await quickFixes(document.uri, finding.range);
    const fix = fixes.find(({ command }) => command?.command === 'greenAi.optimize');
    assert.ok(fix, `among ${fixes.map(({ title }) => title).join(' | ')}`);
    assert.equal(fix.edit, undefined);
  });

  it('opens at a line, also when its tab is open already', async () => {
    for (const line of [7, 3]) {
      await vscode.commands.executeCommand('greenAi.openText', fileUri(leftovers), line);
      const editor = await eventually(`the cursor on line ${line}`, () => {
        const { activeTextEditor: active } = vscode.window;
        return active?.selection.active.line === line ? active : null;
      });
      assert.equal(editor.document.uri.toString(), document.uri.toString());
    }
  });

  it('explains an operator, folds, and lists its nodes', async () => {
    const { range } = await findingOf(document.uri, 'oversized-layer');
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      range.start,
    );
    const texts = hovers.flatMap(({ contents }) => contents);
    assert.ok(
      texts.some((one) => one instanceof vscode.MarkdownString && one.value.includes('MACs')),
    );
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      'vscode.executeDocumentSymbolProvider',
      document.uri,
    );
    assert.ok(symbols.length > 0);
    const folds = await vscode.commands.executeCommand<vscode.FoldingRange[]>(
      'vscode.executeFoldingRangeProvider',
      document.uri,
    );
    assert.ok(folds.length > 0);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      document.uri,
      10,
    );
    assert.ok(lenses.some(({ command }) => (command?.title ?? '').includes('J')));
  });

  it('leaves its rows as they were when it is closed', async () => {
    const rows = () =>
      findingsOf(document.uri)
        .map((one) => `${ruleId(one)}:${one.range.start.line}`)
        .sort()
        .join(' ');
    const before = rows();
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await eventually('the same rows', () => rows() === before);
  });
});

describe('a file that is no model', () => {
  const broken = fileUri('broken/not-a-model.onnx');

  before(async () => {
    await vscode.workspace.fs.writeFile(broken, new TextEncoder().encode('this is no model'));
  });

  it('says so in its row and in its text', async () => {
    const row = await eventually('a row', () => findingsOf(broken)[0]);
    assert.match(row.message, /model|ONNX|protobuf/iu);
    const text = await vscode.workspace.openTextDocument(textUri('broken/not-a-model.onnx'));
    assert.match(text.getText(), /^# not-a-model\.onnx cannot be shown/u);
  });

  it('leaves no row behind when it is deleted', async () => {
    await vscode.workspace.fs.delete(broken);
    await eventually('no row', () => findingsOf(broken).length === 0);
  });
});
