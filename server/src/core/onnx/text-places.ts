import type { Span } from './text-cursor';

/** Where the parts of a parsed model stand in its text: what editors need to get from the one to the other. */
export interface TextPlaces {
  /** In the order in which they begin: main graph first, subgraphs behind the block that they are in. */
  readonly blocks: readonly BlockPlace[];
  /** `<…>` in front of the graph. */
  readonly header: Span | null;
}

/** A graph, subgraph or function. */
export interface BlockPlace extends Span {
  /** `Graph.path`, or `function:domain.name:overload`. */
  readonly path: string;
  readonly name: NamePlace;
  /** The block around it; null for the main graph and for functions. */
  readonly parent: BlockPlace | null;
  /** The node whose attribute it is. */
  readonly owner: NodePlace | null;
  /** From the first to the last character of the nodes' braces. */
  readonly body: Span;
  /** Bracketed lists of the head: header, inputs, outputs, declarations. */
  readonly lists: readonly Span[];
  readonly values: readonly ValuePlace[];
  readonly nodes: readonly NodePlace[];
}

export interface NamePlace extends Span {
  readonly name: string;
}

export interface ValuePlace extends NamePlace {
  readonly role: 'input' | 'output' | 'initializer' | 'type' | 'attribute';
}

export interface NodePlace extends Span {
  /** `Node.path`. */
  readonly path: string;
  readonly label: NamePlace | null;
  /** With domain and overload. */
  readonly operator: NamePlace;
  /** By position; an omitted name has no width. */
  readonly inputs: readonly NamePlace[];
  readonly outputs: readonly NamePlace[];
  readonly attributes: readonly AttributePlace[];
  /** There is a syntax error in it: it is known in part. */
  readonly isBroken: boolean;
}

export interface AttributePlace extends NamePlace {
  /** From its name to the end of its value. */
  readonly whole: Span;
  /** The caller's attribute that it takes its value from. */
  readonly reference: NamePlace | null;
}

type Open<Place> = { -readonly [Key in keyof Place]: Place[Key] };

/** Gathers places while the text is read. */
export interface PlaceRecorder {
  readonly places: TextPlaces;
  readonly header: (span: Span) => void;
  /** Opens a block inside of the one that is open. `header` stands in front of a function's name. */
  readonly openBlock: (path: string, name: NamePlace, header?: Span | null) => void;
  readonly closeBlock: (body: Span) => void;
  readonly list: (span: Span) => void;
  readonly value: (role: ValuePlace['role'], place: NamePlace) => void;
  /** The node that is read now; subgraphs that open meanwhile are its. Null when none is. */
  readonly openNode: (start: number) => void;
  readonly attribute: (place: AttributePlace) => void;
  /** The subgraphs of an open node, whose error nobody has got over, are forgotten: what they hold may be read again. */
  readonly closeNode: (
    place: Omit<NodePlace, 'attributes' | 'start'> & { readonly isOpen: boolean },
  ) => void;
}

interface OpenBlock extends Open<BlockPlace> {
  lists: Span[];
  values: ValuePlace[];
  nodes: NodePlace[];
}

interface OpenNode extends Open<NodePlace> {
  attributes: AttributePlace[];
  /** Number of blocks when it began. */
  readonly blockCount: number;
}

const nowhere: NamePlace = { name: '', start: 0, end: 0 };

export function createPlaceRecorder(): PlaceRecorder {
  const blocks: OpenBlock[] = [];
  const places: Open<TextPlaces> = { blocks, header: null };
  const openBlocks: OpenBlock[] = [];
  const openNodes: OpenNode[] = [];
  const block = (): OpenBlock | undefined => openBlocks.at(-1);
  const node = (): OpenNode | undefined => openNodes.at(-1);
  return {
    places,
    header: (span) => {
      places.header = span;
    },
    openBlock: (path, name, header = null) => {
      const { end } = name;
      const { start } = header ?? name;
      const lists = header ? [header] : [];
      const parent = block() ?? null;
      const owner = parent && (node() ?? null);
      const body = { start: end, end };
      const made = { path, name, parent, owner, body, start, end, lists, values: [], nodes: [] };
      blocks.push(made);
      openBlocks.push(made);
    },
    closeBlock: (body) => {
      const closed = openBlocks.pop();
      if (!closed) return;
      closed.body = body;
      closed.end = body.end;
    },
    list: (span) => {
      block()?.lists.push(span);
    },
    value: (role, { name, start, end }) => {
      block()?.values.push({ role, name, start, end });
    },
    openNode: (start) => {
      openNodes.push({
        path: '',
        label: null,
        operator: nowhere,
        inputs: [],
        outputs: [],
        attributes: [],
        start,
        end: start,
        isBroken: false,
        blockCount: blocks.length,
      });
    },
    attribute: (place) => {
      node()?.attributes.push(place);
    },
    closeNode: (place) => {
      const closed = openNodes.pop();
      if (!closed) return;
      if (place.isOpen) blocks.length = Math.min(blocks.length, closed.blockCount);
      // One object all the time: its subgraphs refer to it.
      closed.path = place.path;
      closed.label = place.label;
      closed.operator = place.operator;
      closed.inputs = place.inputs;
      closed.outputs = place.outputs;
      closed.end = place.end;
      closed.isBroken = place.isBroken;
      block()?.nodes.push(closed);
    },
  };
}
