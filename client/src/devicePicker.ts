import {
  ConfigurationTarget,
  QuickPickItemKind,
  window,
  workspace,
  type QuickPickItem,
  type Uri,
} from 'vscode';
import { devicesRequest, modelStatusRequest, type DeviceChoice } from '../../server/src/protocol';
import type { Server } from './client';

interface DeviceItem extends QuickPickItem {
  /** Null on separators. */
  readonly id: string | null;
}

/** Asks for the device that everything is estimated for, and writes it into the settings. */
export async function chooseDevice(server: Server, resource: Uri | null): Promise<void> {
  const devices = await server.request(devicesRequest, null);
  const current = await currentDevice(server, resource);
  const picked = await window.showQuickPick(deviceItems(devices, current), {
    title: 'Device to estimate for',
    placeHolder: 'Name, class or id',
    matchOnDescription: true,
  });
  const id = picked?.id ?? null;
  if (id === null) return;
  await workspace
    .getConfiguration('greenAi', resource)
    .update('device', id, settingsTarget(resource));
}

/** Asks which devices to compare; the first list has the one in use checked. Null: dismissed. */
export async function pickDevices(
  server: Server,
  resource: Uri,
): Promise<readonly string[] | null> {
  const devices = await server.request(devicesRequest, null);
  const current = await currentDevice(server, resource);
  const picked = await window.showQuickPick(deviceItems(devices, current), {
    title: 'Devices to compare',
    placeHolder: 'Name, class or id',
    matchOnDescription: true,
    canPickMany: true,
  });
  const ids = picked?.flatMap(({ id }) => (id === null ? [] : [id])) ?? [];
  return ids.length === 0 ? null : ids;
}

async function currentDevice(server: Server, resource: Uri | null): Promise<string | null> {
  if (resource) {
    const status = await server.request(modelStatusRequest, { uri: resource.toString() });
    if (status) return status.device;
  }
  const setting = workspace.getConfiguration('greenAi', resource).get<string>('device');
  return setting === undefined || setting === '' ? null : setting;
}

/** Grouped by class, in the order of the device list. */
function deviceItems(devices: readonly DeviceChoice[], current: string | null): DeviceItem[] {
  const classes = new Map<string, DeviceItem[]>();
  for (const { id, name, class: group } of devices) {
    const items = classes.get(group) ?? [];
    classes.set(group, items);
    const isCurrent = id === current;
    items.push({
      id,
      label: name,
      description: isCurrent ? `${id} · in use` : id,
      picked: isCurrent,
    });
  }
  return [...classes].flatMap(([group, items]) => [
    { id: null, label: classNames.get(group) ?? group, kind: QuickPickItemKind.Separator },
    ...items,
  ]);
}

const classNames: ReadonlyMap<string, string> = new Map([
  ['mcu', 'Microcontrollers'],
  ['phone', 'Phones'],
  ['sbc', 'Single-board computers'],
  ['edge-accelerator', 'Edge accelerators'],
  ['laptop', 'Laptops'],
  ['desktop', 'Desktops'],
  ['server-cpu', 'Server processors'],
  ['gpu', 'Graphics processors'],
  ['tpu', 'Tensor processors'],
]);

/** The workspace's settings; the user's where there is no workspace or where nothing may be written into it. */
function settingsTarget(resource: Uri | null): ConfigurationTarget {
  const folders = workspace.workspaceFolders ?? [];
  if (folders.length === 0 || !workspace.isTrusted) return ConfigurationTarget.Global;
  if (folders.length > 1 && resource && workspace.getWorkspaceFolder(resource)) {
    return ConfigurationTarget.WorkspaceFolder;
  }
  return ConfigurationTarget.Workspace;
}
