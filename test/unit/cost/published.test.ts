import assert from 'node:assert/strict';
import { findDevice } from '../../../server/src/core/cost/devices';
import { estimate } from '../../../server/src/core/cost/energy';
import type { DataType } from '../../../server/src/core/dtype';
import { modelWorkload } from './published-workload';

/**
 * Published measurements: row of the energy table, source set, device, model, MMACs, parameters in
 * millions, precision, batch, joules of one inference. MLPerf Inference and MLPerf Tiny results are
 * quoted from their submissions (MLPerf is a trademark of MLCommons); fischer2025 is a wall meter.
 * Throughput scenarios do not state a batch: 64 is taken.
 */
type Row = readonly [string, string, string, string, number, number, DataType, number, number];

// prettier-ignore
const rows: readonly Row[] = [
  ['V00097', 'mlperf-inference-v2.0-closed', 'raspberry-pi-4b', 'resnet50', 4100, 25.6, 'float32', 1, 1.828],
  ['V00098', 'mlperf-inference-v2.0-closed', 'raspberry-pi-4b', 'resnet50', 4100, 25.6, 'float32', 1, 3.42],
  ['V01119', 'mlperf-inference-v2.0-open', 'raspberry-pi-4b', 'mobilenet-v1-1.0-224-non-quantized', 568.74, 4.222, 'float32', 1, 0.328],
  ['V01332', 'mlperf-inference-v2.0-open', 'raspberry-pi-4b', 'mobilenet-v1-1.0-224-quantized', 568.74, 4.222, 'int8', 1, 0.1855],
  ['V01121', 'mlperf-inference-v2.0-open', 'raspberry-pi-4b', 'mobilenet-v2-1.0-224-non-quantized', 300.78, 3.489, 'float32', 1, 0.2937],
  ['V01396', 'mlperf-inference-v2.0-open', 'raspberry-pi-4b', 'mobilenet-v2-1.0-224-quantized', 300.78, 3.489, 'int8', 1, 0.155],
  ['V01329', 'mlperf-inference-v2.0-open', 'raspberry-pi-4b', 'mobilenet-v1-0.25-128-quantized', 13.57, 0.468, 'int8', 1, 0.01295],
  ['V01100', 'mlperf-inference-v2.0-open', 'raspberry-pi-4b', 'efficientnet-lite4-non-quantized', 2553, 12.95, 'float32', 1, 1.6],
  ['V01055', 'mlperf-inference-v2.0-open', 'raspberry-pi-4b', 'efficientnet-lite4-quantized', 2553, 12.95, 'int8', 1, 0.9539],
  ['V00067', 'mlperf-inference-v2.0-closed', 'odroid-n2plus-cpu', 'resnet50', 4100, 25.6, 'float32', 1, 1.748],
  ['V00069', 'mlperf-inference-v2.0-closed', 'odroid-n2plus-cpu', 'resnet50', 4100, 25.6, 'float32', 1, 2.269],
  ['V00628', 'mlperf-inference-v2.1-closed', 'rk3588s-cpu', 'resnet50', 4100, 25.6, 'float32', 1, 1.407],
  ['V00632', 'mlperf-inference-v2.1-closed', 'rk3588s-cpu', 'resnet50', 4100, 25.6, 'float32', 1, 0.8462],
  ['V00638', 'mlperf-inference-v2.1-closed', 'nvidia-jetson-agx-orin-cpu', 'resnet50', 4100, 25.6, 'float32', 1, 1.606],
  ['V00640', 'mlperf-inference-v2.1-closed', 'nvidia-jetson-agx-orin-cpu', 'resnet50', 4100, 25.6, 'float32', 1, 0.9773],
  ['V02348', 'mlperf-inference-v3.0-open', 'nvidia-jetson-agx-orin-cpu', 'resnet50', 4100, 25.6, 'float32', 1, 2.653],
  ['V02349', 'mlperf-inference-v3.0-open', 'nvidia-jetson-agx-orin-cpu', 'resnet50', 4100, 25.6, 'float32', 1, 1.173],
  ['V00633', 'mlperf-inference-v2.1-closed', 'rk3588s-mali-g610', 'resnet50', 4100, 25.6, 'float32', 1, 0.5806],
  ['V00629', 'mlperf-inference-v2.1-closed', 'vim4-a311d2-mali-g52', 'resnet50', 4100, 25.6, 'float32', 1, 0.8996],
  ['V00610', 'mlperf-inference-v3.1-closed', 'qualcomm-qrb5165-hexagon698', 'resnet50', 4100, 25.6, 'int8', 1, 0.1185],
  ['V00611', 'mlperf-inference-v3.1-closed', 'qualcomm-qrb5165-adreno650', 'resnet50', 4100, 25.6, 'float16', 1, 0.6556],
  ['V00186', 'mlperf-inference-v2.0-closed', 'nvidia-jetson-agx-orin', 'resnet50', 4100, 25.6, 'int8', 64, 0.008929],
  ['V00187', 'mlperf-inference-v2.0-closed', 'nvidia-jetson-agx-orin', 'resnet50', 4100, 25.6, 'int8', 1, 0.02545],
  ['V00195', 'mlperf-inference-v2.0-closed', 'nvidia-jetson-agx-orin', 'ssd-resnet34', 216500, 36.3, 'int8', 1, 0.4226],
  ['V00613', 'mlperf-inference-v3.1-closed', 'nvidia-jetson-orin-nx-16gb', 'resnet50', 4100, 25.6, 'int8', 1, 0.01936],
  ['V00011', 'mlperf-inference-v2.0-closed', 'nvidia-a100-sxm-80gb', 'resnet50', 4100, 25.6, 'int8', 64, 0.01098],
  ['V00052', 'mlperf-inference-v2.0-closed', 'nvidia-a100-pcie-80gb', 'resnet50', 4100, 25.6, 'int8', 64, 0.0114],
  ['V00440', 'mlperf-inference-v2.1-closed', 'nvidia-a100-pcie-80gb', 'retinanet', 202000, 37, 'int8', 64, 0.5765],
  ['V00441', 'mlperf-inference-v2.1-closed', 'nvidia-a100-sxm-80gb', 'retinanet', 202000, 37, 'int8', 64, 0.7551],
  ['V00021', 'mlperf-inference-v2.0-closed', 'nvidia-a2', 'resnet50', 4100, 25.6, 'int8', 64, 0.09332],
  ['V00306', 'mlperf-inference-v3.1-closed', 'nvidia-h100-pcie-80gb', 'resnet50', 4100, 25.6, 'int8', 64, 0.006507],
  ['V00307', 'mlperf-inference-v3.1-closed', 'nvidia-h100-sxm-80gb', 'resnet50', 4100, 25.6, 'int8', 64, 0.008558],
  ['V00509', 'mlperf-inference-v3.1-open', 'nvidia-rtx-4090', 'resnet50', 4100, 25.6, 'int8', 64, 0.01349],
  ['V00616', 'mlperf-inference-v3.1-closed', 'nvidia-rtx-4090', 'resnet50', 4100, 25.6, 'int8', 1, 0.07442],
  ['V00526', 'mlperf-inference-v3.1-open', 'nvidia-rtx-4090', 'retinanet', 202000, 37, 'int8', 64, 0.9459],
  ['V00041', 'mlperf-inference-v2.0-closed', 'qualcomm-cloud-ai100-pro', 'resnet50', 4100, 25.6, 'int8', 64, 0.004914],
  ['V00642', 'mlperf-inference-v2.1-closed', 'qualcomm-cloud-ai100-pro', 'resnet50', 4100, 25.6, 'int8', 1, 0.04292],
  ['V00214', 'mlperf-inference-v2.0-closed', 'qualcomm-cloud-ai100-dm2e', 'resnet50', 4100, 25.6, 'int8', 64, 0.004102],
  ['V00215', 'mlperf-inference-v2.0-closed', 'qualcomm-cloud-ai100-dm2e', 'resnet50', 4100, 25.6, 'int8', 1, 0.01614],
  ['V00220', 'mlperf-inference-v2.0-closed', 'qualcomm-cloud-ai100-dm2e', 'ssd-resnet34', 216500, 36.3, 'int8', 64, 0.2053],
  ['V02914', 'mlperf-inference-v3.0-open', 'rockchip-rk35xx-npu', 'resnet50', 4100, 25.6, 'int8', 1, 0.07709],
  ['V06209', 'fischer2025-wallmeter', 'intel-i9-13900k', 'ResNet50', 4090, 25.637, 'float32', 16, 2.866],
  ['V06186', 'fischer2025-wallmeter', 'intel-i9-13900k', 'VGG16', 15470, 138.358, 'float32', 16, 8.012],
  ['V03697', 'mlperf-tiny-v0.7', 'st-stm32l4r5', 'ResNet-8', 12.5, 0.0779, 'int8', 1, 0.0123],
  ['V03698', 'mlperf-tiny-v0.7', 'st-stm32l4r5', 'DS-CNN', 2.657, 0.0226, 'int8', 1, 0.004636],
  ['V03699', 'mlperf-tiny-v0.7', 'st-stm32l4r5', 'MobileNetV1-0.25-96', 7.49, 0.211, 'int8', 1, 0.01229],
  ['V03800', 'mlperf-tiny-v1.3', 'st-stm32l4r5', 'ResNet-8', 12.5, 0.0779, 'int8', 1, 0.005496],
  ['V03796', 'mlperf-tiny-v1.2', 'st-stm32u575', 'ResNet-8', 12.5, 0.0779, 'int8', 1, 0.002579],
  ['V03797', 'mlperf-tiny-v1.2', 'st-stm32u575', 'DS-CNN', 2.657, 0.0226, 'int8', 1, 0.0006562],
  ['V03798', 'mlperf-tiny-v1.2', 'st-stm32u575', 'MobileNetV1-0.25-96', 7.49, 0.211, 'int8', 1, 0.001355],
  ['V03701', 'mlperf-tiny-v0.7', 'renesas-ra6m4', 'ResNet-8', 12.5, 0.0779, 'int8', 1, 0.01772],
  ['V03702', 'mlperf-tiny-v0.7', 'renesas-ra6m4', 'DS-CNN', 2.657, 0.0226, 'int8', 1, 0.003797],
  ['V03804', 'mlperf-tiny-v1.3', 'st-stm32u385', 'ResNet-8', 12.5, 0.0779, 'int8', 1, 0.0009656],
  ['V03735', 'mlperf-tiny-v1.0', 'greenwaves-gap9', 'ResNet-8', 12.5, 0.0779, 'int8', 1, 2.771e-05],
  ['V03737', 'mlperf-tiny-v1.0', 'greenwaves-gap9', 'MobileNetV1-0.25-96', 7.49, 0.211, 'int8', 1, 4.08e-05],
  ['V03746', 'mlperf-tiny-v1.0', 'syntiant-ndp120', 'ResNet-8', 12.5, 0.0779, 'int8', 1, 0.0001018],
  ['V03748', 'mlperf-tiny-v1.0', 'syntiant-ndp120', 'MobileNetV1-0.25-96', 7.49, 0.211, 'int8', 1, 7.171e-05],
];

const results = rows.map(([row, set, id, model, mmacs, megaParameters, dtype, batch, joules]) => {
  const device = findDevice(id);
  assert.ok(device, id);
  const workload = modelWorkload(model, mmacs * 1e6, megaParameters * 1e6, dtype);
  const range = estimate(workload, device, { batch }).energyPerSampleJoules;
  assert.ok(range, `${row} ${id}`);
  const inside = range.low <= joules && joules <= range.high;
  return { row, set, device, joules, range, inside };
});

describe('published measurements', () => {
  it('lie in the stated 90 % interval, at least 80 % of them', () => {
    const outside = results.filter(({ inside }) => !inside);
    const share = 1 - outside.length / results.length;
    const list = outside.map(({ row, device, joules, range }) =>
      [row, device.id, joules, range.mid.toPrecision(3)].join(' '),
    );
    assert.ok(share >= 0.8, `${Math.round(share * 100)} % inside; outside:\n${list.join('\n')}`);
  });

  it('are met within a factor of 2 for half of them: the intervals are not the whole answer', () => {
    const within = results.filter(
      ({ joules, range }) => Math.abs(Math.log(range.mid / joules)) < Math.log(2),
    );
    assert.ok(within.length / results.length >= 0.5, `${within.length} of ${results.length}`);
  });

  it('rank devices of one boundary that are far apart', () => {
    // ResNet-50 at the wall: Raspberry Pi 4 (V00097) > Jetson AGX Orin (V00187) > RTX 4090, batched (V00509).
    const mid = (row: string) =>
      results.find((result) => result.row === row)?.range.mid ?? Number.NaN;
    assert.ok(mid('V00097') > 10 * mid('V00187'));
    assert.ok(mid('V00187') > mid('V00509'));
  });
});
