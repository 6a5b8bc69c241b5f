import type { Arity, OperatorSignature } from '../../core/onnx/operator-signatures';
import { attributeTypeWord } from '../../core/onnx/text-syntax';

/** `2–3 inputs → 1 output`. */
export function arityLabel({ inputs, outputs }: OperatorSignature): string {
  return `${countLabel(inputs, 'input')} → ${countLabel(outputs, 'output')}`;
}

function countLabel({ min, max }: Arity, noun: string): string {
  const count = max === Infinity ? `${min}+` : min === max ? String(min) : `${min}–${max}`;
  return `${count} ${noun}${count === '1' ? '' : 's'}`;
}

/** `name: type` for each attribute; needed ones are marked `*`. */
export function attributeLabels({ attributes, requiredAttributes }: OperatorSignature): string[] {
  return Array.from(attributes, ([name, kind]) => {
    const mark = requiredAttributes.includes(name) ? '*' : '';
    return `${name}${mark}: ${attributeTypeWord(kind)}`;
  });
}
