import { graphAttribute, intAttribute } from '../attributes';
import type { Graph, Node } from '../graph';
import { localFunction } from './validate-nodes';
import { report, type Check } from './validate-report';

/**
 * Checks that the bodies of If, Loop, Scan and SequenceMap take and give as many values as their node passes and
 * hands on. ONNX Runtime and ONNX's shape inference refuse any difference.
 * Source: the operators' descriptions in the ONNX standard.
 */
export function checkControlFlow(
  node: Node,
  opsets: ReadonlyMap<string, number>,
  check: Check,
): void {
  if (node.domain !== '' || localFunction(node, check)) return;
  const { inputs, outputs, opType } = node;
  switch (opType) {
    case 'If':
      for (const branch of ['then_branch', 'else_branch']) {
        checkBody(node, branch, { inputs: 0, outputs: outputs.length }, check);
      }
      return;
    case 'Loop':
      // Iteration number and condition come before the carried values; the trip count is not passed in.
      checkBody(
        node,
        'body',
        { inputs: Math.max(2, inputs.length), outputs: outputs.length + 1 },
        check,
      );
      return;
    case 'Scan': {
      // Opset 8 has the sequence lengths as its first input, which the body does not see.
      const passed = inputs.length - ((opsets.get('') ?? 0) === 8 ? 1 : 0);
      checkBody(node, 'body', { inputs: passed, outputs: outputs.length }, check);
      checkScanInputs(node, passed, check);
      return;
    }
    case 'SequenceMap':
      checkBody(node, 'body', { inputs: inputs.length, outputs: outputs.length }, check);
  }
}

function checkBody(
  node: Node,
  attribute: string,
  wanted: { readonly inputs: number; readonly outputs: number },
  { sink }: Check,
): void {
  const body = graphAttribute(node, attribute);
  // Missing ones are reported as missing attributes; references have an empty graph.
  if (!body || node.attributes.get(attribute)?.refName !== '') return;
  const differs = (what: string, has: number, wants: number): void => {
    report(
      sink,
      { code: 'subgraph-mismatch', severity: 'error', where: node.path, name: attribute },
      (shown) => `The ${shown} of ${node.opType} has ${has} ${what}s; its node wants ${wants}.`,
    );
  };
  const required = requiredInputs(body);
  if (wanted.inputs !== body.inputs.length && wanted.inputs !== required) {
    differs('input', body.inputs.length, wanted.inputs);
  }
  if (wanted.outputs !== body.outputs.length) {
    differs('output', body.outputs.length, wanted.outputs);
  }
}

/** Before IR 4 weights are listed as inputs too; callers need not pass those. */
function requiredInputs({ inputs, initializerByName }: Graph): number {
  return inputs.filter(({ name }) => !initializerByName.has(name)).length;
}

function checkScanInputs(node: Node, passed: number, { sink }: Check): void {
  const count = intAttribute(node, 'num_scan_inputs');
  if (count === undefined || (count >= 1 && count <= passed)) return;
  report(
    sink,
    { code: 'subgraph-mismatch', severity: 'error', where: node.path, name: node.opType },
    (op) => `${op} has num_scan_inputs ${count}; with ${passed} inputs it must be 1 to ${passed}.`,
  );
}
