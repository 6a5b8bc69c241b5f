import type { Choices } from './random';

/** Words at which a parser of model text may stumble. */
const oddTokens: readonly string[] = [
  ...[
    '{',
    '}',
    '(',
    ')',
    '<',
    '>',
    '[',
    ']',
    '=',
    '=>',
    ',',
    ':',
    '.',
    '?',
    '|',
    '@',
    '#',
    '"',
    '-',
  ],
  ...[
    'float',
    'map',
    'seq',
    'optional',
    'sparse_tensor',
    'opaque',
    'int4',
    'string',
    'int64',
    'bool',
  ],
  ...[
    'nan',
    '-inf',
    '1e999',
    '1e-999',
    '0x10',
    '9223372036854775808',
    '-9223372036854775809',
    '1.5',
  ],
  ...[
    'ir_version',
    'opset_import',
    'domain',
    'overload',
    'graph',
    'tensor',
    'ints',
    'strings',
    '__proto__',
  ],
  ...[
    '"\\',
    '"\\u12',
    '"\ud800"',
    '\u0000',
    '\n',
    '\r',
    '# x',
    'location',
    '"offset"',
    '[]',
    '{}',
    '()',
  ],
  ...[
    'Loop',
    'If',
    'Conv',
    'Reshape',
    'Expand',
    'ConstantOfShape',
    'Range',
    'Tile',
    'Einsum',
    'Scan',
  ],
];

const tokens = /\s+|[A-Za-z_][\w]*|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|"(?:[^"\\]|\\.)*"|=>|./gsu;

/** One change of a text: of its tokens, or of characters. */
export function mutateText(text: string, other: string, choices: Choices): string {
  const { below, pick } = choices;
  const at = below(text.length);
  switch (
    pick(['characters', 'splice', 'truncate', 'tokens', 'tokens', 'tokens', 'tokens'], 'tokens')
  ) {
    case 'characters':
      return mutateCharacters(text, at, choices);
    case 'splice':
      return text.slice(0, at) + other.slice(below(other.length));
    case 'truncate':
      return text.slice(0, at);
    default:
      return mutateTokens(text.match(tokens) ?? [], other, choices);
  }
}

function mutateCharacters(text: string, at: number, { below, oneIn }: Choices): string {
  const code = text.charCodeAt(at);
  const changed = oneIn(2) ? code ^ (1 << below(8)) : below(oneIn(4) ? 65_536 : 128);
  return text.slice(0, at) + String.fromCharCode(changed) + text.slice(at + below(2));
}

function mutateTokens(list: readonly string[], other: string, choices: Choices): string {
  const { below, oneIn, pick } = choices;
  const words = [...list];
  const at = below(words.length);
  const length = 1 + below(oneIn(4) ? 40 : 3);
  const run = words.slice(at, at + length);
  switch (pick(['delete', 'repeat', 'swap', 'replace', 'insert', 'borrow', 'many'], 'delete')) {
    case 'delete':
      words.splice(at, length);
      break;
    case 'repeat':
      words.splice(at, 0, ...run);
      break;
    case 'swap': {
      const to = below(words.length);
      [words[at], words[to]] = [words[to] ?? '', words[at] ?? ''];
      break;
    }
    case 'replace':
      words[at] = pick(oddTokens, '{');
      break;
    case 'insert':
      words.splice(at, 0, pick(oddTokens, '{'));
      break;
    case 'borrow':
      words.splice(at, below(2), pick(other.match(tokens) ?? [], '('));
      break;
    default: {
      // Lists that are long and brackets that nest deep.
      const times = pick([10, 100, oneIn(20) ? 3000 : 50], 10);
      const part = oneIn(2) ? run.slice(0, 3).join('') : pick(oddTokens, '(');
      words.splice(at, 0, part.repeat(times));
    }
  }
  return words.join('');
}
