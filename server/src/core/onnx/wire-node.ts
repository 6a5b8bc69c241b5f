import { asciiText } from './text-cache';
import type { Window } from './window';
import type { NodeBuilder } from './wire-records';

/** NodeProto's fields of kind `node-text`. */
const nodeField = { input: 1, output: 2, name: 3, opType: 4, docString: 6, domain: 7 } as const;

/**
 * Reads the texts of a node that follow each other at the window's position, for as long as they are short, in ASCII
 * and at hand: nearly all of them are, and a graph of 100,000 nodes has a million. The general way does the rest.
 *
 * @param end of the node's message in the file
 * @param spend hears the bytes of each text
 */
export function readNodeTexts(
  window: Window,
  end: number,
  node: NodeBuilder,
  spend: (textBytes: number) => void,
): void {
  const { bytes, start } = window;
  const stop = Math.min(end - start, bytes.byteLength);
  let at = window.position - start;
  // One byte of tag and one of length.
  while (at + 2 <= stop) {
    const tag = bytes[at] ?? 0;
    const length = bytes[at + 1] ?? 0;
    const next = at + 2 + length;
    if ((tag & 7) !== 2 || length > 127 || next > stop || !isText(tag >>> 3)) break;
    const text = asciiText(bytes, at + 2, length);
    if (text === null) break;
    spend(length);
    keepNodeText(node, tag >>> 3, text);
    at = next;
  }
  window.position = start + at;
}

function isText(field: number): boolean {
  return field <= nodeField.opType
    ? field >= nodeField.input
    : field === nodeField.docString || field === nodeField.domain;
}

export function keepNodeText(node: NodeBuilder, field: number, text: string): void {
  switch (field) {
    case nodeField.input:
      node.inputs = withName(node.inputs, text);
      break;
    case nodeField.output:
      node.outputs = withName(node.outputs, text);
      break;
    case nodeField.name:
      node.name = text;
      break;
    case nodeField.opType:
      node.opType = text;
      break;
    case nodeField.docString:
      node.docString = text;
      break;
    default:
      node.domain = text;
  }
}

/** Pushing leaves room for sixteen more, which would be most of the memory of short lists. */
function withName(names: string[], name: string): string[] {
  const [first, second] = names;
  if (first === undefined) return [name];
  if (second === undefined) return [first, name];
  names.push(name);
  return names;
}
