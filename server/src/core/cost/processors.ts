import type { WorkKind } from '../workload';
import { constant } from './constant';
import type { Constant } from './constant';
import { processorKinds } from './devices';
import type { ProcessorKind } from './devices';

/** How a kind of processor falls short of its spec sheet. One set per kind, not per device: uncalibrated. */
export interface ProcessorModel {
  /** Share of the float peak that a large dense convolution or matrix product reaches. */
  readonly floatEfficiency: Constant;
  /** The same for int8, on the int8 peak (on the float32 peak where int8 has no instructions). */
  readonly int8Efficiency: Constant;
  readonly memoryEfficiency: Constant;
  /** Seconds to start one operator: dispatch, kernel launch, thread wake-up. */
  readonly launchSeconds: Constant;
  /** Operations of one operator at which it reaches half of the efficiency above. */
  readonly halfEfficiencyOps: Constant;
  /** Bytes that the runtime itself takes. */
  readonly runtimeMemoryBytes: Constant;
  /** Share of the memory that a model may use; the rest is the system's. */
  readonly usableMemoryShare: Constant;
  /** The 90 % interval is mid / factor … mid × factor. */
  readonly intervalFactor: Constant;
}

interface Figures {
  readonly float: number;
  readonly int8: number;
  readonly memory: number;
  readonly launchSeconds: number;
  readonly halfOps: number;
  readonly interval: number;
  /** Published rows that efficiencies, half-efficiency work and interval were fitted to. */
  readonly rows: string;
  readonly runtimeBytes: number;
  readonly usable: number;
}

const mebibyte = 2 ** 20;

const table: Readonly<Record<ProcessorKind, Figures>> = {
  microcontroller: {
    float: 0.32,
    int8: 0.21,
    memory: 0.8,
    launchSeconds: 20e-6,
    halfOps: 2e4,
    interval: 3,
    rows: '57 published rows of 5 boards, MLPerf Tiny v0.7-v1.3',
    runtimeBytes: 40 * 1024,
    usable: 0.9,
  },
  'arm-cpu': {
    float: 0.27,
    int8: 0.15,
    memory: 0.5,
    launchSeconds: 30e-6,
    halfOps: 8e5,
    interval: 2,
    rows: '1,368 published rows of 4 boards under TFLite and ArmNN, MLPerf Inference v2.0-v3.1',
    runtimeBytes: 60 * mebibyte,
    usable: 0.75,
  },
  'x86-cpu': {
    float: 0.68,
    int8: 0.5,
    memory: 0.6,
    launchSeconds: 10e-6,
    halfOps: 3e6,
    interval: 4,
    rows: '16 wall-meter rows of one Core i9-13900K under TensorFlow, float32; int8 from ONNX Runtime 1.30 on an AVX512-VNNI Xeon, a CNN 3.0 times as fast as float32',
    runtimeBytes: 60 * mebibyte,
    usable: 0.75,
  },
  'mobile-gpu': {
    float: 0.077,
    int8: 0.14,
    memory: 0.5,
    launchSeconds: 100e-6,
    halfOps: 1e4,
    interval: 3.2,
    rows: '346 published rows of 3 boards, MLPerf Inference v2.1-v3.1',
    runtimeBytes: 120 * mebibyte,
    usable: 0.6,
  },
  'embedded-gpu': {
    float: 0.3,
    int8: 0.18,
    memory: 0.6,
    launchSeconds: 8e-6,
    halfOps: 1.2e8,
    interval: 2.5,
    rows: '54 published rows of 2 Jetson boards, MLPerf Inference v2.0-v3.1',
    runtimeBytes: 500 * mebibyte,
    usable: 0.7,
  },
  gpu: {
    float: 0.31,
    int8: 0.37,
    memory: 0.75,
    launchSeconds: 5e-6,
    halfOps: 1e6,
    interval: 2,
    rows: '77 published rows of 6 boards under TensorRT, MLPerf Inference v2.0-v3.1',
    runtimeBytes: 600 * mebibyte,
    usable: 0.92,
  },
  npu: {
    float: 0.3,
    int8: 0.46,
    memory: 0.6,
    launchSeconds: 10e-6,
    halfOps: 1e9,
    interval: 7,
    rows: '151 published rows of 5 accelerators, MLPerf Inference v2.0-v3.1',
    runtimeBytes: 50 * mebibyte,
    usable: 0.8,
  },
  'micro-npu': {
    float: 0.1,
    int8: 0.15,
    memory: 0.8,
    launchSeconds: 10e-6,
    halfOps: 2e4,
    interval: 3.5,
    rows: '14 published rows of 2 chips, MLPerf Tiny v0.7-v1.0',
    runtimeBytes: 40 * 1024,
    usable: 0.9,
  },
};

const models = new Map(
  processorKinds.map((kind): [ProcessorKind, ProcessorModel] => [kind, toModel(table[kind])]),
);

export function processorModel(kind: ProcessorKind): ProcessorModel {
  return models.get(kind) ?? toModel(table[kind]);
}

/** Dense convolutions and products are 1; the others reach this share of that efficiency. */
export const kindEfficiency: Readonly<Record<WorkKind, Constant>> = {
  conv: share(1, 'reference'),
  matmul: share(1, 'reference'),
  'depthwise-conv': share(0.25, 'few operations per byte and narrow channels fill half a vector'),
  attention: share(0.7, 'two products with a softmax between them'),
  recurrent: share(0.3, 'one step waits for the one before'),
  normalization: share(0.25, 'vector unit, two passes'),
  elementwise: share(0.5, 'vector unit'),
  reduction: share(0.25, 'vector unit, horizontal adds'),
  pooling: share(0.25, 'vector unit, strided reads'),
  'data-movement': share(1, 'bound by memory'),
  lookup: share(1, 'bound by memory'),
  tree: share(0.02, 'branches and scattered reads'),
  quantize: share(0.25, 'vector unit, round and clip'),
  control: share(1, 'no arithmetic of its own'),
  none: share(1, 'no arithmetic'),
  unknown: share(0.1, 'nothing known of the operator'),
};

/** Dynamic power drawn while waiting for memory and between operators, as a share of the busy one. */
export const memoryBoundPower = constant(
  0.95,
  'ratio',
  'medium',
  'LLM serving, bound by memory, draws a median 0.71 of TDP where 0.75 counts as busy (ML.ENERGY v3)',
);
export const launchPower = constant(0.3, 'ratio', 'low', 'assumption: mostly waiting');

/** Part of a CPU's dynamic power that does not shrink with the threads: caches, fabric, memory. */
export const sharedPower = constant(0.3, 'ratio', 'low', 'assumption: uncore share');

function toModel(figures: Figures): ProcessorModel {
  const source = `fitted to ${figures.rows} (docs/energy.md)`;
  const held = 'assumption, held while the efficiencies were fitted';
  return {
    floatEfficiency: constant(figures.float, 'ratio', 'medium', source),
    int8Efficiency: constant(figures.int8, 'ratio', 'medium', source),
    memoryEfficiency: constant(figures.memory, 'ratio', 'low', held),
    launchSeconds: constant(figures.launchSeconds, 's', 'low', held),
    halfEfficiencyOps: constant(figures.halfOps, 'op', 'medium', source),
    runtimeMemoryBytes: constant(
      figures.runtimeBytes,
      'B',
      'low',
      'assumption: runtime, its buffers and code',
    ),
    usableMemoryShare: constant(
      figures.usable,
      'ratio',
      'low',
      'assumption: the system keeps the rest',
    ),
    intervalFactor: constant(figures.interval, 'ratio', 'medium', source),
  };
}

function share(value: number, reason: string): Constant {
  return constant(value, 'ratio', 'low', `assumption: ${reason}`);
}
