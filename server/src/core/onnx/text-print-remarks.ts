import type {
  Attribute,
  Denotations,
  Graph,
  Model,
  ModelFunction,
  Node,
  Tensor,
  ValueInfo,
} from '../graph';
import { typeText } from './text-print-values';
import { isIdentifier } from './text-syntax';
import { displayText } from './utf8';

/**
 * What comments say of fields that have no place in the syntax: doc strings, metadata, and names of tensors in
 * attributes. Exporters write stack traces and weights' histories there, so every part has a cap.
 */

/** A doc string or a metadata value: enough for a module path or the first line of a stack trace. */
const maxValueLength = 80;
/** Metadata of one thing; PyTorch's exporter writes seven. */
const maxEntries = 8;
/** A whole comment. */
const maxCommentLength = 400;

/** One line of at most the cap and a note of how much was cut. */
export function commentText(what: string): string {
  return shortened(displayText(what).replace(/\s+/g, ' '), maxCommentLength);
}

function shortened(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength)}… (${text.length - maxLength} more characters)`;
}

/** Both are optional: a model's and a function's doc string are part of the syntax. */
interface Described {
  readonly docString?: string;
  readonly metadata: ReadonlyMap<string, string>;
}

function ownRemarks({ docString = '', metadata }: Described): string[] {
  const remarks: string[] = [];
  if (docString !== '') remarks.push(`doc ${literal(docString)}`);
  if (metadata.size > 0) {
    const shown = [...metadata].slice(0, maxEntries);
    const entries = shown.map(([key, value]) => `${literal(key)}: ${literal(value)}`);
    if (metadata.size > maxEntries) entries.push(`${metadata.size - maxEntries} more`);
    remarks.push(`metadata ${entries.join(', ')}`);
  }
  return remarks;
}

function literal(text: string): string {
  if (text.length <= maxValueLength) return JSON.stringify(text);
  const cut = text.length - maxValueLength;
  return `${JSON.stringify(text.slice(0, maxValueLength))}… (${cut} more characters)`;
}

/** The remarks as one comment, null when there are none. `what` they are about: '' when their place says it. */
function comment(what: string, remarks: readonly string[]): string | null {
  if (remarks.length === 0) return null;
  return `${what === '' ? '' : `${what}: `}${remarks.join('; ')}`;
}

/** A `training_info` message has graphs of its own. */
export function modelRemark({ trainingInfoCount = 0 }: Model): string | null {
  return trainingInfoCount === 0 ? null : `training info left out: ${trainingInfoCount}`;
}

/** Of a graph and its inputs and outputs, which stand in its first line. */
export function graphRemarks(graph: Graph): string[] {
  const remarks = ownRemarks(graph);
  const { quantizationAnnotationCount = 0 } = graph;
  if (quantizationAnnotationCount > 0) {
    remarks.push(`quantization annotations left out: ${quantizationAnnotationCount}`);
  }
  const values = [
    ...graph.inputs.map((info) => valueRemark('input', info)),
    ...graph.outputs.map((info) => valueRemark('output', info)),
  ];
  return [comment('graph', remarks), ...values].filter((remark) => remark !== null);
}

export function functionRemark({ metadata }: ModelFunction): string | null {
  return comment('function', ownRemarks({ metadata }));
}

export function valueRemark(role: string, info: ValueInfo): string | null {
  const remarks = ownRemarks(info);
  if (info.type.kind !== 'unknown' && typeText(info.type) === undefined) {
    remarks.unshift('its type has no name');
  }
  if (info.denotations) remarks.push(...denotationRemarks(info.denotations));
  return comment(`${role} ${literal(info.name)}`, remarks);
}

function denotationRemarks({ type, dims }: Denotations): string[] {
  const remarks = type === '' ? [] : [`type denotes ${literal(type)}`];
  if (dims.some((dim) => dim !== '')) {
    remarks.push(
      `dims denote [${dims.map((dim) => (dim === '' ? '?' : literal(dim))).join(', ')}]`,
    );
  }
  return remarks;
}

export function initializerRemark(tensor: Tensor): string | null {
  return comment(`initializer ${literal(tensor.name)}`, ownRemarks(tensor));
}

/** One for a node and the tensors in its attributes, since there are many nodes. */
export function nodeRemark(node: Node): string | null {
  const ofTensors = Array.from(node.attributes.values(), attributeRemarks).flat();
  return comment('', [...ownRemarks(node), ...ofTensors]);
}

function attributeRemarks({ name, refName, value }: Attribute): string[] {
  if (refName !== '' || !isIdentifier(name)) return [];
  const tensors =
    value.kind === 'tensor' ? [value.value] : value.kind === 'tensors' ? value.value : [];
  return tensors.slice(0, maxEntries).flatMap((tensor) => {
    const remarks = ownRemarks(tensor);
    const isNamed = tensor.name !== '' && !isIdentifier(tensor.name);
    if (isNamed) remarks.unshift(`name ${literal(tensor.name)}`);
    return comment(`tensor of ${name}`, remarks) ?? [];
  });
}
