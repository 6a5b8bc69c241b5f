import { normalizeDomain, type Attribute, type Node } from '../graph';
import type { NameTable } from '../name-table';
import type { GrowingRows } from '../value-numbers';
import { attributeFieldProblem, attributeType } from './decode-fields';
import { createPathNamer } from './paths';
import type { onnx } from './proto';
import type { WireBodies, WireNode, WireNodeList } from './wire-types';

type Attributes = ReadonlyMap<string, Attribute>;
type Bodies = ReadonlyMap<number, WireBodies> | null;

const noAttributes: Attributes = new Map();
const noMetadata: ReadonlyMap<string, string> = new Map();

/**
 * The nodes of a graph or function: texts from the records of the scan, attributes from the messages that it left.
 *
 * @param messages of the nodes that have one, in their order
 * @param paths of all nodes of the model so far
 * @param decode the attributes of a message
 */
export function decodeNodes(
  messages: Iterable<onnx.INodeProto>,
  list: WireNodeList,
  ofGraph: string,
  paths: NameTable,
  decode: (message: onnx.INodeProto, bodies: Bodies, nodePath: string) => Attributes,
): Node[] {
  const namer = createPathNamer(ofGraph, paths);
  const { nodeInputs, nodeOutputs, names } = list;
  const remaining = messages[Symbol.iterator]();
  /** Messages whose problems are about each node that has them. */
  const faulty = new Map<number, onnx.INodeProto>();
  const nodes: Node[] = [];
  const attributesOf = (wire: WireNode, path: string): Attributes => {
    const message = wire.hasMessage ? remaining.next() : null;
    const same = wire.sameAttributesAs;
    if (same >= 0) {
      const again = faulty.get(same);
      return again ? decode(again, null, path) : (nodes[same]?.attributes ?? noAttributes);
    }
    if (!message || message.done === true) return noAttributes;
    const attributes = decode(message.value, wire.bodies, path);
    if (isFaulty(message.value, attributes)) faulty.set(nodes.length, message.value);
    return attributes.size === 0 ? noAttributes : attributes;
  };
  for (let index = 0; index < list.nodes.length; index++) {
    const wire = list.nodes[index];
    if (!wire) continue;
    const path = namer.pathOf(wire.name, wire.opType, index);
    nodes.push({
      index,
      name: wire.name,
      path,
      opType: wire.opType,
      domain: normalizeDomain(wire.domain),
      overload: wire.overload,
      inputs: textsOf(nodeInputs, index, names),
      outputs: textsOf(nodeOutputs, index, names),
      attributes: attributesOf(wire, path),
      docString: wire.docString,
      metadata: wire.metadata ?? noMetadata,
    });
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
function textsOf({ starts, numbers }: GrowingRows, node: number, names: NameTable): readonly string[] {
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
