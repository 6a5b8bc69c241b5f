import type { DataType } from '../dtype';
import type { AttentionShape, LayerGroup, LayerKind, Part } from './architecture';
import { formats } from './formats';
import type { ConfigFormat } from './formats';
import { sniffHfConfig } from './formats/hf-config';
import { parseConfig } from './parse';
import type { ConfigDocument } from './parse';
import type { ConfigQuantization } from './quantization';
import type { ConfigProblem, ConfigProperty } from './tree';

/** Everything known of one model config; what rules, command line, editor and report read. Unknown is null. */
export interface ConfigAnalysis {
  /** Null: not a model config. */
  readonly format: ConfigFormat | null;
  readonly document: ConfigDocument;
  readonly problems: readonly ConfigProblem[];
  readonly modelType: string | null;
  /** `architectures[0]`. */
  readonly architecture: string | null;
  /** What the framework allocates for this config, tied embeddings once. */
  readonly parameters: number | null;
  /** Of these, what one token uses: all but the experts that were not chosen. */
  readonly activeParameters: number | null;
  /** As stored: the config's dtype, quantised matrices with their scales. */
  readonly weightBytes: number | null;
  /** dtype that most weights are stored in; the framework's float32 when the config names none. */
  readonly weightDtype: DataType | null;
  /** dtype the framework computes in. */
  readonly computeDtype: DataType | null;
  /** Keys and values of one token of one sequence, all layers, in `computeDtype`; 0 for encoders. */
  readonly kvCacheBytesPerToken: number | null;
  /** Multiply-accumulates with weights for one token; attention over the context comes on top. */
  readonly macsPerToken: number | null;
  readonly contextLength: number | null;
  /** The entry the context length was read from; null when it is a default. */
  readonly contextEntry: ConfigProperty | null;
  /** `torch_dtype` or `dtype`, with its ranges; null when absent. */
  readonly dtypeEntry: ConfigProperty | null;
  readonly useCacheEntry: ConfigProperty | null;
  readonly quantization: ConfigQuantization | null;
  readonly layers: readonly ConfigLayer[];
  /** The model's described parts, for the workload. */
  readonly parts: readonly Part[];
  /** Share of the model's parts that are described, 0…1. */
  readonly coverage: number;
  /** Defaults that were taken for keys the config leaves out, and the like. */
  readonly assumptions: readonly string[];
}

/** All layers of one shape, taken together. */
export interface ConfigLayer {
  readonly name: string;
  readonly kind: LayerKind;
  readonly part: LayerGroup['part'];
  readonly count: number;
  /** Of all `count` layers. */
  readonly parameters: number;
  readonly activeParameters: number;
  /** As stored; null when the quantiser's format is not known. */
  readonly weightBytes: number | null;
  /** Multiply-accumulates per token, or per patch in towers, of all `count` layers. */
  readonly macsPerToken: number;
}

export type { AttentionShape };

/**
 * Reads a model config. Never throws: what is not a model config has `format` null, what is broken
 * has problems with ranges in the text. `fileName` decides only whether the file claims to be JSON.
 */
export function analyzeConfig(text: string, fileName: string): ConfigAnalysis {
  const document = parseConfig(text);
  const saysJson = /\.jsonc?$/i.test(fileName);
  // YAML with flow mappings can look like broken JSON; under another name only whole JSON counts.
  const reader =
    saysJson || document.complete ? formats.find(({ sniff }) => sniff(document)) : undefined;
  if (reader) return reader.read(document);
  return notAModel(document, saysJson ? problemsOfAnyJson(document) : pointerProblems(document));
}

/** A JSON file that is no model config is only worth a word when it is not JSON at all. */
function problemsOfAnyJson(document: ConfigDocument): readonly ConfigProblem[] {
  const { root, problems, complete } = document;
  const first = root?.kind === 'array' ? root.items[0] : undefined;
  if (root && first?.kind === 'object' && sniffHfConfig({ root: first })) {
    return [
      {
        code: 'malformed-config',
        severity: 'error',
        message: 'A model config is one object; this file is a list. Keep one config per file.',
        start: root.start,
        end: root.end,
      },
    ];
  }
  return complete ? [] : problems;
}

/** A pointer is left by Git LFS under any name. */
function pointerProblems(document: ConfigDocument): readonly ConfigProblem[] {
  return document.problems.filter(({ code }) => code === 'git-lfs-pointer');
}

function notAModel(document: ConfigDocument, problems: readonly ConfigProblem[]): ConfigAnalysis {
  return {
    format: null,
    document,
    problems,
    modelType: null,
    architecture: null,
    parameters: null,
    activeParameters: null,
    weightBytes: null,
    weightDtype: null,
    computeDtype: null,
    kvCacheBytesPerToken: null,
    macsPerToken: null,
    contextLength: null,
    contextEntry: null,
    dtypeEntry: null,
    useCacheEntry: null,
    quantization: null,
    layers: [],
    parts: [],
    coverage: 0,
    assumptions: [],
  };
}
