import { rule as doesNotFit } from './does-not-fit';
import { rule as dynamicQuantisedConv } from './dynamic-quantised-conv';
import { rule as floatWeights } from './float-weights';
import { rule as float32Dtype } from './float32-dtype';
import { rule as int8BitsandbytesCostsEnergy } from './int8-bitsandbytes-costs-energy';
import { rule as kvCacheTooLarge } from './kv-cache-too-large';
import { rule as oversizedLayer } from './oversized-layer';
import { rule as redundantNodes } from './redundant-nodes';
import type { Rule } from './rule';

/** Every rule there is, by id. Settings, docs, JSON schema and SARIF are made from this table. */
export const rules: readonly Rule[] = [
  doesNotFit,
  dynamicQuantisedConv,
  floatWeights,
  float32Dtype,
  int8BitsandbytesCostsEnergy,
  kvCacheTooLarge,
  oversizedLayer,
  redundantNodes,
];

const byId = new Map(rules.map((rule) => [rule.meta.id, rule]));

export function ruleById(id: string): Rule | undefined {
  return byId.get(id);
}
