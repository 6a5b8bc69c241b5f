import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import {
  createConnection,
  createProtocolConnection,
  ProposedFeatures,
  StreamMessageReader,
  StreamMessageWriter,
  type ClientCapabilities,
  type Diagnostic,
  type InitializeResult,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
  type WorkspaceDiagnosticReport,
} from 'vscode-languageserver/node';
import { encodeModel } from '../../server/src/core/onnx/encode';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import type { ServerHost } from '../../server/src/lsp/host';
import { createNodeServerHost } from '../../server/src/lsp/host-node';
import { textUriOf, uriOf } from '../../server/src/lsp/uris';
import type { InitializationOptions, Requests } from '../../server/src/protocol';
import { startServer } from '../../server/src/server';

/** A language server and a client in one process, over streams in memory, with a folder of its own. */
export interface TestEditor {
  readonly folder: string;
  readonly capabilities: InitializeResult['capabilities'];
  readonly connection: ProtocolConnection;
  /** What the server logged: empty when all went well. */
  readonly log: readonly string[];
  /** Diagnostics that were pushed, the latest by uri. */
  readonly pushed: ReadonlyMap<string, readonly Diagnostic[]>;
  /** Method names of requests and notifications that came from the server. */
  readonly received: readonly string[];
  /** What the server asked to be told, as parameters of the protocol. */
  readonly registered: readonly unknown[];
  /** The section `greenAi`. Changing it tells the server. */
  configure(settings: Readonly<Record<string, unknown>>): Promise<void>;
  uri(name: string): string;
  textUri(name: string, part?: number): string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** Writes a model given in ONNX's text syntax. */
  writeModel(name: string, text: string): Promise<string>;
  open(uri: string, text: string): Promise<void>;
  replace(uri: string, version: number, text: string): Promise<void>;
  close(uri: string): Promise<void>;
  pull(uri: string, previousResultId?: string): Promise<readonly Diagnostic[] | 'unchanged'>;
  request<Method extends keyof Requests>(
    method: Method,
    params: Requests[Method]['params'],
  ): Promise<Requests[Method]['result']>;
  /** What the workspace request has told so far, by uri; asks on and on, as VS Code does. */
  watchWorkspace(): ReadonlyMap<string, readonly Diagnostic[]>;
  dispose(): Promise<void>;
}

export interface TestEditorOptions {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Models in text syntax, by file name. */
  readonly models?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly initialization?: InitializationOptions;
  readonly capabilities?: ClientCapabilities;
  /** Workspace folders below the test's folder; default the folder itself. */
  readonly folders?: readonly string[];
  readonly host?: (host: ServerHost) => ServerHost;
}

export const requestsToClient = [
  'client/registerCapability',
  'window/workDoneProgress/create',
  'workspace/codeLens/refresh',
  'workspace/diagnostic/refresh',
  'workspace/textDocumentContent/refresh',
];

/** As VS Code's client says, as far as the server looks. */
export const editorCapabilities: ClientCapabilities = {
  window: { workDoneProgress: true },
  workspace: {
    configuration: true,
    workspaceFolders: true,
    didChangeConfiguration: { dynamicRegistration: true },
    didChangeWatchedFiles: { dynamicRegistration: true, relativePatternSupport: true },
    diagnostics: { refreshSupport: true },
    codeLens: { refreshSupport: true },
    textDocumentContent: {},
    workspaceEdit: {
      documentChanges: true,
      resourceOperations: ['create', 'rename', 'delete'],
      changeAnnotationSupport: { groupsOnLabel: true },
    },
  },
  textDocument: {
    diagnostic: { relatedDocumentSupport: true },
    codeAction: { resolveSupport: { properties: ['edit'] } },
    documentSymbol: { hierarchicalDocumentSymbolSupport: true },
    publishDiagnostics: { relatedInformation: true },
  },
};

export async function startEditor(options: TestEditorOptions = {}): Promise<TestEditor> {
  const folder = await mkdtemp(path.join(tmpdir(), 'green-ai-lsp-'));
  for (const [name, content] of Object.entries(options.files ?? {})) {
    await writeBelow(folder, name, content);
  }
  for (const [name, text] of Object.entries(options.models ?? {})) {
    await writeBelow(folder, name, modelBytes(text));
  }
  const log: string[] = [];
  const connection = connect(log, options);
  let settings = options.settings ?? {};
  const pushed = new Map<string, readonly Diagnostic[]>();
  const received: string[] = [];
  connection.onRequest('workspace/configuration', ({ items }: { items: readonly unknown[] }) =>
    items.map(() => settings),
  );
  connection.onNotification(
    'textDocument/publishDiagnostics',
    ({ uri, diagnostics }: PublishDiagnosticsParams) => {
      received.push('textDocument/publishDiagnostics');
      pushed.set(uri, diagnostics);
    },
  );
  const registered: unknown[] = [];
  for (const method of requestsToClient) {
    connection.onRequest(method, (params: unknown) => {
      received.push(method);
      if (method === 'client/registerCapability') registered.push(params);
      return null;
    });
  }
  connection.listen();
  const folders = (options.folders ?? ['']).map((name) => path.join(folder, name));
  const params = {
    processId: null,
    workspaceFolders: folders.map((one) => ({ uri: uriOf(one), name: path.basename(one) })),
    capabilities: options.capabilities ?? editorCapabilities,
    initializationOptions: options.initialization ?? { editorCommands: true, trusted: true },
  };
  const { capabilities } = await connection.sendRequest<InitializeResult>('initialize', params);
  await connection.sendNotification('initialized', {});
  const uri = (name: string): string => uriOf(path.join(folder, name));
  let isDisposed = false;
  return {
    folder,
    capabilities,
    connection,
    log,
    pushed,
    received,
    registered,
    uri,
    configure: async (next) => {
      settings = next;
      await connection.sendNotification('workspace/didChangeConfiguration', {
        settings: { greenAi: next },
      });
    },
    textUri: (name, part) => textUriOf(uri(name), part),
    write: async (name, content) => {
      await writeBelow(folder, name, content);
      return uri(name);
    },
    writeModel: async (name, text) => {
      await writeBelow(folder, name, modelBytes(text));
      return uri(name);
    },
    open: (given, text) =>
      connection.sendNotification('textDocument/didOpen', {
        textDocument: { uri: given, languageId: 'json', version: 1, text },
      }),
    replace: (given, version, text) =>
      connection.sendNotification('textDocument/didChange', {
        textDocument: { uri: given, version },
        contentChanges: [{ text }],
      }),
    close: (given) =>
      connection.sendNotification('textDocument/didClose', { textDocument: { uri: given } }),
    pull: async (given, previousResultId) => {
      const report = await connection.sendRequest<{ kind: string; items?: Diagnostic[] }>(
        'textDocument/diagnostic',
        { textDocument: { uri: given }, previousResultId },
      );
      return report.kind === 'unchanged' ? 'unchanged' : (report.items ?? []);
    },
    request: (method, params_) => connection.sendRequest(method, params_),
    watchWorkspace: () => watchWorkspace(connection, () => isDisposed),
    dispose: async () => {
      isDisposed = true;
      await connection.sendRequest('shutdown');
      connection.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Asks for the workspace's diagnostics on and on, as VS Code does; answers what was told so far, by uri. */
export function watchWorkspace(
  connection: ProtocolConnection,
  isOver: () => boolean,
): ReadonlyMap<string, readonly Diagnostic[]> {
  const told = new Map<string, readonly Diagnostic[]>();
  const ids = new Map<string, string>();
  const take = ({ items }: WorkspaceDiagnosticReport): void => {
    for (const item of items) {
      if (item.kind === 'full') told.set(item.uri, item.items);
      if (item.resultId !== undefined) ids.set(item.uri, item.resultId);
    }
  };
  const ask = async (): Promise<void> => {
    while (!isOver()) {
      const previousResultIds = Array.from(ids, ([one, value]) => ({ uri: one, value }));
      const partialResultToken = `part-${Math.random()}`;
      const parts = connection.onNotification('$/progress', (progress: unknown) => {
        const { token, value } = progress as {
          token: string;
          value: WorkspaceDiagnosticReport;
        };
        if (token === partialResultToken) take(value);
      });
      take(
        await connection.sendRequest<WorkspaceDiagnosticReport>('workspace/diagnostic', {
          identifier: 'green-ai',
          previousResultIds,
          partialResultToken,
        }),
      );
      parts.dispose();
    }
  };
  ask().catch(() => undefined);
  return told;
}

function connect(log: string[], { host }: TestEditorOptions): ProtocolConnection {
  const toServer = new PassThrough();
  const toClient = new PassThrough();
  const nodeHost = createNodeServerHost({
    version: '0.0.0-test',
    log: (message) => log.push(message),
    ruleFolder: path.resolve(import.meta.dirname, '../../docs/rules'),
    scanWorker: null,
  });
  startServer(
    createConnection(
      ProposedFeatures.all,
      new StreamMessageReader(toServer),
      new StreamMessageWriter(toClient),
    ),
    host ? host(nodeHost) : nodeHost,
  );
  return createProtocolConnection(
    new StreamMessageReader(toClient),
    new StreamMessageWriter(toServer),
  );
}

async function writeBelow(
  folder: string,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}

export function modelBytes(text: string): Uint8Array {
  const parsed = parseModelText(text);
  if (!parsed.model) throw new Error(`bad model: ${JSON.stringify(parsed.problems)}`);
  return encodeModel(parsed.model);
}

const pollMilliseconds = 10;
const patienceMilliseconds = 10_000;

/** Waits until the condition holds. Fails with the description when it does not. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + patienceMilliseconds;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
}

/** The editor's capabilities without some of a document's. */
export function capabilitiesWithout(
  ...names: readonly (keyof NonNullable<ClientCapabilities['textDocument']>)[]
): ClientCapabilities {
  const textDocument = { ...editorCapabilities.textDocument };
  for (const name of names) Reflect.deleteProperty(textDocument, name);
  return { ...editorCapabilities, textDocument };
}

/** A product worth quantising on the default device, behind a node that does nothing. */
export const denseModel = `
<ir_version: 8, opset_import: ["" : 13]>
dense (float[1,512] x) => (float[1,512] y)
<float[512,512] w = ["location": "weights.bin", "offset": "0", "length": "1048576"]>
{
  [same] x2 = Identity (x)
  [product] y = MatMul (x2, w)
}
`;

/** A model with nothing to find. */
export const plainModel = `
<ir_version: 8, opset_import: ["" : 13]>
plain (float[1,8] x) => (float[1,8] y)
{
  [activate] y = Relu (x)
}
`;

/** A model config that loads float32. */
export const floatConfig = `{
  "architectures": ["LlamaForCausalLM"],
  "model_type": "llama",
  "hidden_size": 2048,
  "intermediate_size": 8192,
  "num_hidden_layers": 16,
  "num_attention_heads": 32,
  "num_key_value_heads": 8,
  "vocab_size": 128256,
  "max_position_embeddings": 4096,
  "torch_dtype": "float32"
}
`;
