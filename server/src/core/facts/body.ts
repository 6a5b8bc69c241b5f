import type { Graph, ModelFunction } from '../graph';
import type { Scope } from '../shapes/types';

/** Names of formal inputs, in order. Initializers that old files also list as inputs are left out. */
export function bodyInputs(scope: Scope): readonly string[] {
  const { body } = scope;
  if (!isGraph(body)) return body.inputs;
  return body.inputs.map((input) => input.name).filter((name) => !body.initializerByName.has(name));
}

export function bodyOutputs(scope: Scope): readonly string[] {
  const { body } = scope;
  return isGraph(body) ? body.outputs.map((output) => output.name) : body.outputs;
}

export function isGraph(body: Graph | ModelFunction): body is Graph {
  return 'initializerByName' in body;
}
