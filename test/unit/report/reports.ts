import type { ModelReport, ReportEstimate, ReportLayer } from '../../../server/src/protocol';

/** Reports and their parts, with only what a test is about written out. */

export function layerOf(part: Partial<ReportLayer> = {}): ReportLayer {
  return {
    path: 'main/conv',
    name: 'conv',
    opType: 'Conv',
    module: null,
    share: null,
    energyJoules: null,
    macs: null,
    parameters: 0,
    bound: null,
    line: null,
    ...part,
  };
}

export function estimateOf(part: Partial<ReportEstimate> = {}): ReportEstimate {
  return {
    device: 'device',
    deviceName: 'Device',
    runtime: 'runtime',
    precision: 'float32',
    boundary: 'all of it',
    interval: 0.9,
    energyJoules: null,
    latencySeconds: null,
    carbonGrams: null,
    peakMemoryBytes: null,
    memory: [],
    fits: true,
    assumptions: [],
    sources: [],
    ...part,
  };
}

export function reportOf(part: Partial<ModelReport> = {}): ModelReport {
  return {
    uri: 'file:///model.onnx',
    fileName: 'model.onnx',
    failure: null,
    producer: '',
    irVersion: 8,
    opsets: [],
    nodeCount: 0,
    parameters: null,
    weightBytes: null,
    macs: null,
    macsExpression: null,
    peakActivationBytes: null,
    coverage: 1,
    inputs: [],
    outputs: [],
    estimate: null,
    layers: [],
    otherLayers: { count: 0, share: 0 },
    findings: [],
    variants: [],
    ...part,
  };
}
