import type { Attribute, Node } from '../graph';
import type { NameTable } from '../name-table';
import type { GrowingRows } from '../value-numbers';
import { attributeFieldProblem, attributeType } from './decode-fields';
import { createPathNamer } from './paths';
import type { onnx } from './proto';
import { noAttributes } from './wire-records';
import type { WireBodies, WireNodeList, WireTensorAttribute } from './wire-types';

type Attributes = ReadonlyMap<string, Attribute>;
type Bodies = ReadonlyMap<number, WireBodies> | null;

export interface AttributeDecoder {
  message(proto: onnx.INodeProto, bodies: Bodies, nodePath: string): Attributes;
  tensor(attribute: WireTensorAttribute): Attributes;
}

/**
 * Completes the nodes of a graph or function: texts come from the scan, attributes from the messages that it left.
 *
 * @param messages of the nodes that have one, in their order
 * @param paths of all nodes of the model so far
 * @param decode the attributes of a message, or a tensor that the scan has read
 */
export function decodeNodes(
  messages: Iterable<onnx.INodeProto>,
  list: WireNodeList,
  ofGraph: string,
  paths: NameTable,
  decode: AttributeDecoder,
): readonly Node[] {
  const namer = createPathNamer(ofGraph, paths);
  const { nodes, nodeInputs, nodeOutputs, names, hasMessage, sameAttributesAs } = list;
  const { tensorAttributes } = list;
  const remaining = messages[Symbol.iterator]();
  /** Messages whose problems are about each node that has them. */
  const faulty = new Map<number, onnx.INodeProto>();
  const attributesOf = (index: number, path: string): Attributes => {
    const message = hasMessage[index] === true ? remaining.next() : null;
    const same = sameAttributesAs[index] ?? -1;
    if (same >= 0) {
      const again = faulty.get(same);
      return again ? decode.message(again, null, path) : (nodes[same]?.attributes ?? noAttributes);
    }
    const tensor = tensorAttributes.size > 0 ? tensorAttributes.get(index) : undefined;
    if (tensor) return decode.tensor(tensor);
    if (!message || message.done === true) return noAttributes;
    const attributes = decode.message(message.value, list.bodies.get(index) ?? null, path);
    if (isFaulty(message.value, attributes)) faulty.set(index, message.value);
    return attributes.size === 0 ? noAttributes : attributes;
  };
  for (const node of nodes) {
    const { index } = node;
    node.path = namer.pathOf(node.name, node.opType, index);
    node.inputs = textsOf(nodeInputs, index, names);
    node.outputs = textsOf(nodeOutputs, index, names);
    node.attributes = attributesOf(index, node.path);
  }
  return nodes;
}

function isFaulty({ attribute }: onnx.INodeProto, attributes: Attributes): boolean {
  const protos = attribute ?? [];
  return (
    attributes.size !== protos.length ||
    protos.some((proto) => attributeFieldProblem(proto, attributeType(proto)) !== null)
  );
}

const noTexts: readonly string[] = [];

/** Literals of the right length: lists that grow keep room for more than most nodes have. */
function textsOf(
  { starts, numbers }: GrowingRows,
  node: number,
  names: NameTable,
): readonly string[] {
  const start = starts[node] ?? 0;
  const end = starts[node + 1] ?? numbers.length;
  const text = (at: number): string => {
    const number = numbers[at] ?? -1;
    return number < 0 ? '' : (names.texts[number] ?? '');
  };
  switch (end - start) {
    case 0:
      return noTexts;
    case 1:
      return [text(start)];
    case 2:
      return [text(start), text(start + 1)];
    default:
      return Array.from({ length: end - start }, (_, index) => text(start + index));
  }
}
