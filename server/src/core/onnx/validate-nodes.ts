import type { ModelFunction, Node } from '../graph';
import {
  findOperator,
  type Arity,
  type OperatorLookup,
  type OperatorSignature,
} from './operator-signatures';
import { functionKey, report, type Check } from './validate-report';

/**
 * Checks a node against the standard: operator known in this opset, count of inputs and outputs, names where none may
 * be left out, attributes known, of the right kind and all required ones there. Operators of other domains and
 * model-local functions are not judged here.
 *
 * @param opsets the imports that hold where the node stands
 */
export function checkNode(node: Node, opsets: ReadonlyMap<string, number>, check: Check): void {
  const { domain, opType } = node;
  if (opType === '') {
    addError(
      node,
      'empty-name',
      check,
      () => 'A node has no operator type, so nothing can run it.',
    );
    return;
  }
  if (node.attributes.has('')) {
    addError(
      node,
      'empty-name',
      check,
      (op) => `An attribute of ${op} has no name; it says nothing.`,
    );
  }
  const opset = opsets.get(domain);
  const definition = localFunction(node, check);
  checkDomain(node, opset, opsets, definition !== undefined, check);
  if (definition) {
    checkCallCount(node, 'input', node.inputs.length, definition.inputs.length, check);
    checkCallCount(node, 'output', node.outputs.length, definition.outputs.length, check);
    return;
  }
  if (opset === undefined) return;
  const found = findOperator(domain, opType, opset);
  if (!found) return;
  if (found.kind === 'known') checkSignature(node, found.signature, check);
  else reportUnknown(node, opset, found, check);
}

/** The function that the model brings along for this node, if any. */
export function localFunction(
  { domain, opType, overload }: Node,
  { localFunctions }: Check,
): ModelFunction | undefined {
  if (localFunctions.size === 0) return undefined;
  return localFunctions.get(functionKey(domain, opType, overload));
}

function checkCallCount(
  node: Node,
  what: 'input' | 'output',
  count: number,
  max: number,
  check: Check,
): void {
  if (count <= max) return;
  addError(
    node,
    `too-many-${what}s`,
    check,
    (op) => `The call of "${op}" has ${counted(count, what)}, but the function has ${max}.`,
  );
}

function reportUnknown(
  { domain, opType, path }: Node,
  opset: number,
  found: Exclude<OperatorLookup, { readonly kind: 'known' }>,
  { sink }: Check,
): void {
  if (domain === '' && formerlyExperimental.has(opType)) return;
  const set = `${domain === '' ? 'ai.onnx' : domain} ${opset}`;
  let why = 'runtimes may refuse it';
  if (found.kind === 'later') why = `it came with opset ${found.since}`;
  if (found.kind === 'removed') why = `opset ${found.since} took it out`;
  report(
    sink,
    { code: 'unknown-operator', severity: 'warning', where: path, name: opType },
    (op) => `Operator "${op}" is not in ${set}: ${why}.`,
  );
}

/** Taken out of ONNX before they were standardised; the ONNX checker and runtimes still let them pass. */
const formerlyExperimental: ReadonlySet<string> = new Set([
  'ATen',
  'Affine',
  'ConstantFill',
  'Crop',
  'DynamicSlice',
  'GRUUnit',
  'GivenTensorFill',
  'ImageScaler',
  'ParametricSoftplus',
  'Scale',
  'ScaledTanh',
]);

function checkDomain(
  { domain, path }: Node,
  opset: number | undefined,
  opsets: ReadonlyMap<string, number>,
  isFunction: boolean,
  check: Check,
): void {
  // A model without any import has its own problem.
  if (opset !== undefined || (domain === '' && opsets.size === 0)) return;
  report(
    check.sink,
    {
      code: 'domain-not-imported',
      // Runtimes import domains of operators that they know by themselves, but not those of a model's functions.
      severity: isFunction ? 'error' : 'warning',
      where: path,
      name: domain === '' ? 'ai.onnx' : domain,
    },
    (shown) => `Domain "${shown}" is not among the opset imports; add the version that is meant.`,
  );
}

function checkSignature(node: Node, signature: OperatorSignature, check: Check): void {
  checkCount(node, node.inputs, signature.inputs, 'input', check);
  checkCount(node, node.outputs, signature.outputs, 'output', check);
  const { attributes, requiredAttributes } = signature;
  for (const [name, { refName, value }] of node.attributes) {
    const wanted = attributes.get(name);
    if (wanted === undefined) {
      // Names with two underscores are a runtime's own notes.
      if (name === '' || name.startsWith('__')) continue;
      const code = 'unknown-attribute';
      report(
        check.sink,
        { code, severity: 'error', where: node.path, name },
        (shown) => `${operatorName(node)} has no attribute "${shown}" in this opset; remove it.`,
      );
    } else if (value.kind !== wanted && refName === '') {
      const has = value.kind === 'none' ? 'has no value' : `is of kind ${value.kind}`;
      addError(
        node,
        'wrong-attribute-type',
        check,
        (op) => `Attribute "${name}" of ${op} ${has}; the standard wants ${wanted}.`,
      );
    }
  }
  for (const name of requiredAttributes) {
    if (node.attributes.has(name)) continue;
    addError(
      node,
      'missing-attribute',
      check,
      (op) => `${op} lacks its attribute "${name}", which has no default.`,
    );
  }
  if (node.opType === 'Constant' && node.domain === '' && node.attributes.size !== 1) {
    const count = node.attributes.size;
    addError(
      node,
      'missing-attribute',
      check,
      (op) => `${op} has ${count} attributes; its value must be given by exactly one.`,
    );
  }
}

function checkCount(
  node: Node,
  names: readonly string[],
  { min, max, needed }: Arity,
  what: 'input' | 'output',
  check: Check,
): void {
  if (names.length < min) {
    const count = names.length;
    const wanted = counted(min, what);
    addError(
      node,
      `missing-${what}`,
      check,
      (op) => `${op} needs ${min === max ? '' : 'at least '}${wanted} but has ${count}.`,
    );
  } else if (names.length > max) {
    const count = names.length;
    const wanted = counted(max, what);
    addError(
      node,
      `too-many-${what}s`,
      check,
      (op) => `${op} takes ${wanted} in this opset but has ${count}.`,
    );
  }
  const end = Math.min(names.length, needed.length);
  for (let index = 0; index < end; index++) {
    if (names[index] !== '' || needed[index] !== true) continue;
    addError(
      node,
      `missing-${what}`,
      check,
      (op) => `${op} has an empty name for its ${what} ${index}, which cannot be left out.`,
    );
  }
}

function counted(count: number, what: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`;
}

function addError(
  node: Node,
  code: string,
  { sink }: Check,
  message: (op: string) => string,
): void {
  report(sink, { code, severity: 'error', where: node.path, name: node.opType }, message);
}

function operatorName({ opType }: Node): string {
  return opType.slice(0, 40);
}
