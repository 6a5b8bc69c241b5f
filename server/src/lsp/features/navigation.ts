import type { Location, Position } from 'vscode-languageserver';
import type { Span } from '../../core/onnx/text-cursor';
import type { NamePlace } from '../../core/onnx/text-places';
import type { DraftView } from '../drafts';
import {
  calledFunction,
  occurrenceAt,
  occurrencesOf,
  rootOf,
  valueDefinition,
  writtenOperator,
  type Occurrence,
} from './draft-places';

/** Where the value, function or function attribute at a place is defined. */
export function draftDefinition(view: DraftView, position: Position): Location[] {
  const occurrence = occurrenceAt(view, view.document.offsetAt(position));
  const found = occurrence && definitionOf(view, occurrence);
  return found ? [locationOf(view, found)] : [];
}

/** Every place that means the same, in the order of the text. */
export function draftReferences(
  view: DraftView,
  position: Position,
  includesDefinition: boolean,
): Location[] {
  const occurrence = occurrenceAt(view, view.document.offsetAt(position));
  const definition = occurrence && definitionOf(view, occurrence);
  if (!definition) return [];
  return occurrencesOf(view)
    .filter(({ place }) => place.name === definition.name)
    .filter((one) => definitionOf(view, one)?.start === definition.start)
    .filter(({ place }) => includesDefinition || place.start !== definition.start)
    .map(({ place }) => locationOf(view, place));
}

function definitionOf(view: DraftView, { kind, place, block, node }: Occurrence): NamePlace | null {
  switch (kind) {
    case 'value':
      return valueDefinition(block, place.name);
    case 'operator':
      return node && (calledFunction(view, writtenOperator(view, node))?.name ?? null);
    case 'function':
      return block.parent === null && block.path.startsWith('function:') ? place : null;
    case 'function-attribute': {
      const { values } = rootOf(block);
      return values.find(({ role, name }) => role === 'attribute' && name === place.name) ?? null;
    }
    case 'attribute':
      return null;
  }
}

function locationOf({ uri, document }: DraftView, { start, end }: Span): Location {
  return {
    uri,
    range: { start: document.positionAt(start), end: document.positionAt(end) },
  };
}
