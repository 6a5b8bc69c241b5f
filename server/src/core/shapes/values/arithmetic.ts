import { f16round } from '@petamoriken/float16';
import { intAttribute } from '../../attributes';
import { isFloat } from '../../dtype';
import type { DataType } from '../../dtype';
import type { EvaluateOperator, OperatorTable } from '../context';
import {
  add,
  equalDims,
  exactDivide,
  floorDivide,
  isNegative,
  lowerBound,
  maximum,
  minimum,
  multiply,
  negate,
  subtract,
} from '../symbolic';
import type { Dim } from '../symbolic';
import { allConstants, broadcastElement, constantFor, mapCoordinates } from './common';

/** Elementwise operators on known values; symbols stay symbols where the algebra can say it. */
export const arithmeticEvaluators: OperatorTable<EvaluateOperator> = [
  [
    'Add Sum',
    folded((a, b, float) => (float ? numeric(a, b, (x, y) => x + y) : null) ?? add(a, b)),
  ],
  [
    'Sub',
    folded((a, b, float) => (float ? numeric(a, b, (x, y) => x - y) : null) ?? subtract(a, b)),
  ],
  [
    'Mul',
    folded((a, b, float) => (float ? numeric(a, b, (x, y) => x * y) : null) ?? multiply(a, b)),
  ],
  ['Div', folded(divide)],
  ['Mod', mod],
  ['Pow', folded((a, b) => numeric(a, b, (x, y) => x ** y))],
  ['Min', folded((a, b, float) => (float ? numeric(a, b, Math.min) : null) ?? minimum(a, b))],
  ['Max', folded((a, b, float) => (float ? numeric(a, b, Math.max) : null) ?? maximum(a, b))],
  ['Neg', unary((a, float) => (float && typeof a === 'number' ? -a : negate(a)))],
  ['Abs', unary((a) => (typeof a === 'number' ? Math.abs(a) : lowerBound(a) >= 0 ? a : null))],
  ['Relu', unary((a) => (typeof a === 'number' ? Math.max(0, a) : maximum(a, 0)))],
  ['Floor Ceil Round', rounding],
  ['Sqrt', unary((a) => (typeof a === 'number' ? Math.sqrt(a) : null))],
  ['Reciprocal', unary((a) => (typeof a === 'number' ? 1 / a : null))],
  ['Sign', unary((a) => (typeof a === 'number' ? Math.sign(a) : lowerBound(a) > 0 ? 1 : null))],
  ['Equal', folded(equal)],
  ['Less', folded((a, b) => less(a, b))],
  ['Greater', folded((a, b) => less(b, a))],
  ['LessOrEqual', folded((a, b) => not(less(b, a)))],
  ['GreaterOrEqual', folded((a, b) => not(less(a, b)))],
  ['And', folded((a, b) => (a === 0 || b === 0 ? 0 : a === 1 && b === 1 ? 1 : null))],
  ['Or', folded((a, b) => (a === 1 || b === 1 ? 1 : a === 0 && b === 0 ? 0 : null))],
  ['Xor', folded((a, b) => numeric(a, b, (x, y) => Number(x !== y)))],
  ['Not', unary(not)],
  ['Where', where],
  ['Cast CastLike', cast],
];

type Binary = (a: Dim, b: Dim, isFloatType: boolean) => Dim;

/** Left to right over all (broadcast) inputs. */
function folded(operator: Binary): EvaluateOperator {
  return (context, outputs) => {
    const inputs = allConstants(context);
    // `axis` aligned the second input elsewhere than at the end, before opset 7.
    if (!inputs || inputs.length === 0 || context.node.attributes.has('axis')) return [];
    const floats = inputs.some((input) => isFloat(input.dtype));
    const result = constantFor(outputs, (shape, dtype) =>
      mapCoordinates(shape, (coordinates) => {
        let value: Dim | undefined;
        for (const input of inputs) {
          const element = broadcastElement(input, coordinates);
          value = value === undefined ? element : operator(value, element, floats);
        }
        return rounded(value ?? null, dtype);
      }),
    );
    return [result];
  };
}

function unary(operator: (a: Dim, isFloatType: boolean) => Dim): EvaluateOperator {
  return (context, outputs) => {
    const input = context.constant(0);
    if (!input) return [];
    const floats = isFloat(input.dtype);
    return [
      constantFor(outputs, (_, dtype) =>
        input.values.map((value) =>
          value === null ? null : rounded(operator(value, floats), dtype),
        ),
      ),
    ];
  };
}

/** Rounds to the precision of the dtype, -0 to 0; 8- and 4-bit floats are not followed. */
function rounded(value: Dim, dtype: DataType): Dim {
  if (typeof value !== 'number') return value;
  if (dtype === 'float32') return Math.fround(value) + 0;
  if (dtype === 'float16') return f16round(value) + 0;
  if (isFloat(dtype)) return dtype === 'float64' ? value + 0 : null;
  return Number.isSafeInteger(value) && fits(value, dtype) ? value + 0 : null;
}

/** What does not fit wraps around, which is not followed. */
function fits(value: number, dtype: DataType): boolean {
  const limits = integerLimits.get(dtype);
  return !limits || (value >= limits[0] && value <= limits[1]);
}

function numeric(a: Dim, b: Dim, operator: (x: number, y: number) => number): number | null {
  return typeof a === 'number' && typeof b === 'number' ? operator(a, b) : null;
}

/** Integers truncate towards zero, which is the floor unless one of them is negative: sizes are not. */
function divide(a: Dim, b: Dim, isFloatType: boolean): Dim {
  if (isFloatType) return numeric(a, b, (x, y) => x / y) ?? exactDivide(a, b);
  if (b === 0) return null;
  const quotient = numeric(a, b, (x, y) => (x - (x % y)) / y);
  if (quotient !== null) return quotient;
  const [isNegativeA, isNegativeB] = [isNegative(a), isNegative(b)];
  const size = floorDivide(isNegativeA ? negate(a) : a, isNegativeB ? negate(b) : b);
  return isNegativeA === isNegativeB ? size : negate(size);
}

function mod(...[context, outputs]: Parameters<EvaluateOperator>): ReturnType<EvaluateOperator> {
  const isTruncated = intAttribute(context.node, 'fmod') === 1;
  return folded((a, b) => {
    if (b === 0) return null;
    if (typeof a === 'number' && typeof b === 'number') {
      const rest = a % b;
      return isTruncated || rest === 0 || rest < 0 === b < 0 ? rest : rest + b;
    }
    return subtract(a, multiply(b, floorDivide(a, b)));
  })(context, outputs);
}

function rounding(
  ...[context, outputs]: Parameters<EvaluateOperator>
): ReturnType<EvaluateOperator> {
  const { opType } = context.node;
  const operator =
    opType === 'Floor' ? Math.floor : opType === 'Ceil' ? Math.ceil : roundHalfToEven;
  // Symbols are whole numbers already.
  return unary((a) => (typeof a === 'number' ? operator(a) : a))(context, outputs);
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function equal(a: Dim, b: Dim): Dim {
  if (a === null || b === null) return null;
  if (typeof a === 'number' && typeof b === 'number') return Number(a === b);
  if (equalDims(a, b)) return 1;
  return lowerBound(subtract(a, b)) > 0 || lowerBound(subtract(b, a)) > 0 ? 0 : null;
}

function less(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Number(a < b);
  if (lowerBound(subtract(b, a)) > 0) return 1;
  return lowerBound(subtract(a, b)) >= 0 ? 0 : null;
}

function not(a: Dim): Dim {
  return typeof a === 'number' ? Number(a === 0) : null;
}

function where(...[context, outputs]: Parameters<EvaluateOperator>): ReturnType<EvaluateOperator> {
  const [condition, then, otherwise] = allConstants(context) ?? [];
  if (!condition || !then || !otherwise) return [];
  const result = constantFor(outputs, (shape) =>
    mapCoordinates(shape, (coordinates) => {
      const choice = broadcastElement(condition, coordinates);
      const a = broadcastElement(then, coordinates);
      const b = broadcastElement(otherwise, coordinates);
      if (typeof choice === 'number') return choice === 0 ? b : a;
      return equalDims(a, b) ? a : null;
    }),
  );
  return [result];
}

function cast(...[context, outputs]: Parameters<EvaluateOperator>): ReturnType<EvaluateOperator> {
  const input = context.constant(0);
  if (!input) return [];
  return [
    constantFor(outputs, (_, dtype) => input.values.map((value) => castElement(value, dtype))),
  ];
}

/** What survives a cast to the narrower integers; the rest wraps in ways that runtimes differ on. */
const integerLimits = new Map<DataType, readonly [number, number]>([
  ['int32', [-(2 ** 31), 2 ** 31 - 1]],
  ['int16', [-(2 ** 15), 2 ** 15 - 1]],
  ['int8', [-128, 127]],
  ['uint32', [0, 2 ** 32 - 1]],
  ['uint16', [0, 2 ** 16 - 1]],
  ['uint8', [0, 255]],
  ['int4', [-8, 7]],
  ['uint4', [0, 15]],
  ['int2', [-2, 1]],
  ['uint2', [0, 3]],
]);

function castElement(value: Dim, dtype: DataType): Dim {
  if (dtype === 'string') return null;
  if (dtype === 'bool') {
    if (typeof value === 'number') return Number(value !== 0);
    return lowerBound(value) > 0 ? 1 : null;
  }
  if (typeof value !== 'number' || isFloat(dtype)) return rounded(value, dtype);
  return rounded(Math.trunc(value), dtype);
}
