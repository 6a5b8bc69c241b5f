import { floatsAttribute, intsAttribute } from '../../attributes';
import { multiply, type Dim } from '../../shapes/symbolic';
import { dimAt, inputShape, type Site } from '../site';
import { perInput, simple, type OpCost, type OpTable } from './op';

/** Rows of [rows, features]; a single vector is one row. */
function rowCount(site: Site): Dim {
  const shape = inputShape(site, 0);
  return shape?.length === 1 ? 1 : dimAt(shape, 0);
}

/** One product per coefficient and row; the coefficients are an attribute, not an initializer. */
const linear: OpCost = {
  kind: 'matmul',
  macs: (site) =>
    multiply(rowCount(site), floatsAttribute(site.node, 'coefficients')?.length ?? null),
};

/** A kernel product with every support vector, or with the coefficients when there is none. */
const supportVectors: OpCost = {
  kind: 'matmul',
  macs: (site) => {
    const vectors = floatsAttribute(site.node, 'support_vectors')?.length ?? 0;
    const coefficients = floatsAttribute(site.node, 'coefficients')?.length ?? null;
    return multiply(rowCount(site), vectors > 0 ? vectors : coefficients);
  },
};

/**
 * One comparison per level and tree. The depth of a tree of n nodes is taken as log2(n + 1):
 * that of a balanced one; trained trees are often somewhat deeper.
 */
const trees: OpCost = {
  kind: 'tree',
  flops: (site) => {
    const treeIds = intsAttribute(site.node, 'nodes_treeids');
    if (!treeIds) return null;
    const nodesByTree = new Map<number, number>();
    for (const id of treeIds) nodesByTree.set(id, (nodesByTree.get(id) ?? 0) + 1);
    let levels = 0;
    for (const nodes of nodesByTree.values()) levels += Math.ceil(Math.log2(nodes + 1));
    return multiply(rowCount(site), levels);
  },
};

/** The form of ai.onnx.ml 5: `tree_roots` and one entry per inner node. */
const treeEnsemble: OpCost = {
  kind: 'tree',
  flops: (site) => {
    const roots = intsAttribute(site.node, 'tree_roots')?.length ?? 0;
    const nodes = intsAttribute(site.node, 'nodes_featureids')?.length ?? 0;
    if (roots === 0) return null;
    const levels = roots * Math.ceil(Math.log2(nodes / roots + 1));
    return multiply(rowCount(site), levels);
  },
};

function elementwise(cost: number): OpCost {
  return { kind: 'elementwise', flops: perInput(cost), inPlace: [0] };
}

const lookup: OpCost = { kind: 'lookup', traffic: 'streams' };
const repackaged: OpCost = { kind: 'none', traffic: 'none' };

export const classicalOps: OpTable = {
  LinearClassifier: linear,
  LinearRegressor: linear,
  SVMClassifier: supportVectors,
  SVMRegressor: supportVectors,
  TreeEnsembleClassifier: trees,
  TreeEnsembleRegressor: trees,
  TreeEnsemble: treeEnsemble,
  Scaler: elementwise(2 * simple),
  Imputer: elementwise(simple),
  Binarizer: elementwise(simple),
  Normalizer: { kind: 'normalization', flops: perInput(3 * simple) },
  ArrayFeatureExtractor: { kind: 'lookup', traffic: 'picks' },
  LabelEncoder: lookup,
  CategoryMapper: lookup,
  OneHotEncoder: lookup,
  FeatureVectorizer: { kind: 'data-movement' },
  DictVectorizer: lookup,
  CastMap: lookup,
  ZipMap: repackaged,
};
