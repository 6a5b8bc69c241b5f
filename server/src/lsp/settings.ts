import path from 'node:path';
import { readTextFile } from '../config-file';
import {
  parseSettings,
  resolveSettings,
  settingsFileName,
  type Settings,
  type SettingsFile,
} from '../core/settings';
import type { Host } from '../host';
import { createIgnoredBelow } from '../project-files';
import { readEditorSettings, type EditorSettings } from './settings-table';
import { isBelow, pathOf, uriOf } from './uris';

export { editorSettingTable, settingsSection } from './settings-table';

/** What holds for one file. */
export interface FileSettings {
  readonly settings: Settings;
  readonly editor: EditorSettings;
  /** Equal for equal settings: part of the version of what was made with them. */
  readonly key: string;
  /** The nearest `green-ai.json`. */
  readonly settingsPath: string | null;
  /** The workspace folder the file is in. */
  readonly folderUri: string | null;
  /** Left out by `ignore` globs, or linting is off. */
  readonly isIgnored: boolean;
}

export interface SettingsService {
  of(uri: string): Promise<FileSettings>;
  /** The editor's settings of a workspace folder, or the general ones. */
  editorOf(folderUri: string | null): Promise<EditorSettings>;
  folders(): readonly string[];
  setFolders(uris: readonly string[]): void;
  /** Everything is asked for and read again. */
  forget(): void;
}

export interface SettingsSources {
  readonly host: Host;
  /** The section `greenAi` as the client gives it for this scope. */
  readonly fetch: (scopeUri: string | null) => Promise<unknown>;
  /** The text of an open document, which counts more than the file. */
  readonly openText: (uri: string) => string | null;
}

interface FoundFile {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly file: SettingsFile;
}

interface Merged {
  readonly settings: Settings;
  readonly key: string;
  readonly leavesOut: (file: string) => boolean;
}

/** Defaults ← `green-ai.json` ← the editor's settings; the last two the other way round when the editor says so. */
export function createSettingsService(sources: SettingsSources): SettingsService {
  let folders: readonly string[] = [];
  const editors = new Map<string | null, Promise<EditorSettings>>();
  const nearest = new Map<string, Promise<FoundFile | null>>();
  const merged = new Map<EditorSettings, Map<FoundFile | null, Merged>>();

  const editorOf = (folderUri: string | null): Promise<EditorSettings> => {
    const known = editors.get(folderUri);
    if (known) return known;
    const asked = sources.fetch(folderUri).then(readEditorSettings);
    editors.set(folderUri, asked);
    return asked;
  };
  const findFrom = (folder: string): Promise<FoundFile | null> => {
    const known = nearest.get(folder);
    if (known) return known;
    const found = readFile(sources, folder).then((file) => {
      const parent = path.dirname(folder);
      return file ?? (parent === folder ? null : findFrom(parent));
    });
    nearest.set(folder, found);
    return found;
  };
  /** The editor's settings are an object of their own for each folder. */
  const mergedOf = (
    editor: EditorSettings,
    found: FoundFile | null,
    folderUri: string | null,
  ): Merged => {
    const ofEditor = merged.get(editor) ?? new Map<FoundFile | null, Merged>();
    merged.set(editor, ofEditor);
    const made = ofEditor.get(found) ?? merge(editor, found, folderUri);
    ofEditor.set(found, made);
    return made;
  };
  return {
    editorOf,
    folders: () => folders,
    setFolders: (uris) => {
      folders = uris;
    },
    forget: () => {
      editors.clear();
      nearest.clear();
      merged.clear();
    },
    of: async (uri) => {
      const folderUri = folderOf(uri, folders);
      const file = pathOf(uri);
      const [editor, found] = await Promise.all([
        editorOf(folderUri),
        file === null ? null : findFrom(path.dirname(file)),
      ]);
      const { settings, key, leavesOut } = mergedOf(editor, found, folderUri);
      return {
        settings,
        key,
        editor,
        settingsPath: found?.path ?? null,
        folderUri,
        isIgnored: !editor.isEnabled || (file !== null && leavesOut(file)),
      };
    },
  };
}

/** The innermost of nested workspace folders. */
function folderOf(uri: string, folders: readonly string[]): string | null {
  const around = folders.filter((folder) => isBelow(uri, folder));
  return around.reduce<string | null>(
    (best, folder) => (best === null || folder.length > best.length ? folder : best),
    null,
  );
}

async function readFile(sources: SettingsSources, folder: string): Promise<FoundFile | null> {
  const file = path.join(folder, settingsFileName);
  const open = sources.openText(uriOf(file));
  const text = open ?? (await readIfThere(sources.host, file));
  return text === null ? null : { path: file, folder, text, file: parseSettings(text).settings };
}

/** A settings file that cannot be read has its own finding; for others it is as if it were not there. */
async function readIfThere(host: Host, file: string): Promise<string | null> {
  const text = await readTextFile(host, file);
  return typeof text === 'string' ? text : null;
}

/** Globs of the editor start at the workspace folder, those of a file at its own. */
function merge(editor: EditorSettings, found: FoundFile | null, folderUri: string | null): Merged {
  const given = parseSettings(JSON.stringify(editor.shared)).settings;
  const inOrder =
    editor.preference === 'editorFirst' ? overlay(given, found?.file) : overlay(found?.file, given);
  const { settings } = resolveSettings(inOrder);
  const rules = Array.from(settings.rules, ([id, { level, options }]) => [id, level, ...options]);
  const ignoredByFile = createIgnoredBelow(found?.folder ?? '', found?.file.ignore ?? []);
  const folder = folderUri === null ? null : pathOf(folderUri);
  const ignoredByEditor = createIgnoredBelow(folder ?? '', folder === null ? [] : given.ignore);
  return {
    settings,
    key: JSON.stringify([
      settings.device.id,
      settings.region,
      rules,
      { ...editor, shared: null },
      found?.path,
    ]),
    leavesOut: (file) => ignoredByFile(file) || ignoredByEditor(file),
  };
}

/** `first` counts where it says something. */
function overlay(
  first: SettingsFile | undefined,
  second: SettingsFile | undefined,
): SettingsFile | null {
  if (!first || !second) return first ?? second ?? null;
  return {
    deviceId: first.deviceId ?? second.deviceId,
    region: first.region ?? second.region,
    rules: new Map([...second.rules, ...first.rules]),
    ignore: [],
    failOn: first.failOn ?? second.failOn,
  };
}
