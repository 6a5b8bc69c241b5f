import type { Model } from '../graph';
import type { ProblemSink } from '../problem';
import { newestOpset } from './operator-signatures';
import { checkGraph } from './validate-body';
import { checkFunctions, functionsByKey } from './validate-functions';
import { checkName } from './validate-names';
import type { Check } from './validate-report';

/** Newest IR version that the reader and the tables were made for; later ones are read as far as they agree. */
const newestIrVersion = 14;

/**
 * Checks of a whole model that need no shapes: versions, names that are defined twice, never or hidden, nodes against
 * the operators' signatures, bodies of control flow, quantisation, functions, declared types, weights that are no
 * numbers. Everything legal passes; what is found is a problem, the model is used as far as it makes sense.
 */
export function validateModel(model: Model, sink: ProblemSink): void {
  checkVersions(model, sink);
  checkMetadata(model, sink);
  checkPurpose(model, sink);
  const check: Check = {
    sink,
    localFunctions: functionsByKey(model.functions),
    dimSizes: new Map(),
  };
  const opsets = opsetsOf(model);
  checkGraph(model.graph, { opsets, outer: [], attributeNames: null }, check);
  checkFunctions(model, check);
}

/** Files before IR 3 import nothing and mean opset 1. */
function opsetsOf({ irVersion, opsets }: Model): ReadonlyMap<string, number> {
  const isOld = irVersion !== null && irVersion < 3 && opsets.size === 0;
  return isOld ? new Map([['', 1]]) : opsets;
}

function checkVersions(model: Model, sink: ProblemSink): void {
  const { irVersion, opsets } = model;
  if (irVersion === null) {
    sink.add({
      code: 'no-ir-version',
      severity: 'warning',
      message: 'The model does not say its IR version; some runtimes refuse it.',
    });
  } else if (irVersion > newestIrVersion || irVersion < 1) {
    const what =
      irVersion < 1
        ? 'does not exist; the first is 1'
        : `is not known (newest: ${newestIrVersion})`;
    sink.add({
      code: 'unknown-ir-version',
      severity: 'warning',
      message: `IR version ${irVersion} ${what}; parts may be missed.`,
    });
  }
  if (opsets.size === 0 && model.graph.nodes.length > 0) {
    sink.add({
      code: 'no-opset',
      severity: 'error',
      message:
        'The model imports no opset, so its operators have no defined meaning; export it again.',
    });
  }
  for (const [domain, version] of opsets) {
    checkName(domain, domain, sink);
    if (domain === '' && (version > newestOpset || version < 1)) {
      sink.add({
        code: 'unknown-opset',
        severity: 'warning',
        message: `Opset ${version} is not known (newest known: ${newestOpset}); operators may have changed.`,
      });
    }
  }
}

/** Legal, but a sign of a file that lost something. */
function checkPurpose({ graph }: Model, sink: ProblemSink): void {
  if (graph.nodes.length === 0) {
    sink.add({
      code: 'empty-graph',
      severity: 'info',
      message: 'The graph has no nodes: the model computes nothing.',
    });
  }
  if (graph.outputs.length === 0) {
    sink.add({
      code: 'no-outputs',
      severity: 'warning',
      message: 'The graph has no outputs, so nothing it computes can be read; export it again.',
    });
  }
}

/** Key under which ONNX Runtime looks for session options when its environment variable asks for them. */
const runtimeConfigKey = 'ort_config';

function checkMetadata({ metadata }: Model, sink: ProblemSink): void {
  const config = metadata.get(runtimeConfigKey);
  if (config === undefined || isJsonObject(config)) return;
  sink.add({
    code: 'invalid-ort-config',
    severity: 'info',
    message:
      'Metadata "ort_config" is no JSON object; ONNX Runtime cannot use it. Correct or remove it.',
  });
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
