import type { Device } from '../core/cost/devices';
import type { NodeEstimate } from '../core/cost/energy';
import { originOf } from '../core/facts/module-scope';
import type { ValueInfo } from '../core/graph';
import { displayText } from '../core/onnx/utf8';
import { dimText, symbolsOf } from '../core/shapes/symbolic';
import { typeOf } from '../core/shapes/types';
import { findRecipe } from '../core/transform/recipes';
import type {
  ModelReport,
  ReportFinding,
  ReportFix,
  ReportLayer,
  ReportVariant,
} from '../protocol';
import { reportEstimate } from './estimates';
import { typeLabel } from './features/labels';
import type { ModelView, PlacedFinding, ReadableModel } from './models';

/** The view draws a bar for each. */
const maxLayers = 200;
/** A model with more of these is not looked at in a list. */
const maxFindings = 1000;
const maxValues = 100;

export interface ReportContext {
  readonly device: Device;
  readonly variants: readonly ReportVariant[];
  readonly ruleUri: (id: string) => string | null;
}

/** Everything the model view shows. */
export function modelReport(view: ModelView, context: ReportContext): ModelReport {
  const findings = view.findings
    .slice(0, maxFindings)
    .map((placed) => reportFinding(placed, context));
  const empty: ModelReport = {
    uri: view.uri,
    fileName: view.fileName,
    failure: view.kind === 'unreadable' ? view.failure : null,
    producer: '',
    irVersion: null,
    opsets: [],
    nodeCount: 0,
    parameters: null,
    weightBytes: null,
    macs: null,
    macsExpression: null,
    peakActivationBytes: null,
    coverage: 0,
    inputs: [],
    outputs: [],
    estimate: null,
    layers: [],
    otherLayers: { count: 0, share: 0 },
    findings,
    variants: context.variants,
  };
  return view.kind === 'unreadable' ? empty : { ...empty, ...readableReport(view, context) };
}

function readableReport(view: ReadableModel, { device }: ReportContext): Partial<ModelReport> {
  const { model, facts, sized } = view.analysis;
  const made = view.analysis.estimateOn(device);
  const byEnergy = [...made.perNode].sort(
    (a, b) => (b.energyJoules ?? -1) - (a.energyJoules ?? -1),
  );
  const others = byEnergy.slice(maxLayers);
  return {
    producer: displayText(model.producer),
    irVersion: model.irVersion,
    opsets: Array.from(model.opsets, ([domain, version]) => ({
      domain: displayText(domain),
      version,
    })),
    nodeCount: facts.nodes.length,
    parameters: facts.parameters,
    weightBytes: facts.weightBytes,
    macs: sized.evaluated.macs,
    macsExpression: symbolsOf(facts.macs).size > 0 ? dimText(facts.macs) : null,
    peakActivationBytes: sized.memory.peakActivationBytes,
    coverage: made.coverage,
    inputs: valueLabels(
      view,
      model.graph.inputs.filter(({ name }) => !model.graph.initializerByName.has(name)),
    ),
    outputs: valueLabels(view, model.graph.outputs),
    estimate: reportEstimate(made, device),
    layers: reportLayers(view, byEnergy.slice(0, maxLayers)),
    otherLayers: {
      count: others.length,
      share: others.reduce((sum, { share }) => sum + (share ?? 0), 0),
    },
  };
}

function valueLabels(view: ReadableModel, infos: readonly ValueInfo[]): string[] {
  return infos.slice(0, maxValues).map(({ name }) => {
    return `${displayText(name)}: ${typeLabel(typeOf(view.analysis.scope, name))}`;
  });
}

function reportLayers(view: ReadableModel, estimates: readonly NodeEstimate[]): ReportLayer[] {
  const items = new Map(view.analysis.workload.items.map((item) => [item.name, item]));
  return estimates.flatMap(({ name, energyJoules, share, bound }) => {
    const facts = view.factsByPath.get(name);
    if (!facts) return [];
    const { node, parameters } = facts;
    const { module } = originOf(node);
    return [
      {
        path: displayText(facts.path),
        name: displayText(node.name === '' ? facts.path : node.name),
        opType: displayText(node.opType),
        module: module === null ? null : displayText(module),
        share,
        energyJoules,
        macs: items.get(name)?.macs ?? null,
        parameters,
        bound,
        line: layerLine(view, name),
      },
    ];
  });
}

function layerLine(view: ReadableModel, path: string): number | null {
  const facts = view.factsByPath.get(path);
  const lines = facts && view.printed.nodeLines.get(facts.node.path);
  return lines ? lineInFirstPart(view.pages.locate(lines.start)) : null;
}

/** Lines of other parts are in other documents. */
function lineInFirstPart({ part, line }: PlacedFinding['place']): number | null {
  return part === 0 ? line : null;
}

function reportFinding(
  { finding, place }: PlacedFinding,
  { ruleUri }: ReportContext,
): ReportFinding {
  return {
    ruleId: finding.ruleId,
    severity: finding.severity,
    message: finding.message,
    line: finding.anchor.kind === 'file' ? null : lineInFirstPart(place),
    helpUri: ruleUri(finding.ruleId),
    fixes: finding.fixes.flatMap(({ title, safety, change }): ReportFix[] =>
      change.kind === 'recipe' && findRecipe(change.recipe)
        ? [{ title, safety, recipe: change.recipe }]
        : [],
    ),
  };
}
