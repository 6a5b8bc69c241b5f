import type { InferOperator, OperatorTable } from '../context';
import type { InferredType } from '../types';
import { firstDtype } from './common';
import { convTranspose, toChannelsFirst, toChannelsLast } from './convolution';
import { pool } from './pooling';

/** Operators of the internal domain without a standard twin. */
export const channelsLastOperators: OperatorTable = [
  ['com.ms.internal.nhwc::QLinearAveragePool', channelsLastTwin(pool)],
  [
    'com.ms.internal.nhwc::QLinearConvTranspose',
    channelsLastTwin((context) => convTranspose(context, 3, firstDtype(context, 7, 0))),
  ],
];

/**
 * The twin of a standard operator in ONNX Runtime's internal domain: data [N, …spatial, C] instead of
 * [N, C, …spatial], everything else the same.
 */
export function channelsLastTwin(operator: InferOperator): InferOperator {
  return (context) => {
    const inputs = context.inputs.map((type, index) => (index === 0 ? first(type) : type));
    return operator({ ...context, inputs }).map(last);
  };
}

function first(type: InferredType): InferredType {
  return type.kind === 'tensor' && type.shape
    ? { ...type, shape: toChannelsFirst(type.shape) }
    : type;
}

/** Statistics and other vectors have no layout. */
function last(type: InferredType): InferredType {
  return type.kind === 'tensor' && type.shape && type.shape.length > 2
    ? { ...type, shape: toChannelsLast(type.shape) }
    : type;
}
