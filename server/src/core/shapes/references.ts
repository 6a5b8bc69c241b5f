import type { Attribute, ModelFunction, Node } from '../graph';

/** Attributes of a function call by name: what the caller gives, else the function's default. */
export type CallAttributes = ReadonlyMap<string, Attribute>;

export function callAttributes(call: Node, definition: ModelFunction): CallAttributes {
  const attributes = new Map<string, Attribute>();
  for (const attribute of definition.attributeDefaults) attributes.set(attribute.name, attribute);
  for (const [name, attribute] of call.attributes) attributes.set(name, attribute);
  return attributes;
}

/**
 * The node with every reference (`refName`) replaced by the caller's attribute; a reference to an
 * attribute that the call leaves out is left out too, as the format says. Nodes without
 * references are returned as they are.
 */
export function resolveReferences(node: Node, call: CallAttributes): Node {
  let hasReference = false;
  for (const attribute of node.attributes.values()) hasReference ||= attribute.refName !== '';
  if (!hasReference) return node;
  const attributes = new Map<string, Attribute>();
  for (const [name, attribute] of node.attributes) {
    if (attribute.refName === '') {
      attributes.set(name, attribute);
      continue;
    }
    const given = call.get(attribute.refName);
    if (given?.refName === '') attributes.set(name, { name, refName: '', value: given.value });
  }
  return { ...node, attributes };
}
