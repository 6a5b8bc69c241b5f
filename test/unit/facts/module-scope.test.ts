import assert from 'node:assert/strict';
import { originOf } from '../../../server/src/core/facts/module-scope';
import { count } from './build';

function originOfNode(name: string, metadata: Readonly<Record<string, string>> = {}) {
  const { facts } = count({
    inputs: { x: 'float32[1]' },
    nodes: [{ op: 'Relu', name, in: ['x'], out: { y: 'float32[1]' }, metadata }],
  });
  const [node] = facts.nodes;
  assert.ok(node);
  return originOf(node.node);
}

/** Names as the exporters write them: see torchvision's ResNet, a TFLite converter, PyTorch 1.x. */
const names: readonly (readonly [name: string, module: string | null])[] = [
  ['/conv1/Conv', 'conv1'],
  ['/layer1/layer1.0/conv1/Conv', 'layer1.0.conv1'],
  ['/layers/layers.0/mlp/mlp.1/Constant_1', 'layers.0.mlp.1'],
  ['/layer1/layer1.0/downsample/downsample.0/Conv', 'layer1.0.downsample.0'],
  ['/Add', null],
  ['Conv_0', null],
  ['', null],
  ['model/conv1/BiasAdd__22', 'model.conv1'],
  ['//encoder///encoder.0//encoder.0.norm/Add', 'encoder.0.norm'],
  ['a/ab/ab.c/Op', 'a.ab.c'],
  ['TFLITE2ONNX_Quant_model/conv1/Conv', 'model.conv1'],
  ['Relu;sequential/dense/BiasAdd', null],
  ['sequential/dense/Relu;sequential/dense/BiasAdd', 'sequential.dense'],
];

/** As PyTorch's dynamo exporter writes them. */
const scopes: readonly (readonly [
  metadata: Readonly<Record<string, string>>,
  module: string | null,
])[] = [
  [
    { 'pkg.torch.onnx.name_scopes': "['', 'layers', 'layers.0', 'layers.0.attention', 'view']" },
    'layers.0.attention',
  ],
  [{ 'pkg.torch.onnx.name_scopes': "['', 'div']" }, null],
  [{ 'pkg.torch.onnx.name_scopes': `['', "it's", 'x']` }, "it's"],
  [
    { namespace: ': __main__.Net/conv1: torch.nn.modules.conv.Conv2d/conv2d: aten.conv2d.default' },
    'conv1',
  ],
  [{ namespace: ': __main__.Net/relu: aten.relu.default' }, null],
];

describe('facts: module and source line of a node', () => {
  for (const [name, module] of names) {
    it(`node name ${JSON.stringify(name)}`, () => {
      assert.equal(originOfNode(name).module, module);
    });
  }

  for (const [metadata, module] of scopes) {
    it(`metadata ${Object.values(metadata).join()}`, () => {
      assert.equal(originOfNode('node_view_4', metadata).module, module);
    });
  }

  it('metadata outweighs the name', () => {
    const metadata = { 'pkg.torch.onnx.name_scopes': "['', 'head', 'linear']" };
    assert.equal(originOfNode('/body/Gemm', metadata).module, 'head');
  });

  it('the source line is the innermost one outside libraries', () => {
    const trace = [
      'File "train.py", line 91, in forward',
      '    return self.layers(x)',
      '  File "/usr/lib/python3/site-packages/torch/nn/modules/container.py", line 253, in forward',
      '    input = module(input)',
      '  File "blocks/layer.py", line 73, in forward',
      '    x = self.norm(x)',
      '  File "torch/nn/modules/normalization.py", line 217, in forward',
      '    return F.layer_norm(input)',
    ].join('\n');
    const { source } = originOfNode('n', { 'pkg.torch.onnx.stack_trace': trace });
    assert.deepEqual(source, { file: 'blocks/layer.py', line: 73 });
    assert.equal(originOfNode('n', { 'pkg.torch.onnx.stack_trace': '' }).source, null);
    assert.equal(originOfNode('n').source, null);
  });
});
