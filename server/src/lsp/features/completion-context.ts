import type { BlockPlace } from '../../core/onnx/text-places';
import { scan, type Token } from '../../core/onnx/text-lexer';
import type { DraftView } from '../drafts';
import { blockAt, operatorIn, type WrittenOperator } from './draft-places';

/** What may be written at a place of a text. */
export type CompletionContext =
  | { readonly kind: 'operator'; readonly block: BlockPlace; readonly domain: string }
  | { readonly kind: 'value'; readonly block: BlockPlace; readonly before: number }
  | {
      readonly kind: 'attribute';
      readonly block: BlockPlace;
      readonly operator: WrittenOperator;
      readonly given: ReadonlySet<string>;
    }
  | { readonly kind: 'attribute-type' }
  | { readonly kind: 'type' }
  | { readonly kind: 'none' };

/** A node or a head that is longer is no place where somebody types. */
const maxLookBack = 20_000;

const none: CompletionContext = { kind: 'none' };

export function completionContext(view: DraftView, offset: number): CompletionContext {
  const block = blockAt(view, offset);
  const text = view.document.getText();
  if (block === null) return headContext(view, text, offset);
  const start = block.nodes.findLast((node) => node.start < offset)?.start ?? block.body.start + 1;
  if (offset - start > maxLookBack) return none;
  return nodeContext(tokensOf(text.slice(start, offset)), text.slice(start, offset), block, start);
}

/** Without the word that is being written. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let token = scan(text, 0); token.kind !== 'end'; token = scan(text, token.end)) {
    tokens.push(token);
    if (token.kind === 'bad') break;
  }
  const last = tokens.at(-1);
  if (last?.kind === 'identifier' && last.end === text.length) tokens.pop();
  return tokens;
}

/** In a graph's or function's head: types stand behind `(`, `<` and commas. */
function headContext({ draft }: DraftView, text: string, offset: number): CompletionContext {
  const { header, blocks } = draft.places;
  if (header && offset < header.end) return none;
  const head = blocks.findLast((block) => block.name.end <= offset);
  if (!head || offset > head.body.start + 1 || offset - head.name.end > maxLookBack) return none;
  const last = tokensOf(text.slice(head.name.end, offset)).at(-1);
  return last && '(<,'.includes(last.text) && last.kind === 'punctuation' ? { kind: 'type' } : none;
}

/** Follows the syntax of a node up to the place. */
function nodeContext(
  tokens: readonly Token[],
  text: string,
  block: BlockPlace,
  start: number,
): CompletionContext {
  let part: 'outputs' | 'operator' | 'attributes' | 'inputs' | 'end' = 'outputs';
  let operatorStart = 0;
  let operator: WrittenOperator | null = null;
  let depth = 0;
  let given = new Set<string>();
  let attributePart: 'name' | 'type' | 'value' = 'name';
  for (const [index, token] of tokens.entries()) {
    const word = token.kind === 'punctuation' ? token.text : '';
    if (part === 'outputs' || part === 'end') {
      if (word === '=') {
        part = 'operator';
        operatorStart = token.end;
        operator = null;
        given = new Set();
      } else if (word === '<' && part === 'end') {
        part = 'attributes';
        attributePart = 'name';
      } else if (part === 'end' && token.kind === 'identifier') part = 'outputs';
      continue;
    }
    if (part === 'operator') {
      if (word !== '(' && word !== '<') continue;
      operator = operatorIn(text.slice(operatorStart, token.start));
      part = word === '(' ? 'inputs' : 'attributes';
      attributePart = 'name';
      depth = 0;
      continue;
    }
    if ('([{'.includes(word) && word !== '') depth++;
    else if (depth > 0 && ')]}'.includes(word) && word !== '') depth--;
    else if (depth > 0) continue;
    else if (part === 'inputs') {
      if (word === ')') part = 'end';
    } else if (word === '>') {
      // Attributes may stand on either side of the inputs.
      part = 'end';
      if (tokens[index + 1]?.text === '(') part = 'operator';
      if (part === 'operator') operatorStart = Infinity;
    } else if (word === ',') attributePart = 'name';
    else if (word === ':') attributePart = 'type';
    else if (word === '=') attributePart = 'value';
    else if (attributePart === 'name' && token.kind === 'identifier') given.add(token.text);
  }
  if (depth > 0) return none;
  switch (part) {
    case 'operator': {
      const written = text.slice(Math.min(operatorStart, text.length)).trim();
      const dot = written.lastIndexOf('.');
      return { kind: 'operator', block, domain: dot < 0 ? '' : written.slice(0, dot) };
    }
    case 'inputs':
      return { kind: 'value', block, before: start };
    case 'attributes':
      if (attributePart === 'type') return { kind: 'attribute-type' };
      if (attributePart === 'value' || !operator) return none;
      return { kind: 'attribute', block, operator, given };
    case 'outputs':
    case 'end':
      return none;
  }
}
