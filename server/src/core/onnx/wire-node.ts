import { normalizeDomain } from '../graph';
import type { NameTable } from '../name-table';
import { asciiText } from '../ascii-text';
import type { Window } from './window';
import type { Slab } from './slab';
import type { NodeListBuilder } from './wire-records';
import type { RunCandidate, Runs } from './wire-runs';
import { readTensorAttribute } from './wire-tensor';
import type { WireNode } from './wire-types';

/** NodeProto's fields of kind `node-text`. */
const nodeField = { input: 1, output: 2, name: 3, opType: 4, docString: 6, domain: 7 } as const;
/** Field 5, length-delimited. */
const attributeTag = 0x2a;

/** What the nodes of a file share while they are read. */
export interface NodeScan {
  readonly window: Window;
  /** Operator types and domains. */
  readonly words: NameTable;
  /** Attributes of nodes. */
  readonly runs: Runs;
  /** Values of constants. */
  readonly slab: Slab;
  /** Hears the bytes of each text. */
  readonly spendText: (byteLength: number) => void;
  /** Hears of each attribute that is a tensor. */
  readonly spendTensor: () => void;
}

/**
 * Reads the last node of the list from the window's position for as long as its texts are short, in ASCII and at hand,
 * and its attributes are those of an earlier node or one plain tensor: most nodes of a large graph are read to their
 * end. The general way does the rest.
 *
 * @param end of the node's message in the file
 * @returns what makes its attributes known to nodes behind it, once they are read; null when nothing does
 */
export function readNode(
  scan: NodeScan,
  list: NodeListBuilder,
  node: WireNode,
  end: number,
): RunCandidate | null {
  const { window, runs } = scan;
  readNodeTexts(scan, list, node, end);
  const { bytes, start } = window;
  const at = window.position - start;
  const stop = end - start;
  if (stop > bytes.byteLength || bytes[at] !== attributeTag) return null;
  const runEnd = endOfAttributes(bytes, at, stop);
  if (runEnd < 0 || hasAttribute(bytes, runEnd, stop)) return null;
  const known = runs.find(list, bytes, at, runEnd - at);
  if (known >= 0) {
    list.sameAttributesAs[node.index] = known;
    window.position = start + runEnd;
  } else if (!keepTensor(scan, list, node, at, runEnd)) {
    return runs.candidate(list, node.index, bytes, at, runEnd - at);
  }
  readNodeTexts(scan, list, node, end);
  return null;
}

/** True when what stands from `at` to `end` of the bytes at hand is one attribute, and a plain tensor. */
function keepTensor(
  { window, words, slab, spendTensor }: NodeScan,
  list: NodeListBuilder,
  { index }: WireNode,
  at: number,
  end: number,
): boolean {
  const { bytes, start } = window;
  if (endOfField(bytes, at, end) !== end) return false;
  const lengthBytes = (bytes[at + 1] ?? 0) < 128 ? 1 : 2;
  const span = { contentStart: start + at + 1 + lengthBytes, end: start + end };
  const attribute = readTensorAttribute(window, span, words, slab);
  if (!attribute) return false;
  list.tensorAttributes.set(index, attribute);
  spendTensor();
  return true;
}

/** The same for texts alone. */
export function readNodeTexts(
  { window, words, spendText }: NodeScan,
  list: NodeListBuilder,
  node: WireNode,
  end: number,
): void {
  const { bytes, view, start } = window;
  const stop = Math.min(end - start, bytes.byteLength);
  let at = window.position - start;
  // One byte of tag and one of length.
  while (at + 2 <= stop) {
    const tag = bytes[at] ?? 0;
    const length = bytes[at + 1] ?? 0;
    const next = at + 2 + length;
    if ((tag & 7) !== 2 || length > 127 || next > stop) break;
    const field = tag >>> 3;
    if (field === nodeField.input || field === nodeField.output) {
      const number = length === 0 ? -1 : list.names.addAscii(bytes, view, at + 2, length);
      if (number < 0 && length > 0) break;
      valuesOf(list, field).push(number);
    } else if (field === nodeField.opType || field === nodeField.domain) {
      const number = words.addAscii(bytes, view, at + 2, length);
      if (number < 0) break;
      keepText(node, field, words.texts[number] ?? '');
    } else if (field === nodeField.name || field === nodeField.docString) {
      const text = asciiText(bytes, at + 2, length);
      if (text === null) break;
      keepText(node, field, text);
    } else break;
    spendText(length);
    at = next;
  }
  window.position = start + at;
}

/** Any text of a node, however it was read. */
export function keepNodeText(
  list: NodeListBuilder,
  node: WireNode,
  field: number,
  text: string,
): void {
  if (field === nodeField.input || field === nodeField.output) {
    valuesOf(list, field).push(text === '' ? -1 : list.names.add(text));
  } else keepText(node, field, text);
}

function valuesOf(list: NodeListBuilder, field: number): number[] {
  return (field === nodeField.input ? list.nodeInputs : list.nodeOutputs).numbers;
}

function keepText(node: WireNode, field: number, text: string): void {
  if (field === nodeField.name) node.name = text;
  else if (field === nodeField.opType) node.opType = text;
  else if (field === nodeField.docString) node.docString = text;
  else node.domain = normalizeDomain(text);
}

/** Where the attributes end that stand one behind the other from `at`; -1 when that is not plain to see. */
function endOfAttributes(bytes: Uint8Array, at: number, stop: number): number {
  let end = at;
  while (end < stop && bytes[end] === attributeTag) {
    end = endOfField(bytes, end, stop);
    if (end < 0) return -1;
  }
  return end;
}

/** True when there may be an attribute between `at` and `stop`. */
function hasAttribute(bytes: Uint8Array, at: number, stop: number): boolean {
  let next = at;
  while (next < stop) {
    if (bytes[next] === attributeTag) return true;
    next = endOfField(bytes, next, stop);
    if (next < 0) return true;
  }
  return false;
}

/** End of a length-delimited field with a tag of one byte and a length of one or two; -1 for any other. */
function endOfField(bytes: Uint8Array, at: number, stop: number): number {
  const tag = bytes[at] ?? 0;
  const first = bytes[at + 1] ?? 0;
  const second = bytes[at + 2] ?? 0;
  if (tag > 127 || (tag & 7) !== 2 || (first > 127 && second > 127)) return -1;
  const end = first < 128 ? at + 2 + first : at + 3 + (first & 127) + second * 128;
  return end <= stop ? end : -1;
}
