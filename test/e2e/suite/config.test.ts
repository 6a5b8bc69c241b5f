import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import {
  eventually,
  fileUri,
  findingOf,
  findingsOf,
  quickFixes,
  replaceText,
  revertAndClose,
  show,
} from './support';

const config = 'hf/decoder-1b-float32/config.json';

describe('config.json', () => {
  afterEach(revertAndClose);

  it('shows a finding at the exact setting, and follows the typing', async () => {
    const editor = await show(fileUri(config));
    const { document } = editor;
    const finding = await findingOf(document.uri, 'float32-dtype');
    assert.match(document.getText(finding.range), /^"(torch_dtype|float32)"/u);

    await replaceText(editor, '"float32"', '"bfloat16"');
    await eventually('no finding', () => findingsOf(document.uri, 'float32-dtype').length === 0);

    await replaceText(editor, '"bfloat16"', '"float32"');
    await findingOf(document.uri, 'float32-dtype');
  });

  it('offers the fix, which solves it', async () => {
    const { document } = await show(fileUri(config));
    const finding = await findingOf(document.uri, 'float32-dtype');
    const fixes = await quickFixes(document.uri, finding.range);
    const fix = fixes.find(({ title }) => title.includes('bfloat16'));
    assert.ok(fix?.edit, `among ${fixes.map(({ title }) => title).join(' | ')}`);
    assert.ok(await vscode.workspace.applyEdit(fix.edit));
    assert.match(document.getText(), /"torch_dtype": "bfloat16"/u);
    await eventually('no finding', () => findingsOf(document.uri, 'float32-dtype').length === 0);
  });

  it('is left alone by fix-all, which takes safe fixes only', async () => {
    const { document } = await show(fileUri(config));
    await findingOf(document.uri, 'float32-dtype');
    const before = document.getText();
    await vscode.commands.executeCommand('editor.action.fixAll');
    assert.equal(document.getText(), before);
  });

  it('survives text that is no JSON', async () => {
    const editor = await show(fileUri(config));
    await findingOf(editor.document.uri, 'float32-dtype');
    await replaceText(editor, '"use_cache": true,', '"use_cache": tr');
    await replaceText(editor, '"use_cache": tr', '"use_cache": true,');
    await findingOf(editor.document.uri, 'float32-dtype');
  });
});

describe('green-ai.json', () => {
  afterEach(revertAndClose);

  it('switches a rule off while it is typed', async () => {
    const target = fileUri(config);
    await findingOf(target, 'float32-dtype');
    const editor = await show(fileUri('green-ai.json'));
    await replaceText(editor, '"rules": {}', '"rules": { "float32-dtype": "off" }');
    await eventually('no finding', () => findingsOf(target, 'float32-dtype').length === 0);
    await replaceText(editor, '{ "float32-dtype": "off" }', '{}');
    await findingOf(target, 'float32-dtype');
  });

  it('says which name is no rule', async () => {
    const editor = await show(fileUri('green-ai.json'));
    await replaceText(editor, '"rules": {}', '"rules": { "float32-dtyp": "off" }');
    const { uri } = editor.document;
    const finding = await eventually('a finding', () =>
      findingsOf(uri).find(({ message }) => message.includes('float32-dtyp')),
    );
    assert.match(editor.document.getText(finding.range), /float32-dtyp/u);
  });

  it('is written by "disable this rule in this project"', async () => {
    const { document } = await show(fileUri('hf/decoder-2b-int8/config.json'));
    const finding = await findingOf(document.uri, 'int8-bitsandbytes-costs-energy');
    const fixes = await quickFixes(document.uri, finding.range);
    const disable = fixes.find(({ title }) => /disable.*project/iu.test(title));
    assert.ok(disable?.edit, `among ${fixes.map(({ title }) => title).join(' | ')}`);
    assert.ok(await vscode.workspace.applyEdit(disable.edit));
    const settings = await vscode.workspace.openTextDocument(fileUri('green-ai.json'));
    assert.match(settings.getText(), /"int8-bitsandbytes-costs-energy": "off"/u);
    await eventually(
      'no finding',
      () => findingsOf(document.uri, 'int8-bitsandbytes-costs-energy').length === 0,
    );
    await vscode.window.showTextDocument(settings);
  });
});
