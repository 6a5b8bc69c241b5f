import type { WorkKind } from '../workload';
import type { Device, ProcessorKind } from './devices';

export const quantizations = [
  'int8-static',
  'int8-dynamic',
  'float16',
  'int8-weights',
  'none',
] as const;
export type Quantization = (typeof quantizations)[number];

/** Which conversion of float32 work saves energy on a device, and why; `none` when none does. */
export interface QuantizationAdvice {
  readonly pays: Quantization;
  /** One sentence for people. */
  readonly why: string;
  readonly source: string;
}

/** Judges float32 work of one kind on one device. Pure table; says nothing of accuracy. */
export function quantizationAdvice(device: Device, kind: WorkKind): QuantizationAdvice {
  const group = groupOf(kind);
  if (group === 'other') return notArithmetic;
  return byProcessor[device.processor](device, group);
}

type Group = 'convolution' | 'product';

function groupOf(kind: WorkKind): Group | 'other' {
  switch (kind) {
    case 'conv':
    case 'depthwise-conv':
      return 'convolution';
    case 'matmul':
    case 'attention':
    case 'recurrent':
      return 'product';
    default:
      return 'other';
  }
}

const runtimeDocs =
  'ONNX Runtime documentation, Quantize ONNX models (method selection and performance)';
const convolutionRun =
  'onnxruntime-node 1.30, one thread of an AVX512-VNNI Xeon: CNN 4.4 ms float32, 25-28 ms dynamic, 1.5 ms static U8S8';
const productRun =
  'onnxruntime-node 1.30, one thread of an AVX512-VNNI Xeon: 10 products of 3584², 18-29 ms float32, 4.9 ms dynamic int8, 18.6 ms float16';
const olderArmPairs =
  'MLPerf Inference v2.0 open division, 39 MobileNets as float32 and int8 on Raspberry Pi 4 and Odroid N2+: median energy 0.42-0.44 (TFLite 2.7.1), 0.62-0.63 (ArmNN 21.11)';
const submissions = 'MLPerf Inference v2.0-v3.1 submissions: int8 or float16 on every board';

const notArithmetic: QuantizationAdvice = {
  pays: 'none',
  why: 'Bound by memory or overhead: a lower precision alone saves little.',
  source: 'roofline of this tool, docs/energy.md',
};

const byProcessor: Readonly<
  Record<ProcessorKind, (device: Device, group: Group) => QuantizationAdvice>
> = {
  'arm-cpu': onCpu,
  'x86-cpu': onCpu,
  microcontroller: () => ({
    pays: 'int8-static',
    why: 'Kernels for microcontrollers are int8; float32 takes four times the flash and RAM.',
    source: 'MLPerf Tiny v0.7-v1.3: every energy submission is int8; Arm CMSIS-NN documentation',
  }),
  'micro-npu': onInt8Accelerator,
  npu: (device) =>
    device.peakOpsPerSecond.has('int8') && device.runtime !== 'coreml' && device.runtime !== 'xla'
      ? onInt8Accelerator(device)
      : onFloatAccelerator(device),
  'mobile-gpu': onGpu,
  'embedded-gpu': onGpu,
  gpu: onGpu,
};

function onCpu(device: Device, group: Group): QuantizationAdvice {
  const fast = device.int8DotProduct.value === 1;
  if (!fast && group === 'convolution') {
    return device.processor === 'arm-cpu'
      ? {
          pays: 'int8-static',
          why: 'Without SDOT int8 still took about half the energy, under TFLite and ArmNN; measure.',
          source: olderArmPairs,
        }
      : {
          pays: 'none',
          why: 'No int8 dot product (VNNI): int8 convolutions may be slower than float32; measure.',
          source: runtimeDocs,
        };
  }
  if (!fast) {
    return {
      pays: 'none',
      why: 'No int8 dot product (VNNI, SDOT): a gain of dynamic int8 is not assured; measure.',
      source: runtimeDocs,
    };
  }
  if (group === 'convolution') {
    return {
      pays: 'int8-static',
      why: 'Static int8 convolutions use the dot product; dynamic ones run several times slower.',
      source: `${convolutionRun}; ${runtimeDocs}`,
    };
  }
  return {
    pays: 'int8-dynamic',
    why: 'Dynamic int8 products use the dot product and read a quarter of the weight bytes.',
    source: `${productRun}; ${runtimeDocs}`,
  };
}

function onGpu(device: Device): QuantizationAdvice {
  const half = device.peakOpsPerSecond.get('float16')?.value ?? 0;
  const single = device.peakOpsPerSecond.get('float32')?.value ?? 0;
  const why =
    half > single
      ? `float16 runs ${formatRatio(half / single)} as fast as float32 here and moves half the bytes.`
      : 'float16 moves half the bytes at the same rate as float32.';
  if (half === 0) return { ...notArithmetic, why: 'The device has no float16 arithmetic.' };
  const source = device.peakOpsPerSecond.get('float16')?.source ?? submissions;
  return { pays: 'float16', why, source: `${source}; ${submissions}` };
}

function onInt8Accelerator(device: Device): QuantizationAdvice {
  const only = !device.peakOpsPerSecond.has('float16') && !device.peakOpsPerSecond.has('float32');
  return {
    pays: 'int8-static',
    why: only
      ? 'The accelerator runs int8 only: float work falls back to the host.'
      : 'int8 is the fastest format of this accelerator.',
    source: device.peakOpsPerSecond.get('int8')?.source ?? submissions,
  };
}

function onFloatAccelerator(device: Device): QuantizationAdvice {
  if (device.peakOpsPerSecond.has('float16')) {
    return {
      pays: 'float16',
      why: 'The accelerator computes in float16.',
      source: device.peakOpsPerSecond.get('float16')?.source ?? submissions,
    };
  }
  return {
    pays: 'none',
    why: 'The compiler runs float work in bfloat16 by itself.',
    source: device.peakOpsPerSecond.get('bfloat16')?.source ?? submissions,
  };
}

function formatRatio(ratio: number): string {
  return `${ratio >= 10 ? Math.round(ratio) : Math.round(ratio * 10) / 10} times`;
}
