import {
  CompletionItemKind,
  type CompletionItem,
  type CompletionList,
  type Position,
} from 'vscode-languageserver';
import { dataTypes } from '../../core/dtype';
import { operatorsOf } from '../../core/onnx/operator-signatures';
import type { BlockPlace } from '../../core/onnx/text-places';
import { nameText } from '../../core/onnx/text-print-values';
import { attributeTypeWord, textTypeName } from '../../core/onnx/text-syntax';
import { typeOf } from '../../core/shapes/types';
import type { DraftView } from '../drafts';
import { completionContext, type CompletionContext } from './completion-context';
import { scopesOf } from './draft-hover';
import { definitionsIn, opsetsAt, rootOf, signatureIn } from './draft-places';
import { typeLabel } from './labels';
import { arityLabel } from './signature-label';

/** More are not shown in a list; the client asks again when more of the word is written. */
const maxItems = 500;

/** What can be written at a place: operators, values with their types, attributes, types. */
export function draftCompletion(view: DraftView, position: Position): CompletionList {
  const context = completionContext(view, view.document.offsetAt(position));
  const items = itemsFor(view, context);
  return { isIncomplete: items.length > maxItems, items: items.slice(0, maxItems) };
}

function itemsFor(view: DraftView, context: CompletionContext): CompletionItem[] {
  switch (context.kind) {
    case 'operator':
      return operatorItems(view, context.block, context.domain);
    case 'value':
      return valueItems(view, context.block, context.before);
    case 'attribute':
      return attributeItems(view, context);
    case 'attribute-type':
      return attributeWords.map((label) => ({ label, kind: CompletionItemKind.Keyword }));
    case 'type':
      return typeWords.map((label) => ({ label, kind: CompletionItemKind.TypeParameter }));
    case 'none':
      return [];
  }
}

const typeWords: readonly string[] = [
  ...dataTypes.map(({ name }) => textTypeName(name)),
  ...['seq', 'map', 'optional', 'sparse_tensor'],
];

const attributeWords: readonly string[] = (
  [
    ...(['float', 'int', 'string', 'tensor', 'graph', 'type'] as const),
    ...(['floats', 'ints', 'strings', 'tensors', 'graphs', 'types'] as const),
  ] as const
).map((kind) => attributeTypeWord(kind));

/** Behind `domain.` those of the domain only. */
function operatorItems(view: DraftView, block: BlockPlace, domain: string): CompletionItem[] {
  const items: CompletionItem[] = [];
  for (const [known, opset] of opsetsAt(view, block)) {
    if (domain !== '' && domain !== (known === '' ? 'ai.onnx' : known)) continue;
    for (const [name, signature] of operatorsOf(known, opset)) {
      const label = domain === '' && known !== '' ? `${known}.${name}` : name;
      const detail = arityLabel(signature);
      items.push({ label, kind: CompletionItemKind.Function, detail });
    }
  }
  for (const one of view.draft.model.functions) {
    if (domain !== '' && domain !== one.domain) continue;
    const label = domain === '' && one.domain !== '' ? `${one.domain}.${one.name}` : one.name;
    const detail = `(${one.inputs.join(', ')}) => (${one.outputs.join(', ')})`.slice(0, 200);
    items.push({ label, kind: CompletionItemKind.Function, detail });
  }
  return items;
}

/** Values that are defined in front of the node, the nearest first, then those of the graphs around. */
function valueItems(view: DraftView, from: BlockPlace, before: number): CompletionItem[] {
  const items: CompletionItem[] = [];
  const seen = new Set<string>();
  let end = before;
  for (let block: BlockPlace | null = from; block; block = block.parent) {
    const scope = scopesOf(view).get(block.path);
    const limit = end;
    const visible = [...definitionsIn(block).values()].filter(({ start }) => start < limit);
    // What the node around gives is not there yet inside of it.
    end = block.owner?.start ?? end;
    for (const { name } of visible.sort((a, b) => b.start - a.start)) {
      if (seen.has(name) || items.length > maxItems) continue;
      seen.add(name);
      items.push({
        label: name,
        kind: CompletionItemKind.Variable,
        insertText: nameText(name),
        sortText: String(items.length).padStart(4, '0'),
        ...(scope && { detail: typeLabel(typeOf(scope, name)) }),
      });
    }
  }
  return items;
}

function attributeItems(
  view: DraftView,
  { block, operator, given }: Extract<CompletionContext, { kind: 'attribute' }>,
): CompletionItem[] {
  const { signature } = signatureIn(view, block, operator) ?? {};
  const called = view.draft.model.functions.find(
    ({ domain, name }) => domain === operator.domain && name === operator.opType,
  );
  const own = [
    ...(called?.attributeNames ?? []),
    ...(called?.attributeDefaults ?? []).map(({ name }) => name),
  ].map((name): CompletionItem => ({ label: name, kind: CompletionItemKind.Property }));
  const standard = Array.from(signature?.attributes ?? [], ([name, kind]): CompletionItem => {
    const isNeeded = signature?.requiredAttributes.includes(name) ?? false;
    return {
      label: name,
      kind: CompletionItemKind.Property,
      detail: `${attributeTypeWord(kind)}${isNeeded ? ', needed' : ''}`,
      insertText: `${name} = `,
      sortText: `${isNeeded ? 0 : 1}${name}`,
    };
  });
  // Inside of a function the same attribute may be passed on.
  const passed = rootOf(block).values.filter(({ role }) => role === 'attribute');
  const references = passed.map(({ name }): CompletionItem => ({
    label: `${name} = @${name}`,
    kind: CompletionItemKind.Reference,
  }));
  return [...own, ...standard, ...references].filter(
    ({ label }) => !given.has(label.split(' ')[0] ?? label),
  );
}
