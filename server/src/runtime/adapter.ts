import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Ort from 'onnxruntime-common';
import { createNodeHost } from '../host-node';
import type { Sample } from '../core/verify/samples';
import type { NamedTensorData } from '../core/verify/tensor-data';
import type { ModelFile, RuntimeKind, SessionInfo } from './protocol';
import { fromOrtTensor, infoOf, toOrtTensor } from './ort-tensors';

/** ONNX Runtime behind one interface. Used only inside the worker process. */
export interface Adapter {
  readonly kind: RuntimeKind;
  readonly version: string;
  load(model: ModelFile): Promise<AdapterSession>;
}

export interface AdapterSession {
  readonly info: Omit<SessionInfo, 'session'>;
  readonly run: (sample: Sample) => Promise<readonly NamedTensorData[]>;
  /** Converts the inputs once; the returned function runs them and drops the outputs. */
  readonly prepare: (sample: Sample) => () => Promise<void>;
  readonly release: () => Promise<void>;
}

type OrtModule = Pick<typeof Ort, 'env' | 'InferenceSession' | 'Tensor'>;

/**
 * `auto` takes the native binary where one exists for this platform and loads, else WebAssembly.
 * Throws with a sentence when the asked-for runtime cannot be loaded.
 */
export async function createAdapter(
  wanted: RuntimeKind | 'auto',
  threads: number,
): Promise<Adapter> {
  if (wanted !== 'wasm') {
    try {
      return adapterFor('native', loadNative(), threads);
    } catch (error) {
      if (wanted === 'native') {
        throw new Error(`onnxruntime-node cannot be loaded here: ${firstLine(error)}`, {
          cause: error,
        });
      }
    }
  }
  return adapterFor('wasm', await loadWasm(), threads);
}

/** Three files: this module and, beside it, the .mjs and .wasm that it loads. */
const wasmModule = 'ort.node.min.mjs';

/**
 * An installed extension brings its runtimes beside the bundle and takes no other: folders above it
 * belong to somebody else, and a runtime found there would be of any version.
 */
function loadNative(): OrtModule {
  const name = 'onnxruntime-node';
  const isPackaged = existsSync(path.join(__dirname, wasmModule));
  const place = isPackaged ? path.join(__dirname, 'node_modules', name) : name;
  return createRequire(__filename)(place) as OrtModule;
}

async function loadWasm(): Promise<OrtModule> {
  const file = wasmModulePath();
  const ort = (await import(pathToFileURL(file).href)) as OrtModule;
  // Relative to the module by default; said outright so that no other place is tried.
  ort.env.wasm.wasmPaths = pathToFileURL(`${path.dirname(file)}${path.sep}`).href;
  return ort;
}

/** Beside the bundle in an installed extension, else in the package. */
function wasmModulePath(): string {
  const require = createRequire(__filename);
  try {
    return require.resolve(`./${wasmModule}`);
  } catch {
    return path.join(path.dirname(require.resolve('onnxruntime-web')), wasmModule);
  }
}

function adapterFor(kind: RuntimeKind, ort: OrtModule, threads: number): Adapter {
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  return {
    kind,
    version: ort.env.versions[kind === 'native' ? 'node' : 'web'] ?? ort.env.versions.common,
    load: async (model) => {
      const session = await ort.InferenceSession.create(model.path, {
        executionProviders: [kind === 'native' ? 'cpu' : 'wasm'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
        externalData: await externalData(kind, model),
      });
      return sessionOf(ort, session);
    },
  };
}

/**
 * The native runtime opens external files itself, in the model's folder; WebAssembly is handed their bytes.
 * For both, a file outside the folder is refused before the model is loaded.
 */
async function externalData(
  kind: RuntimeKind,
  { path: modelPath, externalLocations }: ModelFile,
): Promise<{ path: string; data: Uint8Array }[]> {
  const host = createNodeHost();
  const files: { path: string; data: Uint8Array }[] = [];
  for (const location of externalLocations) {
    const file = await host.openBeside(path.dirname(modelPath), location);
    if (typeof file === 'string') {
      throw new Error(`external data "${location}" is ${refusals[file]}`);
    }
    await file.close();
    if (kind === 'wasm') files.push({ path: location, data: await readFile(file.path) });
  }
  return files;
}

const refusals = {
  missing: 'missing beside the model',
  outside: "outside the model's folder",
  irregular: 'not a regular file',
};

function sessionOf(ort: OrtModule, session: Ort.InferenceSession): AdapterSession {
  const info = {
    inputs: session.inputMetadata.map(infoOf),
    outputs: session.outputMetadata.map(infoOf),
  };
  const fetches = info.outputs.filter((one) => one.dtype !== null).map((one) => one.name);
  const feedsOf = (sample: Sample): Ort.InferenceSession.FeedsType => {
    // No prototype, and defined rather than assigned: a name may be `__proto__`.
    const feeds = Object.create(null) as Record<string, Ort.Tensor>;
    for (const { name, data } of sample) {
      const value = toOrtTensor(ort.Tensor, data);
      Object.defineProperty(feeds, name, { value, enumerable: true });
    }
    return feeds;
  };
  // Fetching an optional or a sequence ends the native runtime with a segmentation fault.
  const checkFetches = (): void => {
    if (fetches.length === 0)
      throw new Error('no output is a tensor: sequences and maps cannot be compared');
  };
  return {
    info,
    run: async (sample) => {
      checkFetches();
      const results = await session.run(feedsOf(sample), fetches);
      return fetches.map((name) => {
        const value = Object.hasOwn(results, name) ? results[name] : undefined;
        if (!value) throw new Error(`the runtime gave no output "${name}"`);
        return { name, data: fromOrtTensor(value) };
      });
    },
    prepare: (sample) => {
      checkFetches();
      const feeds = feedsOf(sample);
      return async () => {
        await session.run(feeds, fetches);
      };
    },
    release: () => session.release(),
  };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}
