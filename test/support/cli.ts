import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../server/src/cli/program';
import type { ExitCode } from '../../server/src/cli/io';
import { encodeModel } from '../../server/src/core/onnx/encode';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import type { CancelSignal } from '../../server/src/core/source';
import type { Host } from '../../server/src/host';
import { createNodeHost } from '../../server/src/host-node';
import { corpus, projectRoot, worker } from '../unit/runtime/helpers';

export { corpus, projectRoot };
export const examples = path.join(projectRoot, 'examples');

export interface CliRun {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly host?: Host;
  readonly signal?: CancelSignal;
  readonly isTerminal?: boolean;
  /** Called with each piece of stderr: progress, as it happens. */
  readonly onErr?: (text: string) => void;
}

/** The version that runs in this process report. */
export const version = '0.0.0-test';

/** Runs `green-ai` in this process. */
export async function greenAi(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  let out = '';
  let err = '';
  const code = await run(args, {
    host: options.host ?? createNodeHost(() => undefined),
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
      options.onErr?.(text);
    },
    signal: options.signal ?? { cancelled: false },
    version,
    isTerminal: options.isTerminal ?? false,
    worker: await worker(),
  });
  return { code, out, err };
}

/** Runs with `--format json`: stdout must be one JSON document and nothing else. */
export async function greenAiJson(
  args: readonly string[],
  options: CliOptions & { readonly code?: ExitCode } = {},
): Promise<Json> {
  const { code, out, err } = await greenAi([...args, '--format', 'json'], options);
  assert.equal(code, options.code ?? 0, err);
  return new Json(JSON.parse(out), '$');
}

/** Runs something that must be refused: exit 2, nothing on stdout, one sentence that matches on stderr. */
export async function refused(
  args: readonly string[],
  sentence: RegExp,
  options: CliOptions = {},
): Promise<void> {
  const { code, out, err } = await greenAi(args, options);
  assert.equal(out, '');
  assert.match(err, sentence);
  assert.doesNotMatch(err, /\n\s+at |Error:|unexpected/u, 'no stack trace');
  assert.equal(code, 2);
}

/** A JSON value whose parts are reached with checks: what is missing fails with its path. */
export class Json {
  constructor(
    readonly value: unknown,
    readonly path: string,
  ) {}

  at(...keys: readonly (string | number)[]): Json {
    const [key, ...others] = keys;
    if (key === undefined) return this;
    const parent: unknown = this.value;
    assert.ok(typeof parent === 'object' && parent !== null, `${this.path} is no object`);
    assert.ok(key in parent, `${this.path} has no ${key}`);
    return new Json(Reflect.get(parent, key), `${this.path}.${key}`).at(...others);
  }

  items(): readonly Json[] {
    const { value } = this;
    assert.ok(Array.isArray(value), `${this.path} is no array`);
    return value.map((item, index) => new Json(item, `${this.path}[${index}]`));
  }

  text(): string {
    assert.ok(typeof this.value === 'string', `${this.path} is no text`);
    return this.value;
  }

  number(): number {
    assert.ok(typeof this.value === 'number', `${this.path} is no number`);
    return this.value;
  }

  /** The texts at one key of all items. */
  texts(key: string): readonly string[] {
    return this.items().map((item) => item.at(key).text());
  }
}

export interface TempFolder {
  readonly path: string;
  readonly at: (...names: readonly string[]) => string;
  /** Writes a file, making its folders, and gives its path. */
  readonly write: (name: string, contents: Uint8Array | string) => string;
  /** Writes the model that this ONNX text describes. */
  readonly model: (name: string, text: string) => string;
  /** Copies an example's folder into this one and gives the path of its model. */
  readonly example: (model: string) => string;
  /** Everything below it, sorted. */
  readonly names: () => readonly string[];
}

/** A folder for each test of a suite, gone after it. */
export function useTempFolder(): TempFolder {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'green-ai-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const at = (...names: readonly string[]): string => path.join(folder, ...names);
  const write = (name: string, contents: Uint8Array | string): string => {
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(at(name), contents);
    return at(name);
  };
  return {
    get path() {
      return folder;
    },
    at,
    write,
    model: (name, text) => write(name, modelBytes(text)),
    example: (model) => {
      cpSync(path.join(examples, path.dirname(model)), folder, { recursive: true });
      return at(path.basename(model));
    },
    names: () => namesBelow(folder).sort(),
  };
}

/** Files and links, not followed, with forward slashes. */
function namesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? namesBelow(path.join(folder, entry.name)).map((name) => `${entry.name}/${name}`)
      : [entry.name],
  );
}

/** The file of a model written in ONNX text; `IR 8, opset 17` unless it has a header of its own. */
export function modelBytes(text: string): Uint8Array {
  const full = text.trimStart().startsWith('<')
    ? text
    : `<ir_version: 8, opset_import: ["" : 17]>\n${text}`;
  const { model, problems } = parseModelText(full);
  assert.ok(model, problems.map(({ message, where }) => `${where}: ${message}`).join('\n'));
  return encodeModel(model);
}

/** A host that notes which files are opened, looked for and made. */
export interface RecordingHost extends Host {
  readonly opened: readonly string[];
  readonly looked: readonly string[];
  readonly created: readonly string[];
}

export function recordingHost(inner: Host = createNodeHost(() => undefined)): RecordingHost {
  const opened: string[] = [];
  const looked: string[] = [];
  const created: string[] = [];
  return {
    ...inner,
    opened,
    looked,
    created,
    open: (file) => {
      opened.push(path.resolve(file));
      return inner.open(file);
    },
    openBeside: async (folder, location) => {
      const found = await inner.openBeside(folder, location);
      if (typeof found !== 'string') opened.push(found.path);
      return found;
    },
    sha256: (file) => {
      opened.push(path.resolve(file));
      return inner.sha256(file);
    },
    exists: (file) => {
      looked.push(path.resolve(file));
      return inner.exists(file);
    },
    create: (file) => {
      created.push(path.resolve(file));
      return inner.create(file);
    },
  };
}
