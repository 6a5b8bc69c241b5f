import assert from 'node:assert/strict';
import {
  bools,
  float32s,
  floats,
  int64,
  ints,
  strings,
  tensorValue,
  weights,
} from '../../support/model';
import { inferNode } from './helpers';
import type { NodeCase } from './helpers';

const maximumInt64 = 2n ** 63n - 1n;
const minimumInt64 = -(2n ** 63n);

/** One node each: what the operator's specification says about its outputs. */
const families: Readonly<Record<string, readonly NodeCase[]>> = {
  convolution: [
    {
      op: 'Conv',
      on: ['float32[N,3,224,224]', weights('float32', 64, 3, 7, 7)],
      attributes: { strides: [2, 2], pads: [3, 3, 3, 3] },
      gives: ['float32[N, 64, 112, 112]'],
    },
    {
      op: 'Conv',
      on: ['float32[N,3,H,W]', weights('float32', 8, 3, 3, 3)],
      attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
      gives: ['float32[N, 8, floor((H + 1)/2), floor((W + 1)/2)]'],
    },
    {
      op: 'Conv',
      on: ['float32[1,8,10,10]', weights('float32', 8, 1, 3, 3)],
      attributes: { group: 8, dilations: [2, 2] },
      gives: ['float32[1, 8, 6, 6]'],
    },
    {
      op: 'Conv',
      on: ['float32[1,1,5,5]', weights('float32', 1, 1, 3, 3)],
      attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] },
      gives: ['float32[1, 1, 3, 3]'],
    },
    {
      op: 'Conv',
      on: ['float32[1,1,H]', weights('float32', 4, 1, 5)],
      attributes: { auto_pad: 'VALID' },
      gives: ['float32[1, 4, H - 4]'],
    },
    {
      op: 'ConvTranspose',
      on: ['float32[1,4,3,3]', weights('float32', 4, 2, 3, 3)],
      attributes: { strides: [2, 2], output_padding: [1, 1] },
      gives: ['float32[1, 2, 8, 8]'],
    },
    {
      op: 'ConvTranspose',
      on: ['float32[1,4,3,3]', weights('float32', 4, 1, 3, 3)],
      attributes: { group: 4, strides: [3, 2], output_shape: [10, 8] },
      gives: ['float32[1, 4, 10, 8]'],
    },
    {
      op: 'ConvInteger',
      on: ['uint8[1,1,3,3]', weights('uint8', 1, 1, 2, 2)],
      gives: ['int32[1, 1, 2, 2]'],
    },
    {
      op: 'QLinearConv',
      on: [
        'uint8[1,1,7,7]',
        'float32[]',
        'uint8[]',
        weights('uint8', 1, 1, 1, 1),
        'float32[1]',
        'uint8[1]',
        'float32[]',
        'int8[]',
      ],
      gives: ['int8[1, 1, 7, 7]'],
    },
    {
      op: 'com.microsoft::NhwcConv',
      on: ['float32[1,8,8,3]', weights('float32', 16, 3, 3, 3)],
      gives: ['float32[1, 6, 6, 16]'],
    },
    {
      op: 'com.microsoft::FusedConv',
      on: ['float32[1,3,8,8]', weights('float32', 4, 3, 3, 3)],
      attributes: { activation: 'Relu' },
      gives: ['float32[1, 4, 6, 6]'],
    },
  ],
  pooling: [
    {
      op: 'MaxPool',
      on: ['float32[1,3,32,32]'],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      gives: ['float32[1, 3, 16, 16]', 'int64[1, 3, 16, 16]'],
    },
    {
      op: 'MaxPool',
      on: ['float32[1,1,4,4]'],
      attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
      gives: ['float32[1, 1, 2, 2]', '-'],
    },
    // The last window would start in the padding: dropped.
    {
      op: 'MaxPool',
      on: ['float32[1,1,2,2]'],
      attributes: { kernel_shape: [1, 1], strides: [2, 2], ceil_mode: 1 },
      gives: ['float32[1, 1, 1, 1]', '-'],
    },
    {
      op: 'AveragePool',
      on: ['float32[1,1,H]'],
      attributes: { kernel_shape: [2] },
      gives: ['float32[1, 1, H - 1]'],
    },
    { op: 'GlobalAveragePool', on: ['float32[N,512,H,W]'], gives: ['float32[N, 512, 1, 1]'] },
    {
      op: 'com.microsoft::QLinearGlobalAveragePool',
      on: ['uint8[1,7,7,64]'],
      attributes: { channels_last: 1 },
      gives: ['uint8[1, 1, 1, 64]'],
    },
    {
      op: 'com.microsoft::NhwcMaxPool',
      on: ['int8[1,8,8,3]'],
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      gives: ['int8[1, 4, 4, 3]'],
    },
    {
      op: 'RoiAlign',
      on: ['float32[1,256,H,W]', 'float32[R,4]', 'int64[R]'],
      attributes: { output_height: 7, output_width: 7 },
      gives: ['float32[R, 256, 7, 7]'],
    },
  ],
  products: [
    {
      op: 'MatMul',
      on: ['float32[N,S,768]', weights('float32', 768, 3072)],
      gives: ['float32[N, S, 3072]'],
    },
    {
      op: 'MatMul',
      on: ['float32[N,12,S,64]', 'float32[N,12,64,T]'],
      gives: ['float32[N, 12, S, T]'],
    },
    { op: 'MatMul', on: ['float32[4]', 'float32[3,4,5]'], gives: ['float32[3, 5]'] },
    { op: 'MatMul', on: ['float32[3,4]', 'float32[4]'], gives: ['float32[3]'] },
    {
      op: 'Gemm',
      on: ['float32[N,128]', weights('float32', 10, 128), weights('float32', 10)],
      attributes: { transB: 1 },
      gives: ['float32[N, 10]'],
    },
    { op: 'MatMulInteger', on: ['uint8[N,8]', weights('int8', 8, 4)], gives: ['int32[N, 4]'] },
    {
      op: 'QLinearMatMul',
      on: [
        'uint8[2,4]',
        'float32[]',
        'uint8[]',
        'uint8[4,3]',
        'float32[]',
        'uint8[]',
        'float32[]',
        'int8[]',
      ],
      gives: ['int8[2, 3]'],
    },
    {
      op: 'com.microsoft::MatMulNBits',
      on: ['float16[B,S,4096]', weights('uint8', 11008, 32, 64), weights('float16', 352256)],
      attributes: { K: 4096, N: 11008, bits: 4, block_size: 128 },
      gives: ['float16[B, S, 11008]'],
    },
    {
      op: 'com.microsoft::FusedMatMul',
      on: ['float32[2,5,3]', 'float32[2,5,7]'],
      attributes: { transA: 1 },
      gives: ['float32[2, 3, 7]'],
    },
    {
      op: 'com.microsoft::DynamicQuantizeMatMul',
      on: ['float32[N,8]', weights('int8', 8, 4), 'float32[1]'],
      gives: ['float32[N, 4]'],
    },
    {
      op: 'Einsum',
      on: ['float32[B,S,H]', 'float32[H,D]'],
      attributes: { equation: 'bsh,hd->bsd' },
      gives: ['float32[B, S, D]'],
    },
    {
      op: 'Einsum',
      on: ['float32[2,3,4,5]', 'float32[5,6]'],
      attributes: { equation: '...k,kn->...n' },
      gives: ['float32[2, 3, 4, 6]'],
    },
    {
      op: 'Einsum',
      on: ['float32[3,5]'],
      attributes: { equation: 'ij' },
      gives: ['float32[3, 5]'],
    },
  ],
  elementwise: [
    { op: 'Add', on: ['float32[N,1,5]', 'float32[3,1]'], gives: ['float32[N, 3, 5]'] },
    { op: 'Add', on: ['float32[N]', 'float32[8]'], gives: ['float32[8]'] },
    { op: 'Add', on: ['float32[N]', 'float32[M]'], gives: ['float32[max(M, N)]'] },
    {
      op: 'Add',
      opset: 6,
      on: ['float32[2,3,4]', 'float32[3]'],
      attributes: { broadcast: 1, axis: 1 },
      gives: ['float32[2, 3, 4]'],
    },
    { op: 'Less', on: ['int64[N,1]', 'int64[7]'], gives: ['bool[N, 7]'] },
    { op: 'Where', on: ['bool[N,1]', 'float16[1,4]', 'float16[]'], gives: ['float16[N, 4]'] },
    { op: 'Cast', on: ['float32[N]'], attributes: { to: 10 }, gives: ['float16[N]'] },
    {
      op: 'Cast',
      opset: 1,
      on: ['float32[N]'],
      attributes: { to: 'DOUBLE' },
      gives: ['float64[N]'],
    },
    { op: 'Pow', on: ['float32[3]', 'int64[]'], gives: ['float32[3]'] },
    { op: 'Dropout', opset: 13, on: ['float16[2,3]'], gives: ['float16[2, 3]', 'bool[2, 3]'] },
    { op: 'Dropout', opset: 7, on: ['float16[2,3]'], gives: ['float16[2, 3]', 'float16[2, 3]'] },
    { op: 'Identity', on: ['?'], gives: ['unknown'] },
  ],
  shape: [
    {
      op: 'Reshape',
      on: ['float32[N,12,S,64]', ints([0, -1, 768])],
      gives: ['float32[N, S, 768]'],
    },
    { op: 'Reshape', on: ['float32[N,3,4]', ints([-1])], gives: ['float32[12*N]'] },
    {
      op: 'Reshape',
      on: ['float32[0,3]', ints([0, 5])],
      attributes: { allowzero: 1 },
      gives: ['float32[0, 5]'],
    },
    {
      op: 'Reshape',
      opset: 1,
      on: ['float32[2,6]'],
      attributes: { shape: [3, -1] },
      gives: ['float32[3, 4]'],
    },
    { op: 'Reshape', on: ['float32[2,6]', 'int64[3]'], gives: ['float32[y0.0, y0.1, y0.2]'] },
    { op: 'Flatten', on: ['float32[N,3,4]'], gives: ['float32[N, 12]'] },
    { op: 'Flatten', on: ['float32[N,3,4]'], attributes: { axis: 0 }, gives: ['float32[1, 12*N]'] },
    {
      op: 'Squeeze',
      opset: 11,
      on: ['float32[1,N,1]'],
      attributes: { axes: [0, -1] },
      gives: ['float32[N]'],
    },
    { op: 'Squeeze', on: ['float32[1,N,1]', ints([2])], gives: ['float32[1, N]'] },
    { op: 'Squeeze', on: ['float32[1,N,1]'], gives: ['float32[N]'] },
    {
      op: 'Unsqueeze',
      opset: 11,
      on: ['float32[N]'],
      attributes: { axes: [0, 2] },
      gives: ['float32[1, N, 1]'],
    },
    { op: 'Unsqueeze', on: ['float32[N]', ints([-1])], gives: ['float32[N, 1]'] },
    {
      op: 'Transpose',
      on: ['float32[A,B,C]'],
      attributes: { perm: [0, 2, 1] },
      gives: ['float32[A, C, B]'],
    },
    { op: 'Transpose', on: ['float32[A,B,C]'], gives: ['float32[C, B, A]'] },
    {
      op: 'Concat',
      on: ['float32[N,2]', 'float32[?,3]'],
      attributes: { axis: -1 },
      gives: ['float32[N, 5]'],
    },
    {
      op: 'Concat',
      on: ['float32[past,8]', 'float32[seq,8]'],
      attributes: { axis: 0 },
      gives: ['float32[past + seq, 8]'],
    },
    {
      op: 'Split',
      opset: 11,
      on: ['float32[N,6]'],
      attributes: { axis: 1, split: [2, 4] },
      gives: ['float32[N, 2]', 'float32[N, 4]'],
    },
    {
      op: 'Split',
      on: ['float32[N,6]', ints([1, 5])],
      attributes: { axis: 1 },
      gives: ['float32[N, 1]', 'float32[N, 5]'],
    },
    {
      op: 'Split',
      opset: 18,
      on: ['float32[7]'],
      attributes: { num_outputs: 2 },
      gives: ['float32[4]', 'float32[3]'],
    },
    { op: 'Expand', on: ['float32[3,1]', ints([2, 1, 6])], gives: ['float32[2, 3, 6]'] },
    { op: 'Tile', on: ['float32[N,2]', ints([1, 3])], gives: ['float32[N, 6]'] },
    {
      op: 'DepthToSpace',
      on: ['float32[1,8,H,3]'],
      attributes: { blocksize: 2 },
      gives: ['float32[1, 2, 2*H, 6]'],
    },
    {
      op: 'SpaceToDepth',
      on: ['float32[1,3,H,8]'],
      attributes: { blocksize: 2 },
      gives: ['float32[1, 12, floor(H/2), 4]'],
    },
  ],
  slices: [
    {
      op: 'Slice',
      opset: 9,
      on: ['float32[20,10,5]'],
      attributes: { starts: [0, 0], ends: [3, 10], axes: [0, 1] },
      gives: ['float32[3, 10, 5]'],
    },
    {
      op: 'Slice',
      on: ['float32[N,10]', ints([1]), ints([maximumInt64]), ints([1])],
      gives: ['float32[N, 9]'],
    },
    {
      op: 'Slice',
      on: ['float32[N,10]', ints([1]), ints([maximumInt64]), ints([0])],
      gives: ['float32[N - 1, 10]'],
    },
    {
      op: 'Slice',
      on: ['float32[10]', ints([-1]), ints([minimumInt64]), ints([0]), ints([-1])],
      gives: ['float32[10]'],
    },
    {
      op: 'Slice',
      on: ['float32[N]', ints([-1]), ints([minimumInt64]), ints([0]), ints([-1])],
      gives: ['float32[N]'],
    },
    {
      op: 'Slice',
      on: ['float32[10]', ints([8]), ints([2]), ints([0]), ints([-2])],
      gives: ['float32[3]'],
    },
    {
      op: 'Slice',
      on: ['float32[N]', ints([-2]), ints([maximumInt64]), ints([0])],
      gives: ['float32[2]'],
    },
    {
      op: 'Slice',
      on: ['float32[N]', ints([0]), ints([512]), ints([0])],
      gives: ['float32[min(512, N)]'],
    },
    { op: 'Slice', on: ['float32[N]', ints([3]), ints([4]), ints([0])], gives: ['float32[1]'] },
    { op: 'Slice', on: ['float32[5]', ints([4]), ints([2])], gives: ['float32[0]'] },
    {
      op: 'Slice',
      on: ['float32[5,7]', 'int64[1]', 'int64[1]', ints([1])],
      gives: ['float32[5, y0.1]'],
    },
    {
      op: 'Pad',
      opset: 2,
      on: ['float32[N,4]'],
      attributes: { pads: [0, 1, 0, 2] },
      gives: ['float32[N, 7]'],
    },
    { op: 'Pad', on: ['float32[N,4]', ints([1, 0, 1, 0])], gives: ['float32[N + 2, 4]'] },
    {
      op: 'Pad',
      opset: 18,
      on: ['float32[N,4]', ints([3, 3]), null, ints([-1])],
      gives: ['float32[N, 10]'],
    },
  ],
  resize: [
    {
      op: 'Resize',
      opset: 10,
      on: ['float32[N,3,H,5]', float32s([1, 1, 2, 2])],
      gives: ['float32[N, 3, 2*H, 10]'],
    },
    {
      op: 'Resize',
      on: ['float32[1,1,2,4]', null, float32s([1, 1, 0.6, 0.6])],
      gives: ['float32[1, 1, 1, 2]'],
    },
    {
      op: 'Resize',
      on: ['float32[N,3,H,W]', null, null, ints([1, 3, 224, 224])],
      gives: ['float32[1, 3, 224, 224]'],
    },
    {
      op: 'Resize',
      opset: 18,
      on: ['float32[1,3,10,20]', null, null, ints([5, 5])],
      attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
      gives: ['float32[1, 3, 3, 5]'],
    },
    {
      op: 'Upsample',
      opset: 7,
      on: ['float32[1,1,2,2]'],
      attributes: { scales: floats(1, 1, 2, 3) },
      gives: ['float32[1, 1, 4, 6]'],
    },
    {
      op: 'Upsample',
      opset: 9,
      on: ['float32[1,1,2,2]', float32s([1, 1, 2, 3])],
      gives: ['float32[1, 1, 4, 6]'],
    },
  ],
  indexing: [
    {
      op: 'Gather',
      on: [weights('float32', 30522, 768), 'int64[N,S]'],
      gives: ['float32[N, S, 768]'],
    },
    {
      op: 'Gather',
      on: ['float32[2,N,4]', ints([1], [])],
      attributes: { axis: -1 },
      gives: ['float32[2, N]'],
    },
    { op: 'GatherElements', on: ['float32[9,9]', 'int64[N,2]'], gives: ['float32[N, 2]'] },
    { op: 'GatherND', on: ['float32[2,3,4]', 'int64[N,2]'], gives: ['float32[N, 4]'] },
    {
      op: 'GatherND',
      on: ['float32[2,3,4]', 'int64[2,1]'],
      attributes: { batch_dims: 1 },
      gives: ['float32[2, 4]'],
    },
    {
      op: 'ScatterND',
      on: ['float32[N,3]', 'int64[1,1]', 'float32[1,3]'],
      gives: ['float32[N, 3]'],
    },
    {
      op: 'TopK',
      opset: 9,
      on: ['float32[N,10]'],
      attributes: { k: 3 },
      gives: ['float32[N, 3]', 'int64[N, 3]'],
    },
    {
      op: 'TopK',
      on: ['float32[N,10]', ints([4])],
      attributes: { axis: 0 },
      gives: ['float32[4, 10]', 'int64[4, 10]'],
    },
    { op: 'NonZero', on: ['float32[2,3]'], gives: ['int64[2, y0.1]'] },
    {
      op: 'NonMaxSuppression',
      on: ['float32[1,6,4]', 'float32[1,1,6]'],
      gives: ['int64[y0.0, 3]'],
    },
    {
      op: 'Unique',
      on: ['float32[6]'],
      gives: ['float32[y0.0]', 'int64[y0.0]', 'int64[y2.0]', 'int64[y0.0]'],
    },
    {
      op: 'OneHot',
      on: ['int64[N,2]', ints([10], []), 'float32[2]'],
      gives: ['float32[N, 2, 10]'],
    },
    {
      op: 'Compress',
      on: ['float32[3,2]', 'bool[3]'],
      attributes: { axis: 0 },
      gives: ['float32[y0.0, 2]'],
    },
  ],
  reductions: [
    {
      op: 'ReduceMean',
      opset: 13,
      on: ['float32[N,S,8]'],
      attributes: { axes: [-1] },
      gives: ['float32[N, S, 1]'],
    },
    {
      op: 'ReduceMean',
      opset: 18,
      on: ['float32[N,S,8]', ints([1])],
      attributes: { keepdims: 0 },
      gives: ['float32[N, 8]'],
    },
    {
      op: 'ReduceSum',
      opset: 13,
      on: ['float32[N,8]', ints([])],
      attributes: { noop_with_empty_axes: 1 },
      gives: ['float32[N, 8]'],
    },
    {
      op: 'ReduceMax',
      opset: 11,
      on: ['float32[N,8]'],
      attributes: { keepdims: 0 },
      gives: ['float32[]'],
    },
    {
      op: 'ReduceSum',
      opset: 13,
      on: ['float32[4,8]', 'int64[1]'],
      gives: ['float32[y0.0, y0.1]'],
    },
    {
      op: 'ArgMax',
      on: ['float32[N,1000]'],
      attributes: { axis: 1, keepdims: 0 },
      gives: ['int64[N]'],
    },
  ],
  normalisation: [
    {
      op: 'BatchNormalization',
      on: [
        'float32[N,8,H]',
        weights('float32', 8),
        weights('float32', 8),
        weights('float32', 8),
        weights('float32', 8),
      ],
      gives: ['float32[N, 8, H]', 'float32[8]', 'float32[8]'],
    },
    {
      op: 'LayerNormalization',
      on: ['float16[N,S,768]', weights('float16', 768)],
      gives: ['float16[N, S, 768]', 'float32[N, S, 1]', 'float32[N, S, 1]'],
    },
    { op: 'Softmax', on: ['float32[N,10]'], gives: ['float32[N, 10]'] },
    {
      op: 'com.microsoft::SkipLayerNormalization',
      on: ['float16[N,S,8]', 'float16[N,S,8]', weights('float16', 8)],
      gives: ['float16[N, S, 8]', 'float32[N, S, 1]', 'float32[N, S, 1]', 'float16[N, S, 8]'],
    },
    {
      op: 'com.microsoft::EmbedLayerNormalization',
      on: ['int32[B,S]', 'int32[B,S]', weights('float32', 30522, 768)],
      gives: ['float32[B, S, 768]', 'int32[B]', 'float32[B, S, 768]'],
    },
  ],
  recurrent: [
    {
      op: 'LSTM',
      on: ['float32[S,B,10]', weights('float32', 2, 80, 10), weights('float32', 2, 80, 20)],
      attributes: { hidden_size: 20, direction: 'bidirectional' },
      gives: ['float32[S, 2, B, 20]', 'float32[2, B, 20]', 'float32[2, B, 20]'],
    },
    {
      op: 'GRU',
      on: ['float32[S,B,10]', weights('float32', 1, 60, 10), weights('float32', 1, 60, 20)],
      gives: ['float32[S, 1, B, 20]', 'float32[1, B, 20]'],
    },
    {
      op: 'LSTM',
      on: ['float32[B,S,10]', weights('float32', 1, 80, 10), weights('float32', 1, 80, 20)],
      attributes: { hidden_size: 20, layout: 1 },
      gives: ['float32[B, S, 1, 20]', 'float32[B, 1, 20]', '-'],
    },
  ],
  quantised: [
    { op: 'QuantizeLinear', on: ['float32[N,4]', 'float32[]', 'int8[]'], gives: ['int8[N, 4]'] },
    { op: 'QuantizeLinear', on: ['float32[N,4]', 'float32[]'], gives: ['uint8[N, 4]'] },
    {
      op: 'QuantizeLinear',
      opset: 21,
      on: ['float32[N,4]', 'float32[]'],
      attributes: { output_dtype: 22 },
      gives: ['int4[N, 4]'],
    },
    { op: 'DequantizeLinear', on: ['int8[N,4]', 'float16[]', 'int8[]'], gives: ['float16[N, 4]'] },
    {
      op: 'DynamicQuantizeLinear',
      on: ['float32[N,4]'],
      gives: ['uint8[N, 4]', 'float32[]', 'uint8[]'],
    },
    {
      op: 'com.microsoft::QLinearAdd',
      on: [
        'int8[N,4]',
        'float32[]',
        'int8[]',
        'int8[4]',
        'float32[]',
        'int8[]',
        'float32[]',
        'int8[]',
      ],
      gives: ['int8[N, 4]'],
    },
    {
      op: 'com.microsoft::QLinearConcat',
      on: [
        'float32[]',
        'uint8[]',
        'uint8[N,2]',
        'float32[]',
        'uint8[]',
        'uint8[N,3]',
        'float32[]',
        'uint8[]',
      ],
      attributes: { axis: 1 },
      gives: ['uint8[N, 5]'],
    },
    {
      op: 'onnx.brevitas::Quant',
      on: ['float32[N,4]', 'float32[]', 'float32[]', 'float32[]'],
      gives: ['float32[N, 4]'],
    },
  ],
  attention: [
    {
      op: 'com.microsoft::Attention',
      on: ['float32[B,S,768]', weights('float32', 768, 2304), weights('float32', 2304)],
      attributes: { num_heads: 12 },
      gives: ['float32[B, S, 768]', 'float32[2, B, 12, S, 64]'],
    },
    {
      op: 'com.microsoft::MultiHeadAttention',
      on: ['float32[B,S,768]', 'float32[B,T,768]', 'float32[B,T,768]'],
      attributes: { num_heads: 12 },
      gives: ['float32[B, S, 768]', 'float32[B, 12, T, 64]', 'float32[B, 12, T, 64]'],
    },
    {
      op: 'com.microsoft::GroupQueryAttention',
      on: [
        'float16[B,S,4096]',
        'float16[B,S,1024]',
        'float16[B,S,1024]',
        'float16[B,8,P,128]',
        'float16[B,8,P,128]',
        'int32[B]',
        'int32[]',
      ],
      attributes: { num_heads: 32, kv_num_heads: 8 },
      gives: ['float16[B, S, 4096]', 'float16[B, 8, y1.2, 128]', 'float16[B, 8, y2.2, 128]'],
    },
    {
      op: 'Attention',
      opset: 23,
      on: ['float32[B,8,S,64]', 'float32[B,2,T,64]', 'float32[B,2,T,32]'],
      gives: ['float32[B, 8, S, 32]', 'float32[B, 2, T, 64]', 'float32[B, 2, T, 32]'],
    },
  ],
  generators: [
    { op: 'Constant', on: [], attributes: { value_floats: floats(1, 2) }, gives: ['float32[2]'] },
    { op: 'Constant', on: [], attributes: { value_int: 7 }, gives: ['int64[]'] },
    {
      op: 'Constant',
      on: [],
      attributes: { value_strings: strings('a', 'b', 'c') },
      gives: ['string[3]'],
    },
    {
      op: 'Constant',
      on: [],
      attributes: { value: tensorValue(weights('int8', 4, 5)) },
      gives: ['int8[4, 5]'],
    },
    { op: 'Shape', on: ['float32[N,3,4]'], gives: ['int64[3]'] },
    {
      op: 'Shape',
      opset: 15,
      on: ['float32[N,3,4]'],
      attributes: { start: -2 },
      gives: ['int64[2]'],
    },
    { op: 'ConstantOfShape', on: [ints([2, 3])], gives: ['float32[2, 3]'] },
    {
      op: 'ConstantOfShape',
      on: ['int64[2]'],
      attributes: { value: tensorValue(ints([1])) },
      gives: ['int64[y0.0, y0.1]'],
    },
    { op: 'Range', on: [ints([3], []), ints([10], []), ints([2], [])], gives: ['int64[4]'] },
    { op: 'Range', on: ['int64[]', 'int64[]', 'int64[]'], gives: ['int64[y0.0]'] },
    { op: 'RandomNormal', on: [], attributes: { shape: [2, 5] }, gives: ['float32[2, 5]'] },
  ],
  'classical machine learning': [
    { op: 'ai.onnx.ml::Scaler', on: ['int64[N,4]'], gives: ['float32[N, 4]'] },
    {
      op: 'ai.onnx.ml::LinearClassifier',
      on: ['float32[N,4]'],
      attributes: { classlabels_ints: [0, 1, 2] },
      gives: ['int64[N]', 'float32[N, 3]'],
    },
    {
      op: 'ai.onnx.ml::TreeEnsembleClassifier',
      on: ['float32[N,4]'],
      attributes: { classlabels_strings: strings('a', 'b') },
      gives: ['string[N]', 'float32[N, 2]'],
    },
    {
      op: 'ai.onnx.ml::TreeEnsembleRegressor',
      on: ['float32[N,4]'],
      attributes: { n_targets: 2 },
      gives: ['float32[N, 2]'],
    },
    {
      op: 'ai.onnx.ml::ZipMap',
      on: ['float32[N,3]'],
      attributes: { classlabels_int64s: [0, 1, 2] },
      gives: ['sequence(map(int64, float32[]))'],
    },
    {
      op: 'ai.onnx.ml::ArrayFeatureExtractor',
      on: ['float32[N,4]', ints([0, 2])],
      gives: ['float32[N, 2]'],
    },
    {
      op: 'ai.onnx.ml::OneHotEncoder',
      on: ['int64[N,1]'],
      attributes: { cats_int64s: [1, 2, 3] },
      gives: ['float32[N, 1, 3]'],
    },
    {
      op: 'ai.onnx.ml::LabelEncoder',
      on: ['string[N]'],
      attributes: { values_int64s: [0, 1] },
      gives: ['int64[N]'],
    },
    {
      op: 'ai.onnx.ml::FeatureVectorizer',
      on: ['float32[N,2]', 'float32[N,3]'],
      attributes: { inputdimensions: [2, 3] },
      gives: ['float32[N, 5]'],
    },
  ],
  sequences: [
    {
      op: 'SequenceConstruct',
      on: ['float32[2,3]', 'float32[2,4]'],
      gives: ['sequence(float32[2, ?])'],
    },
    { op: 'SplitToSequence', on: ['float32[6,2]'], gives: ['sequence(float32[1, 2])'] },
    { op: 'SequenceEmpty', on: [], attributes: { dtype: 7 }, gives: ['sequence(int64)'] },
    { op: 'Optional', on: ['float32[2]'], gives: ['optional(float32[2])'] },
  ],
};

describe('shapes: operators', () => {
  for (const [family, cases] of Object.entries(families)) {
    describe(family, () => {
      for (const row of cases) {
        const inputs = row.on
          .map((input) => (typeof input === 'string' ? input : 'known'))
          .join(', ');
        const opset = row.opset === undefined ? '' : ` (opset ${row.opset})`;
        it(`${row.op}${opset} of ${inputs} gives ${row.gives.join(', ')}`, () => {
          const { outputs, messages } = inferNode(row, row.gives.length);
          const looked = outputs.map((type, index) => (row.gives[index] === '-' ? '-' : type));
          assert.deepEqual(looked, row.gives);
          assert.deepEqual(messages, []);
        });
      }
    });
  }
});

/** Attributes and shapes that no runtime accepts: a problem and an unknown shape, never a wrong one. */
const refused: readonly (Omit<NodeCase, 'gives'> & {
  readonly code: string;
  readonly dtype: string;
})[] = [
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 3, 3)],
    attributes: { strides: [0, 1] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 3, 3)],
    attributes: { dilations: { kind: 'ints', value: [2n ** 62n, 1n] } },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 3, 3)],
    attributes: { group: -1 },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 3, 3)],
    attributes: { pads: [1, 1] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 9, 9)],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,4,8,8]', weights('float32', 1, 3, 3, 3)],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[4]', weights('float32', 1, 3, 3, 3)],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'ConvTranspose',
    on: ['float32[1,1,1,1]', weights('float32', 1, 1, 1, 1)],
    attributes: { pads: [4, 4, 4, 4] },
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'MaxPool',
    on: ['float32[1,1,8,8]'],
    attributes: { kernel_shape: [0, 2] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  { op: 'MaxPool', on: ['float32[1,1,8,8]'], code: 'invalid-attribute', dtype: 'float32' },
  { op: 'MatMul', on: ['float32[2,3]', 'float32[4,5]'], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'MatMul', on: ['float32[]', 'float32[4,5]'], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Add', on: ['float32[2]', 'float32[3]'], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Reshape', on: ['float32[2,3]', ints([4, -1])], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Reshape', on: ['float32[2,3]', ints([5])], code: 'shape-mismatch', dtype: 'float32' },
  {
    op: 'Reshape',
    on: ['float32[2,3]', ints([-1, -1])],
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  { op: 'Reshape', on: ['float32[2,3]', ints([-2])], code: 'invalid-attribute', dtype: 'float32' },
  {
    op: 'Softmax',
    on: ['float32[2,3]'],
    attributes: { axis: 9 },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'ArgMax',
    on: ['float32[2,3]'],
    attributes: { axis: int64(minimumInt64) },
    code: 'invalid-attribute',
    dtype: 'int64',
  },
  {
    op: 'Transpose',
    on: ['float32[2,3]'],
    attributes: { perm: [0, 0] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  { op: 'Squeeze', on: ['float32[2,3]', ints([0])], code: 'shape-mismatch', dtype: 'float32' },
  {
    op: 'Unsqueeze',
    opset: 11,
    on: ['float32[2]'],
    attributes: { axes: [maximumAxis()] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Concat',
    on: ['float32[2,3]', 'float32[3,3]'],
    attributes: { axis: 1 },
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'Slice',
    on: ['float32[8]', ints([0]), ints([8]), ints([0]), ints([0])],
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  { op: 'Split', on: ['float32[7]', ints([3])], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Pad', on: ['float32[2]', ints([-2, -2])], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Tile', on: ['float32[2]', ints([-1])], code: 'invalid-attribute', dtype: 'float32' },
  { op: 'Expand', on: ['float32[2]', ints([-3])], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'ConstantOfShape', on: [ints([-4])], code: 'shape-mismatch', dtype: 'float32' },
  {
    op: 'Range',
    on: [ints([0], []), ints([4], []), ints([0], [])],
    code: 'invalid-attribute',
    dtype: 'int64',
  },
  {
    op: 'Resize',
    on: ['float32[1,1,2,2]', null, float32s([1, 1, -2, 2])],
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'DepthToSpace',
    on: ['float32[1,3,2,2]'],
    attributes: { blocksize: 2 },
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'DepthToSpace',
    on: ['float32[1,4,2,2]'],
    attributes: { blocksize: int64(maximumInt64) },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'OneHot',
    on: ['int64[2]', ints([-1], []), 'float32[2]'],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'LSTM',
    on: ['float32[2,3]', 'float32[1,4,4]', 'float32[1,4,4]'],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'LSTM',
    on: ['float32[2,3,4]', 'float32[1,8,4]', 'float32[1,8,2]'],
    attributes: { hidden_size: 0 },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Einsum',
    on: ['float32[2,3]'],
    attributes: { equation: 'i->->' },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Cast',
    on: ['float32[2]'],
    attributes: { to: 99 },
    code: 'invalid-attribute',
    dtype: '?[2]',
  },
  { op: 'Dropout', on: ['float32[2]', bools([true], [])], code: '', dtype: 'float32[2]' },
];

function maximumAxis(): number {
  return Number.MAX_SAFE_INTEGER;
}

describe('shapes: what operators refuse', () => {
  for (const [index, row] of refused.entries()) {
    it(`${index} ${row.op}: ${row.code || 'nothing'}`, () => {
      const { outputs, problems, messages } = inferNode(row, 1);
      assert.deepEqual(problems, row.code === '' ? [] : [row.code], messages.join());
      assert.deepEqual(outputs, [row.dtype]);
      for (const message of messages) assert.ok(message.length <= 120, message);
    });
  }
});
