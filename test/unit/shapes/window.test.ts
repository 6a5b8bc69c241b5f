import assert from 'node:assert/strict';
import { inferNode } from './helpers';

interface Row {
  readonly title: string;
  readonly kernel: number;
  readonly stride: number;
  readonly ceilMode: 0 | 1;
  /** Of 7 inputs, as ONNX Runtime 1.32 makes it; null when it makes an empty output or fails. */
  readonly size: number | null;
}

const rows: readonly Row[] = [
  // How PyTorch writes the pooler of EfficientNet: a kernel as large as the channels.
  { title: 'rounds up to one window', kernel: 1280, stride: 1280, ceilMode: 1, size: 1 },
  { title: 'one missing input', kernel: 8, stride: 2, ceilMode: 1, size: 1 },
  { title: 'not when the stride is 1', kernel: 8, stride: 1, ceilMode: 1, size: null },
  { title: 'not when a stride is missing', kernel: 9, stride: 2, ceilMode: 1, size: null },
  { title: 'nor when several are', kernel: 20, stride: 3, ceilMode: 1, size: null },
  { title: 'rounds down to none', kernel: 8, stride: 1, ceilMode: 0, size: null },
];

describe('shapes: pooling windows wider than their input', () => {
  for (const { title, kernel, stride, ceilMode, size } of rows) {
    for (const op of ['AveragePool', 'MaxPool']) {
      it(`${op}: ${title}`, () => {
        const attributes = {
          kernel_shape: [kernel, kernel],
          strides: [stride, stride],
          ceil_mode: ceilMode,
        };
        const { outputs, problems } = inferNode({ op, on: ['float32[1,2,7,7]'], attributes }, 1);
        assert.deepEqual(problems, size === null ? ['shape-mismatch'] : []);
        if (size !== null) assert.deepEqual(outputs, [`float32[1, 2, ${size}, ${size}]`]);
      });
    }
  }
});
