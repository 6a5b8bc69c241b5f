import type { Attribute } from '../graph';
import { createByteMemo } from './byte-memo';
import { attributeFieldProblem, attributeType } from './decode-fields';
import type { onnx } from './proto';

type Attributes = ReadonlyMap<string, Attribute>;

/** The attributes of nodes by the reduced bytes of their messages: a model repeats a few of them all the time. */
const memo = createByteMemo<Attributes>();

export function findAttributes(
  bytes: Uint8Array,
  start: number,
  length: number,
): Attributes | null {
  return memo.find(bytes, start, length);
}

/** Keeps what was decoded of these bytes, if others may have it too. Answers with what the node is to have. */
export function keepAttributes(
  bytes: Uint8Array,
  start: number,
  length: number,
  protos: readonly onnx.IAttributeProto[],
  attributes: Attributes,
): Attributes {
  if (!areShareable(protos, attributes)) return attributes;
  const shared = withOwnBytes(attributes);
  memo.keep(bytes, start, length, shared);
  return shared;
}

/** Payloads and subgraphs have a place in the file, problems a node that they are about. */
function areShareable(protos: readonly onnx.IAttributeProto[], attributes: Attributes): boolean {
  return (
    attributes.size === protos.length &&
    [...attributes.values()].every(({ value }) => /^(float|int|string)s?$/.test(value.kind)) &&
    protos.every((proto) => attributeFieldProblem(proto, attributeType(proto)) === null)
  );
}

/** Strings are views of the file's bytes, all of which what is kept would keep. */
function withOwnBytes(attributes: Attributes): Attributes {
  const own = new Map<string, Attribute>();
  for (const [name, attribute] of attributes) {
    const { value } = attribute;
    if (value.kind === 'string') {
      own.set(name, { ...attribute, value: { kind: 'string', value: value.value.slice() } });
    } else if (value.kind === 'strings') {
      const values = value.value.map((bytes) => bytes.slice());
      own.set(name, { ...attribute, value: { kind: 'strings', value: values } });
    } else own.set(name, attribute);
  }
  return own;
}
