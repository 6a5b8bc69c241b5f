/**
 * Requests between the editor client and the server beyond the language server protocol.
 * Plain data; the client imports only this file of the server. Uris are strings, energy in joules, time in seconds.
 */

/** Scheme of the documents that show a model in ONNX's textual syntax. */
export const textScheme = 'green-ai-onnx';
export const textLanguageId = 'onnx-text';

/** What a client may say in `initialize`; everything is optional. */
export interface InitializationOptions {
  /**
   * The client has `editorCommands`: lenses, quick fixes and the links of findings name them.
   * For others the server answers `workspace/executeCommand` with what it can do alone.
   */
  readonly editorCommands?: boolean;
  /** Nothing is executed or written without; `trustNotification` changes it. */
  readonly trusted?: boolean;
}

export interface RangeFigure {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

export const modelReportRequest = 'greenAi/modelReport';
export interface ModelReportParams {
  /** The model file. */
  readonly uri: string;
  /** Default: the settings' device. */
  readonly device?: string;
}

/** Everything the model view shows. Strings from the file are raw: escape them. */
export interface ModelReport {
  readonly uri: string;
  readonly fileName: string;
  /** Set when the file cannot be read as a model; the rest is then empty. */
  readonly failure: string | null;
  readonly producer: string;
  readonly irVersion: number | null;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly nodeCount: number;
  readonly parameters: number | null;
  readonly weightBytes: number | null;
  readonly macs: number | null;
  readonly macsExpression: string | null;
  readonly peakActivationBytes: number | null;
  readonly coverage: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly estimate: ReportEstimate | null;
  /** Heaviest first; at most 200, then `otherLayers` sums the rest. */
  readonly layers: readonly ReportLayer[];
  readonly otherLayers: { readonly count: number; readonly share: number };
  readonly findings: readonly ReportFinding[];
  /** What was optimised from this file and lies beside it, and what this file was made from. */
  readonly variants: readonly ReportVariant[];
}

export interface ReportEstimate {
  readonly device: string;
  readonly deviceName: string;
  readonly runtime: string;
  readonly precision: string;
  readonly boundary: string;
  readonly interval: number;
  readonly energyJoules: RangeFigure | null;
  readonly latencySeconds: RangeFigure | null;
  readonly carbonGrams: RangeFigure | null;
  readonly peakMemoryBytes: number | null;
  readonly memory: readonly {
    readonly name: string;
    readonly needed: number;
    readonly available: number;
  }[];
  readonly fits: boolean | null;
  readonly assumptions: readonly string[];
  readonly sources: readonly string[];
}

export interface ReportLayer {
  readonly path: string;
  readonly name: string;
  readonly opType: string;
  readonly module: string | null;
  /** Of the energy on the device; null when unknown. */
  readonly share: number | null;
  readonly energyJoules: number | null;
  readonly macs: number | null;
  readonly parameters: number;
  readonly bound: string | null;
  /** Zero-based line in the text document. */
  readonly line: number | null;
}

export interface ReportFinding {
  readonly ruleId: string;
  readonly severity: 'error' | 'warning' | 'info' | 'hint';
  readonly message: string;
  /** Zero-based line in the text document; null for the file as a whole. */
  readonly line: number | null;
  readonly helpUri: string | null;
  readonly fixes: readonly ReportFix[];
}

export interface ReportFix {
  readonly title: string;
  readonly safety: 'safe' | 'lossy' | 'needs-verification';
  readonly recipe: string;
}

export interface ReportVariant {
  readonly uri: string;
  readonly fileName: string;
  readonly role: 'original' | 'optimised';
  readonly recipe: string;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly energyBefore: RangeFigure | null;
  readonly energyAfter: RangeFigure | null;
  readonly accuracyBefore: number | null;
  readonly accuracyAfter: number | null;
}

export const devicesRequest = 'greenAi/devices';
export interface DeviceChoice {
  readonly id: string;
  readonly name: string;
  readonly class: string;
}

export const compareDevicesRequest = 'greenAi/compareDevices';
export interface CompareDevicesParams {
  /** A model or a model config. */
  readonly uri: string;
  readonly devices: readonly string[];
}
export type DeviceComparison = readonly ReportEstimate[];

export const textDocumentRequest = 'greenAi/text';
export interface TextParams {
  /** A document of `textScheme`. */
  readonly uri: string;
}
export interface TextResult {
  readonly text: string;
  /** Milliseconds since 1970 of the model file. */
  readonly modifiedTime: number;
  /** A sentence when the model cannot be shown; `text` then holds it as a comment. */
  readonly failure: string | null;
}

/** The text document of a model, and the other way round. */
export const textUriRequest = 'greenAi/textUri';
export interface TextUriParams {
  readonly uri: string;
}

export const recipesRequest = 'greenAi/recipes';
export interface RecipeChoice {
  readonly name: string;
  readonly title: string;
  readonly safety: 'safe' | 'lossy' | 'needs-verification';
}

export const optimizeRequest = 'greenAi/optimize';
export interface OptimizeParams {
  readonly uri: string;
  readonly recipe: string;
  readonly device?: string;
  /** Files or folders with real inputs; default: what lies beside the model. */
  readonly calibration?: readonly string[];
  readonly maxDrop?: number;
  /** Replaces an existing output. The user was asked. */
  readonly force?: boolean;
  /** `$/progress` token for stage texts. */
  readonly progressToken?: string;
}

export interface OptimizeAnswer {
  readonly kind: 'written' | 'unchanged' | 'rejected' | 'exists' | 'refused' | 'cancelled';
  /** One or two sentences for a person. */
  readonly message: string;
  readonly outputUri: string | null;
  readonly bytesBefore: number | null;
  readonly bytesAfter: number | null;
  readonly accuracyBefore: number | null;
  readonly accuracyAfter: number | null;
  readonly details: readonly string[];
}

export const lintWorkspaceRequest = 'greenAi/lintWorkspace';
export interface LintWorkspaceParams {
  /** `$/progress` token for how far it is. */
  readonly progressToken?: string;
}
export interface LintWorkspaceAnswer {
  readonly files: number;
  readonly findings: number;
}

export const debugInfoRequest = 'greenAi/debugInfo';
export interface DebugInfo {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly cachedModels: number;
  /** Files of the workspace that are still to be read. */
  readonly filesLeft: number;
  readonly memoryBytes: number;
  readonly trusted: boolean;
}

/** Sent by the client when trust is granted; the server starts without. */
export const trustNotification = 'greenAi/trust';
export interface TrustParams {
  readonly trusted: boolean;
}

/** Energy of the active model for the status item. */
export const modelStatusRequest = 'greenAi/modelStatus';
export interface ModelStatus {
  readonly device: string;
  readonly deviceName: string;
  /** `2.7–43.7 mJ` or a reason why not. */
  readonly energy: string;
}

/**
 * Commands that the server names in lenses, quick fixes and `command:` links; the client registers them.
 * A server command that other editors execute must have another name: clients register those themselves.
 */
export const editorCommands = {
  /** Arguments: uri of the model or its text, zero-based line or nothing. */
  openText: 'greenAi.openText',
  /** Arguments: uri of the model or its text. */
  openReport: 'greenAi.openReport',
  /** No arguments. */
  chooseDevice: 'greenAi.chooseDevice',
  /** Arguments: uri of the model, its text or a model config. */
  compareDevices: 'greenAi.compareDevices',
  /** Arguments: uri of the model or its text; the client asks which quantisation. */
  quantize: 'greenAi.quantize',
  /** Arguments: uri of the model or its text, name of the recipe or nothing: the client asks. */
  optimize: 'greenAi.optimize',
} as const;

/** What each request takes and answers; null where there is nothing to say about that uri. */
export interface Requests {
  readonly [modelReportRequest]: {
    readonly params: ModelReportParams;
    readonly result: ModelReport | null;
  };
  readonly [devicesRequest]: { readonly params: null; readonly result: readonly DeviceChoice[] };
  readonly [recipesRequest]: { readonly params: null; readonly result: readonly RecipeChoice[] };
  readonly [compareDevicesRequest]: {
    readonly params: CompareDevicesParams;
    readonly result: DeviceComparison | null;
  };
  readonly [textDocumentRequest]: {
    readonly params: TextParams;
    readonly result: TextResult | null;
  };
  /** The other one of a model and its text. */
  readonly [textUriRequest]: { readonly params: TextUriParams; readonly result: string | null };
  readonly [optimizeRequest]: {
    readonly params: OptimizeParams;
    readonly result: OptimizeAnswer | null;
  };
  readonly [lintWorkspaceRequest]: {
    readonly params: LintWorkspaceParams;
    readonly result: LintWorkspaceAnswer | null;
  };
  readonly [debugInfoRequest]: { readonly params: null; readonly result: DebugInfo | null };
  readonly [modelStatusRequest]: {
    readonly params: { readonly uri: string };
    readonly result: ModelStatus | null;
  };
}

/** How figures are written, the same in messages, views and the command line. */
export {
  formatBytes,
  formatCount,
  formatGrams,
  formatJoules,
  formatPercent,
  formatSeconds,
} from './core/format';
