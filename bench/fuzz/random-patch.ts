import type { Model } from '../../server/src/core/graph';
import { emptyPatch, type Patch } from '../../server/src/core/transform/patch';
import type { Choices } from './random';

/** A change of whatever parts the model has; it need not make sense, but the file must stay readable. */
export function randomPatch({ graph }: Model, choices: Choices): Patch {
  const { below, oneIn, pick } = choices;
  const some = (count: number): number[] =>
    Array.from({ length: count }, (_, index) => index).filter(() => oneIn(4));
  const removeNodes = some(graph.nodes.length);
  const kept = graph.nodes.filter(({ index }) => !removeNodes.includes(index));
  const word = (): string => pick(['', 'y', 'a name', '\ud800', 'x'.repeat(200)], 'y');
  const bytes = new Uint8Array(4 * (1 + below(3)));
  return {
    ...emptyPatch,
    removeNodes,
    renameNodes: kept
      .filter(() => oneIn(3))
      .map(({ index }) => ({ node: index, to: oneIn(4) ? null : word() })),
    renameInputs: kept.flatMap(({ index, inputs }) =>
      inputs.length > 0 && oneIn(3)
        ? [{ node: index, input: below(inputs.length), to: word() }]
        : [],
    ),
    renameOutputs: kept.flatMap(({ index, outputs }) =>
      outputs.length > 0 && oneIn(3)
        ? [{ node: index, output: below(outputs.length), to: word() }]
        : [],
    ),
    insertNodes: some(3).map(() => ({
      before: oneIn(2) ? ('end' as const) : below(graph.nodes.length),
      node: {
        name: word(),
        opType: 'Relu',
        domain: '',
        inputs: [word()],
        outputs: [word()],
        attributes: [],
      },
    })),
    removeInitializers: some(graph.initializers.length),
    removeInputs: some(graph.inputs.length),
    removeValueInfos: graph.valueInfos.filter(() => oneIn(4)).map(({ name }) => name),
    addInitializers: some(2).map(() => ({
      name: word(),
      dtype: 'float32',
      dims: [bytes.byteLength / 4],
      byteLength: bytes.byteLength,
      data: () => Promise.resolve(bytes),
    })),
    setOpsets: new Map(oneIn(3) ? [[pick(['', 'com.microsoft'], ''), 1 + below(22)]] : []),
    setMetadata: new Map(oneIn(3) ? [[word(), word()]] : []),
  };
}
