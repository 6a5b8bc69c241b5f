import type { CodeLens, Command } from 'vscode-languageserver';
import type { Device } from '../../core/cost/devices';
import { formatJoules } from '../../core/format';
import { recipes } from '../../core/transform/recipes';
import { editorCommands } from '../../protocol';
import { optimizeCommand } from '../commands';
import type { ReadableModel } from '../models';

/** The row above the text: what a run costs on the device, and what to do about it. */
export function textLenses(view: ReadableModel, hasEditorCommands: boolean): CodeLens[] {
  const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
  const commands = hasEditorCommands ? editorLenses(view) : plainLenses(view);
  return commands.map((command) => ({ range, command }));
}

function energyTitle(view: ReadableModel): string {
  const { device } = view.settings.settings;
  const { energyJoules } = view.analysis.estimateOn(device);
  return `${energyJoules ? '≈ ' : 'energy '}${formatJoules(energyJoules)} a run on ${shortDeviceName(device)}`;
}

/** `Laptop CPU` of `Laptop CPU (4 cores, AVX2 + VNNI, 28 W; composite)`. */
function shortDeviceName({ name }: Device): string {
  return name.split(' (')[0] ?? name;
}

function editorLenses(view: ReadableModel): Command[] {
  return [
    { title: energyTitle(view), command: editorCommands.chooseDevice },
    { title: 'Compare devices', command: editorCommands.compareDevices, arguments: [view.uri] },
    { title: 'Quantise…', command: editorCommands.quantize, arguments: [view.uri] },
    { title: 'Report', command: editorCommands.openReport, arguments: [view.uri] },
  ];
}

function plainLenses(view: ReadableModel): Command[] {
  return [
    { title: energyTitle(view), command: '' },
    ...recipes.map(({ name, title }) => ({
      title,
      command: optimizeCommand,
      arguments: [view.uri, name],
    })),
  ];
}
