import type { DataType } from '../../../server/src/core/dtype';
import { dataTypeInfo } from '../../../server/src/core/dtype';
import type { WorkItem, WorkKind, Workload } from '../../../server/src/core/workload';

/** An item of which everything is known and nothing is done; tests say what they need. */
export function item(over: Partial<WorkItem>): WorkItem {
  return {
    name: 'main/node',
    opType: 'Conv',
    kind: 'conv',
    macs: 0,
    flops: 0,
    readBytes: 0,
    writeBytes: 0,
    weightBytes: 0,
    computeDtype: 'float32',
    ...over,
  };
}

export function workloadOf(items: readonly WorkItem[], over: Partial<Workload> = {}): Workload {
  return {
    items,
    parameters: 1000,
    weightBytes: items.reduce((sum, { weightBytes }) => sum + weightBytes, 0),
    peakActivationBytes: 1000,
    ioBytes: 0,
    coverage: 1,
    assumptions: [],
    ...over,
  };
}

/**
 * A published model of which only MACs and parameters are known, as a chain of equal layers. Layer
 * counts and the depthwise share are those of the papers (MobileNet: 1704.04861 table 2 gives 3 % of
 * the MACs to depthwise layers); activations follow ResNet-50's 11 M elements at 4.1 GMACs.
 */
export function modelWorkload(
  model: string,
  macs: number,
  parameters: number,
  dtype: DataType,
): Workload {
  const [layers, depthwiseShare, kind] = familyOf(model);
  const bytes = (dataTypeInfo(dtype).bits ?? 32) / 8;
  const activationBytes = 11e6 * Math.sqrt(macs / 4.1e9) * bytes;
  const depthwiseLayers = depthwiseShare > 0 ? Math.floor(layers / 2) : 0;
  const denseLayers = layers - depthwiseLayers;
  const layer = (index: number, layerKind: WorkKind, layerMacs: number, weightBytes: number) =>
    item({
      name: `main/layer${index}`,
      kind: layerKind,
      opType: layerKind === 'matmul' ? 'MatMul' : 'Conv',
      macs: layerMacs,
      readBytes: weightBytes + activationBytes / layers,
      writeBytes: activationBytes / layers,
      weightBytes,
      computeDtype: dtype,
    });
  const items = Array.from({ length: layers }, (_, index) =>
    index < denseLayers
      ? layer(
          index,
          kind,
          (macs * (1 - depthwiseShare)) / denseLayers,
          (parameters * bytes) / denseLayers,
        )
      : layer(index, 'depthwise-conv', (macs * depthwiseShare) / depthwiseLayers, 0),
  );
  return workloadOf(items, { parameters, peakActivationBytes: activationBytes / 8 });
}

/** Layers, share of MACs in depthwise layers, kind of the others. */
function familyOf(model: string): readonly [number, number, WorkKind] {
  if (/bert/i.test(model)) return [144, 0, 'matmul'];
  if (/ssd-mobilenet/i.test(model)) return [60, 0.05, 'conv'];
  if (/mobilenet-?v1/i.test(model)) return [28, 0.03, 'conv'];
  if (/mobilenet|efficientnet/i.test(model)) return [56, 0.07, 'conv'];
  if (/ds-cnn/i.test(model)) return [10, 0.05, 'conv'];
  if (/resnet-8/i.test(model)) return [10, 0, 'conv'];
  return [54, 0, 'conv'];
}
