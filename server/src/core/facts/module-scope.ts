import type { Node } from '../graph';

/** Where in the author's program a node comes from. */
export interface NodeOrigin {
  /** Dotted path of the module, as PyTorch prints it: `layer1.0.conv1`. Null: unknown, or the outermost module. */
  readonly module: string | null;
  /** The innermost frame of the exporter's stack trace outside installed libraries. */
  readonly source: SourceLine | null;
}

export interface SourceLine {
  readonly file: string;
  /** One-based. */
  readonly line: number;
}

/**
 * From the metadata that PyTorch's dynamo exporter writes (`pkg.torch.onnx.name_scopes`, or
 * `namespace`), otherwise from a node name that is a path: `/layer1/layer1.0/conv1/Conv` of the
 * TorchScript exporter, `model/conv1/BiasAdd;…` of TensorFlow converters.
 */
export function originOf(node: Node): NodeOrigin {
  if (node.metadata.size === 0) return { module: moduleOfName(node.name), source: null };
  const trace = node.metadata.get('pkg.torch.onnx.stack_trace');
  return { module: moduleOf(node), source: trace === undefined ? null : sourceOf(trace) };
}

/** Longer texts are no module path of any model, and each is scanned. */
const maxTextLength = 16_384;

function moduleOf(node: Node): string | null {
  const scopes = node.metadata.get('pkg.torch.onnx.name_scopes');
  if (scopes !== undefined && scopes.length <= maxTextLength) {
    const names = pythonStrings(scopes);
    // The last one is the operation itself; the one before it already is the whole path.
    if (names.length > 0) return nonEmpty(names.at(-2));
  }
  const namespace = node.metadata.get('namespace');
  if (namespace !== undefined && namespace.length <= maxTextLength) {
    const modules = namespace.split('/').slice(0, -1);
    const name = modules.at(-1)?.split(':')[0]?.trim();
    if (name !== undefined) return nonEmpty(name);
  }
  return moduleOfName(node.name);
}

/** The nodes of one module follow each other: its text is made once for them. */
let lastFolder = '';
let lastModule: string | null = null;

function moduleOfName(name: string): string | null {
  const length = name.lastIndexOf('/') + 1;
  if (length === 0 || name.length > maxTextLength) return null;
  if (length !== lastFolder.length || !name.startsWith(lastFolder)) {
    lastFolder = name.slice(0, length);
    lastModule = moduleOfFolder(lastFolder);
  }
  return lastModule;
}

/** Items of a list of strings as Python's `repr` writes it: `['', 'layers', 'layers.0']`. */
function pythonStrings(text: string): string[] {
  const items = text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g);
  return Array.from(items, (match) => (match[1] ?? match[2] ?? '').replaceAll(/\\(.)/g, '$1'));
}

/**
 * The parts of a path that ends with a slash, with dots between them. A part that repeats the one before it and
 * goes on (`layer1`, `layer1.0`) replaces it: that is how PyTorch names the items of a container.
 */
function moduleOfFolder(folder: string): string | null {
  // Fused operations of TensorFlow carry the names of all of them, tflite2onnx its own mark besides.
  const own = folder.startsWith('TFLITE') ? folder.replace(/^TFLITE2ONNX_[A-Za-z]+_/, '') : folder;
  const [first = ''] = own.split(';', 1);
  let module = '';
  let last = '';
  let start = 0;
  for (let end = first.indexOf('/'); end >= 0; end = first.indexOf('/', start)) {
    const part = first.slice(start, end);
    start = end + 1;
    if (part === '') continue;
    if (last === '') module = part;
    else if (isItemOf(part, last)) module = module.slice(0, -last.length) + part;
    else module += `.${part}`;
    last = part;
  }
  return nonEmpty(module);
}

function isItemOf(part: string, container: string): boolean {
  return part.startsWith(container) && part[container.length] === '.';
}

function sourceOf(trace: string): SourceLine | null {
  const frames = Array.from(
    trace.slice(0, maxTextLength).matchAll(/File "([^"\n]+)", line (\d{1,9})/g),
    (match) => ({ file: match[1] ?? '', line: Number(match[2]) }),
  );
  // Python prints the innermost frame last.
  return frames.findLast(({ file }) => !isLibrary(file)) ?? frames.at(-1) ?? null;
}

function isLibrary(file: string): boolean {
  return /(^|[\\/])(site-packages|dist-packages|torch[\\/](?:nn|utils|_\w+))[\\/]/.test(file);
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
