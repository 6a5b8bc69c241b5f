import assert from 'node:assert/strict';
import { dimText } from '../../../server/src/core/shapes/symbolic';
import { count, type NodeText, type TypeText } from './build';

interface Row {
  readonly title: string;
  readonly node: Omit<NodeText, 'in' | 'out'>;
  /** Types of the inputs, in order; '' for an omitted one. */
  readonly in: readonly TypeText[];
  readonly out: readonly TypeText[];
  readonly macs: string | number;
  readonly flops?: string | number;
  readonly kind?: string;
}

const ms = 'com.microsoft';

/** Each expectation is worked out by hand in the comment or in the product itself. */
const rows: readonly Row[] = [
  {
    title: 'Conv: outputs × input channels × kernel, bias is an addition per output',
    node: { op: 'Conv' },
    in: ['float32[1,3,224,224]', 'float32[64,3,7,7]', 'float32[64]'],
    out: ['float32[1,64,112,112]'],
    macs: 64 * 112 * 112 * 3 * 7 * 7,
    flops: 64 * 112 * 112,
    kind: 'conv',
  },
  {
    title: 'Conv keeps a symbolic batch',
    node: { op: 'Conv' },
    in: ['float32[N,3,224,224]', 'float32[64,3,7,7]'],
    out: ['float32[N,64,112,112]'],
    macs: '118013952*N',
    flops: 0,
  },
  {
    title: 'depthwise Conv: one filter per channel',
    node: { op: 'Conv', attributes: { group: 32 } },
    in: ['float32[1,32,112,112]', 'float32[32,1,3,3]'],
    out: ['float32[1,32,112,112]'],
    macs: 32 * 112 * 112 * 9,
    kind: 'depthwise-conv',
  },
  {
    title: 'depthwise Conv with multiplier 2',
    node: { op: 'Conv', attributes: { group: 4 } },
    in: ['float32[2,4,6,6]', 'float32[8,1,3,3]'],
    out: ['float32[2,8,4,4]'],
    macs: 2 * 8 * 4 * 4 * 9,
    kind: 'depthwise-conv',
  },
  {
    title: 'grouped Conv sees a quarter of the channels',
    node: { op: 'Conv', attributes: { group: 4 } },
    in: ['float32[1,64,14,14]', 'float32[128,16,3,3]'],
    out: ['float32[1,128,14,14]'],
    macs: 128 * 14 * 14 * 16 * 9,
    kind: 'conv',
  },
  {
    title: 'Conv1d',
    node: { op: 'Conv' },
    in: ['float32[2,8,100]', 'float32[16,8,5]'],
    out: ['float32[2,16,96]'],
    macs: 2 * 16 * 96 * 8 * 5,
  },
  {
    title: 'Conv with weights of unknown shape but kernel_shape and group',
    node: { op: 'Conv', attributes: { kernel_shape: [3, 3], group: 2 } },
    in: ['float32[1,8,10,10]', 'float32'],
    out: ['float32[1,16,8,8]'],
    macs: 16 * 8 * 8 * 4 * 9,
  },
  {
    title: 'Conv of unknown input stays unknown',
    node: { op: 'Conv' },
    in: ['float32', 'float32[8,3,3,3]'],
    out: ['float32'],
    macs: '?',
  },
  {
    title: 'ConvTranspose: every input element meets M/group × kernel weights',
    node: { op: 'ConvTranspose' },
    in: ['float32[1,16,8,8]', 'float32[16,4,2,2]', 'float32[4]'],
    out: ['float32[1,4,16,16]'],
    macs: 16 * 8 * 8 * 4 * 4,
    flops: 4 * 16 * 16,
  },
  {
    title: 'QLinearConv reads weights from input 3',
    node: { op: 'QLinearConv' },
    in: [
      'uint8[1,3,32,32]',
      'float32[]',
      'uint8[]',
      'int8[8,3,3,3]',
      'float32[8]',
      'int8[8]',
      'float32[]',
      'uint8[]',
    ],
    out: ['uint8[1,8,30,30]'],
    macs: 8 * 30 * 30 * 27,
  },
  {
    title: 'ConvInteger',
    node: { op: 'ConvInteger' },
    in: ['uint8[1,3,32,32]', 'uint8[8,3,3,3]'],
    out: ['int32[1,8,30,30]'],
    macs: 8 * 30 * 30 * 27,
  },
  {
    title: 'FusedConv with Relu: one more operation per output',
    node: { op: 'FusedConv', domain: ms, attributes: { activation: 'Relu' } },
    in: ['float32[1,3,8,8]', 'float32[4,3,3,3]', 'float32[4]'],
    out: ['float32[1,4,6,6]'],
    macs: 4 * 6 * 6 * 27,
    flops: 4 * 6 * 6 * 2,
  },
  {
    title: 'NhwcConv: channels are last',
    node: { op: 'NhwcConv', domain: ms, attributes: { group: 4 } },
    in: ['float32[1,8,8,4]', 'float32[4,3,3,1]'],
    out: ['float32[1,6,6,4]'],
    macs: 6 * 6 * 4 * 9,
    kind: 'depthwise-conv',
  },
  {
    title: 'Gemm with transB and bias',
    node: { op: 'Gemm', attributes: { transB: 1 } },
    in: ['float32[N,2048]', 'float32[1000,2048]', 'float32[1000]'],
    out: ['float32[N,1000]'],
    macs: '2048000*N',
    flops: '1000*N',
  },
  {
    title: 'Gemm with transA: K is the first axis of A',
    node: { op: 'Gemm', attributes: { transA: 1, alpha: 0.5 } },
    in: ['float32[7,5]', 'float32[7,3]'],
    out: ['float32[5,3]'],
    macs: 5 * 3 * 7,
    flops: 15,
  },
  {
    title: 'MatMul broadcasts batch axes',
    node: { op: 'MatMul' },
    in: ['float32[B,12,S,64]', 'float32[B,12,64,S]'],
    out: ['float32[B,12,S,S]'],
    macs: '768*B*S^2',
  },
  {
    title: 'MatMul of two vectors',
    node: { op: 'MatMul' },
    in: ['float32[5]', 'float32[5]'],
    out: ['float32[]'],
    macs: 5,
  },
  {
    title: 'MatMul takes K from B when A is not known',
    node: { op: 'MatMul' },
    in: ['float32', 'float32[5,4]'],
    out: ['float32[2,3,4]'],
    macs: 2 * 3 * 4 * 5,
  },
  {
    title: 'MatMulInteger',
    node: { op: 'MatMulInteger' },
    in: ['uint8[2,128]', 'int8[128,64]'],
    out: ['int32[2,64]'],
    macs: 2 * 64 * 128,
  },
  {
    title: 'QLinearMatMul has B at input 3',
    node: { op: 'QLinearMatMul' },
    in: ['uint8', 'float32[]', 'uint8[]', 'int8[128,64]', 'float32[]', 'int8[]'],
    out: ['uint8[2,64]'],
    macs: 2 * 64 * 128,
  },
  {
    title: 'QGemm has B at input 3',
    node: { op: 'QGemm', domain: ms, attributes: { transB: 1 } },
    in: ['uint8', 'float32[]', 'uint8[]', 'int8[64,128]'],
    out: ['uint8[2,64]'],
    macs: 2 * 64 * 128,
  },
  {
    title: 'MatMulIntegerToFloat',
    node: { op: 'MatMulIntegerToFloat', domain: ms },
    in: ['uint8[4,8]', 'int8[8,6]', 'float32[]', 'float32[]'],
    out: ['float32[4,6]'],
    macs: 4 * 6 * 8,
  },
  {
    title: 'DynamicQuantizeMatMul',
    node: { op: 'DynamicQuantizeMatMul', domain: ms },
    in: ['float32[4,8]', 'int8[8,6]', 'float32[]'],
    out: ['float32[4,6]'],
    macs: 4 * 6 * 8,
  },
  {
    title: 'MatMulNBits takes K from its attribute',
    node: { op: 'MatMulNBits', domain: ms, attributes: { K: 64, N: 32, bits: 4, block_size: 32 } },
    in: ['float32[S,64]', 'uint8[32,2,16]', 'float32[64]'],
    out: ['float32[S,32]'],
    macs: '2048*S',
  },
  {
    title: 'FusedMatMul with transA',
    node: { op: 'FusedMatMul', domain: ms, attributes: { transA: 1, alpha: 0.125 } },
    in: ['float32[2,8,4]', 'float32[2,8,6]'],
    out: ['float32[2,4,6]'],
    macs: 2 * 4 * 6 * 8,
    flops: 2 * 4 * 6,
  },
  {
    // [3, 2, 4] with transBatchA is 2 batches of [3, 4].
    title: 'FusedMatMul with transBatchA',
    node: { op: 'FusedMatMul', domain: ms, attributes: { transBatchA: 1 } },
    in: ['float32[3,2,4]', 'float32[2,4,5]'],
    out: ['float32[2,3,5]'],
    macs: 2 * 3 * 5 * 4,
  },
  {
    title: 'FusedGemm with Relu',
    node: { op: 'FusedGemm', domain: ms, attributes: { activation: 'Relu' } },
    in: ['float32[2,3]', 'float32[3,4]', 'float32[4]'],
    out: ['float32[2,4]'],
    macs: 24,
    flops: 16,
  },
  {
    title: 'Einsum: batched product',
    node: { op: 'Einsum', attributes: { equation: 'bhid, bhjd -> bhij' } },
    in: ['float32[B,12,S,64]', 'float32[B,12,S,64]'],
    out: ['float32[B,12,S,S]'],
    macs: '768*B*S^2',
  },
  {
    title: 'Einsum with an ellipsis',
    node: { op: 'Einsum', attributes: { equation: '...ij,...jk->...ik' } },
    in: ['float32[2,5,3,4]', 'float32[2,5,4,7]'],
    out: ['float32[2,5,3,7]'],
    macs: 2 * 5 * 3 * 4 * 7,
  },
  {
    // (ab,bc): 2*3*4, then (ac,cd): 2*4*5.
    title: 'Einsum of three operands goes from the left',
    node: { op: 'Einsum', attributes: { equation: 'ab,bc,cd->ad' } },
    in: ['float32[2,3]', 'float32[3,4]', 'float32[4,5]'],
    out: ['float32[2,5]'],
    macs: 24 + 40,
  },
  {
    title: 'Einsum of one operand multiplies nothing',
    node: { op: 'Einsum', attributes: { equation: 'ij->ji' } },
    in: ['float32[2,3]'],
    out: ['float32[3,2]'],
    macs: 0,
  },
  {
    title: 'Einsum whose equation does not fit its operands is unknown',
    node: { op: 'Einsum', attributes: { equation: 'ij,jk->ik' } },
    in: ['float32[2,3,4]', 'float32[3,4]'],
    out: ['float32[2,4]'],
    macs: '?',
  },
  {
    title: 'LSTM: 4 gates × hidden × (input + hidden) per step and sample',
    node: { op: 'LSTM', attributes: { hidden_size: 128 } },
    in: ['float32[100,2,64]', 'float32[1,512,64]', 'float32[1,512,128]'],
    out: ['float32[100,1,2,128]'],
    macs: 100 * 2 * 4 * 128 * (64 + 128),
    kind: 'recurrent',
  },
  {
    title: 'bidirectional GRU, symbolic length',
    node: { op: 'GRU', attributes: { hidden_size: 8, direction: 'bidirectional' } },
    in: ['float32[T,1,4]', 'float32[2,24,4]', 'float32[2,24,8]'],
    out: ['float32[T,2,1,8]'],
    macs: `${2 * 3 * 8 * 12}*T`,
  },
  {
    // tanh 14, adding the two products 1: per step and unit.
    title: 'RNN, hidden size from R',
    node: { op: 'RNN' },
    in: ['float32[10,3,5]', 'float32[1,7,5]', 'float32[1,7,7]'],
    out: ['float32[10,1,3,7]'],
    macs: 10 * 3 * 7 * 12,
    flops: 10 * 3 * 7 * 15,
  },
  {
    title: 'DynamicQuantizeLSTM',
    node: { op: 'DynamicQuantizeLSTM', domain: ms, attributes: { hidden_size: 4 } },
    in: ['float32[2,1,3]', 'int8[1,3,16]', 'int8[1,4,16]'],
    out: ['float32[2,1,1,4]'],
    macs: 2 * 4 * 4 * 7,
  },
  {
    // projection 128 × 64 × 192, scores and values 2 × (128 × 128 × 64).
    title: 'com.microsoft Attention projects, then attends',
    node: { op: 'Attention', domain: ms, attributes: { num_heads: 4 } },
    in: ['float32[1,128,64]', 'float32[64,192]', 'float32[192]'],
    out: ['float32[1,128,64]'],
    macs: 128 * 64 * 192 + 2 * 128 * 128 * 64,
    kind: 'attention',
  },
  {
    title: 'com.microsoft Attention with past keys and own widths',
    node: {
      op: 'Attention',
      domain: ms,
      attributes: { num_heads: 2, qkv_hidden_sizes: [8, 8, 12] },
    },
    in: ['float32[1,3,16]', 'float32[16,28]', '', '', 'float32[2,1,2,5,4]'],
    out: ['float32[1,3,12]'],
    macs: 3 * 16 * 28 + 3 * 8 * 8 + 3 * 8 * 12,
  },
  {
    title: 'MultiHeadAttention with past',
    node: { op: 'MultiHeadAttention', domain: ms, attributes: { num_heads: 2 } },
    in: [
      'float32[1,4,16]',
      'float32[1,4,16]',
      'float32[1,4,16]',
      '',
      '',
      '',
      'float32[1,2,6,8]',
      'float32[1,2,6,8]',
    ],
    out: ['float32[1,4,16]'],
    macs: 4 * 10 * (16 + 16),
  },
  {
    title: 'GroupQueryAttention: query heads against shared keys, packed input',
    node: {
      op: 'GroupQueryAttention',
      domain: ms,
      attributes: { num_heads: 8, kv_num_heads: 2 },
    },
    in: ['float32[1,1,96]', '', '', 'float32[1,2,31,8]', 'float32[1,2,31,8]'],
    out: ['float32[1,1,64]', 'float32[1,2,32,8]', 'float32[1,2,32,8]'],
    macs: 32 * (64 + 64),
  },
  {
    title: 'QAttention',
    node: { op: 'QAttention', domain: ms, attributes: { num_heads: 2 } },
    in: ['uint8[1,4,8]', 'int8[8,24]', 'float32[24]', 'float32[]', 'float32[]'],
    out: ['float32[1,4,8]'],
    macs: 4 * 8 * 24 + 2 * 4 * 4 * 8,
  },
  {
    title: 'ai.onnx Attention on [batch, heads, sequence, head]',
    node: { op: 'Attention' },
    in: ['float32[1,8,S,16]', 'float32[1,2,L,16]', 'float32[1,2,L,24]'],
    out: ['float32[1,8,S,24]'],
    macs: '320*L*S',
  },
  {
    title: 'LinearClassifier keeps its coefficients in an attribute',
    node: {
      op: 'LinearClassifier',
      domain: 'ai.onnx.ml',
      attributes: { coefficients: { floats: new Array<number>(12).fill(1) } },
    },
    in: ['float32[N,4]'],
    out: ['int64[N]', 'float32[N,3]'],
    macs: '12*N',
  },
  {
    // Trees 0 and 1 with 3 and 7 nodes: 2 and 3 comparisons.
    title: 'tree ensembles compare, one level after the other',
    node: {
      op: 'TreeEnsembleRegressor',
      domain: 'ai.onnx.ml',
      attributes: { nodes_treeids: [0, 0, 0, 1, 1, 1, 1, 1, 1, 1] },
    },
    in: ['float32[N,4]'],
    out: ['float32[N,1]'],
    macs: 0,
    flops: '5*N',
    kind: 'tree',
  },
  {
    title: 'MoE: two experts of two matrices for each token',
    node: { op: 'MoE', domain: ms, attributes: { k: 2 } },
    in: ['float32[5,8]', 'float32[5,4]', 'float32[4,16,8]', '', 'float32[4,8,16]'],
    out: ['float32[5,8]'],
    macs: 5 * 2 * (16 * 8 + 8 * 16),
  },
  {
    title: 'Relu: one operation an element',
    node: { op: 'Relu' },
    in: ['float32[N,8]'],
    out: ['float32[N,8]'],
    macs: 0,
    flops: '8*N',
    kind: 'elementwise',
  },
  {
    title: 'MaxPool: one comparison for each element under the window',
    node: { op: 'MaxPool', attributes: { kernel_shape: [3, 3] } },
    in: ['float32[1,64,112,112]'],
    out: ['float32[1,64,56,56]'],
    macs: 0,
    flops: 64 * 56 * 56 * 9,
    kind: 'pooling',
  },
  {
    title: 'GlobalAveragePool: one addition for each input',
    node: { op: 'GlobalAveragePool' },
    in: ['float32[1,512,7,7]'],
    out: ['float32[1,512,1,1]'],
    macs: 0,
    flops: 512 * 49,
  },
  {
    title: 'linear Resize of two axes: 4 products and 3 additions',
    node: { op: 'Resize', attributes: { mode: 'linear' } },
    in: ['float32[1,3,8,8]'],
    out: ['float32[1,3,16,16]'],
    macs: 0,
    flops: 3 * 256 * 7,
  },
  {
    title: 'an operator without a row is unknown, not free',
    node: { op: 'Frobnicate', domain: 'acme' },
    in: ['float32[1,3]'],
    out: ['float32[1,3]'],
    macs: '?',
    flops: '?',
    kind: 'unknown',
  },
  {
    title: 'names of object properties are no operators',
    node: { op: '__proto__' },
    in: ['float32[1,3]'],
    out: ['float32[1,3]'],
    macs: '?',
    kind: 'unknown',
  },
];

describe('facts: multiply-accumulates and other arithmetic per operator', () => {
  for (const row of rows) {
    it(row.title, () => {
      const names = row.in.map((type, index) => (type === '' ? '' : `in${index}`));
      const inputs = Object.fromEntries(
        row.in.flatMap((type, index) => (type === '' ? [] : [[`in${index}`, type]])),
      );
      const out = Object.fromEntries(row.out.map((type, index) => [`out${index}`, type]));
      const { making } = count({ inputs, nodes: [{ ...row.node, in: names, out }] });
      const facts = making('out0');
      assert.equal(dimText(facts.macs), String(row.macs));
      if (row.flops !== undefined) assert.equal(dimText(facts.flops), String(row.flops));
      if (row.kind !== undefined) assert.equal(facts.kind, row.kind);
    });
  }
});
