import type { DeclaredDim, Graph, ValueInfo, ValueType } from '../graph';
import type { ProblemSink } from '../problem';
import { report, type DimSizes } from './validate-report';

/** Kernels that count elements in 32 bits fail beyond; a file that declares it is mostly a mistake. */
const maxSensibleElements = 2 ** 31;

/**
 * Checks what a graph declares of its values: types of inputs, sizes beyond reason, declarations of one value that
 * contradict each other or give one named dim two sizes.
 */
export function checkDeclaredTypes(graph: Graph, sizes: DimSizes, sink: ProblemSink): void {
  const first = new Map<string, ValueType>();
  for (const infos of [graph.inputs, graph.outputs, graph.valueInfos]) {
    const isInterface = infos !== graph.valueInfos;
    for (const info of infos) {
      const { name, type } = info;
      checkElementCount(info, sink);
      compareWithStored(info, graph, sizes, sink);
      const known = first.get(name);
      if (known) compare(name, known, type, { sizes, sink, severity: 'warning' });
      // Two entries for a value inside are compared where its shape is inferred.
      else if (isInterface) first.set(name, type);
    }
  }
  for (const info of graph.inputs) {
    checkRepeatedSymbol(info, sink);
    checkTyped(info, graph, sink);
  }
}

function compareWithStored(
  { name, type }: ValueInfo,
  { initializerByName }: Graph,
  sizes: DimSizes,
  sink: ProblemSink,
): void {
  const tensor = initializerByName.size > 0 ? initializerByName.get(name) : undefined;
  if (typeof tensor?.elementCount !== 'number') return;
  const { dtype, dims } = tensor;
  compare(name, type, { kind: 'tensor', dtype, dims }, { sizes, sink, severity: 'error' });
}

interface Comparison {
  readonly sizes: DimSizes;
  readonly sink: ProblemSink;
  readonly severity: 'error' | 'warning';
}

function compare(name: string, one: ValueType, other: ValueType, context: Comparison): void {
  if (one.kind !== 'tensor' || other.kind !== 'tensor') return;
  if (one.dtype && other.dtype && one.dtype !== other.dtype) {
    contradiction(name, `${one.dtype} and ${other.dtype}`, context);
  }
  if (!one.dims || !other.dims) return;
  if (one.dims.length !== other.dims.length) {
    contradiction(name, `rank ${one.dims.length} and rank ${other.dims.length}`, context);
    return;
  }
  for (const [axis, dim] of one.dims.entries()) {
    const second = other.dims[axis] ?? null;
    if (typeof dim === 'number' && typeof second === 'number') {
      if (dim !== second) contradiction(name, `${dim} and ${second} in dim ${axis}`, context);
    } else if (typeof dim === 'string' && typeof second === 'number') {
      bind(dim, second, name, context);
    } else if (typeof dim === 'number' && typeof second === 'string') {
      bind(second, dim, name, context);
    }
  }
}

function contradiction(name: string, what: string, { sink, severity }: Comparison): void {
  report(
    sink,
    { code: 'declared-type-mismatch', severity, where: name, name },
    (shown) => `"${shown}" is declared twice, as ${what}; export the model again.`,
  );
}

function bind(symbol: string, size: number, name: string, { sizes, sink }: Comparison): void {
  const known = sizes.get(symbol);
  if (known === undefined) sizes.set(symbol, size);
  if (known === undefined || known === size) return;
  report(
    sink,
    { code: 'dim-param-contradiction', severity: 'warning', where: name, name: symbol },
    (shown) => `The named dim "${shown}" is ${known} in one value and ${size} in another.`,
  );
}

/** Beyond 2^53 sizes have no meaning; named and unknown dims are at least 1 unless the value is empty. */
function checkElementCount({ name, type }: ValueInfo, sink: ProblemSink): void {
  if (type.kind !== 'tensor' || !type.dims) return;
  const count = leastElements(type.dims);
  if (count <= maxSensibleElements) return;
  const isImpossible = count > Number.MAX_SAFE_INTEGER;
  const shown = isImpossible ? 'more than 2^53' : String(count);
  report(
    sink,
    {
      code: isImpossible ? 'invalid-dims' : 'giant-value',
      severity: isImpossible ? 'error' : 'warning',
      where: name,
      name,
    },
    (value) => `"${value}" is declared with ${shown} elements; check its dims.`,
  );
}

function leastElements(dims: readonly DeclaredDim[]): number {
  let count = 1;
  for (const dim of dims) {
    if (dim === 0) return 0;
    if (typeof dim === 'number') count *= dim;
  }
  return count;
}

/** An input whose batch-like first dim comes again accepts square values only, which is seldom meant. */
function checkRepeatedSymbol({ name, type }: ValueInfo, sink: ProblemSink): void {
  if (type.kind !== 'tensor' || !type.dims) return;
  const [first, ...rest] = type.dims;
  if (typeof first !== 'string' || !rest.includes(first)) return;
  const axis = rest.indexOf(first) + 1;
  report(
    sink,
    { code: 'repeated-dim-param', severity: 'info', where: name, name },
    (shown) =>
      `Input "${shown}" has one name for dims 0 and ${axis}: it takes only equal sizes there.`,
  );
}

function checkTyped({ name, type }: ValueInfo, graph: Graph, sink: ProblemSink): void {
  if (graph.path !== 'main' || graph.initializerByName.has(name)) return;
  const isTyped = type.kind === 'tensor' ? type.dtype !== null : type.kind !== 'unknown';
  if (isTyped) return;
  report(
    sink,
    { code: 'untyped-input', severity: 'warning', where: name, name },
    (shown) => `Input "${shown}" has no element type, so runtimes refuse the model; declare it.`,
  );
}
