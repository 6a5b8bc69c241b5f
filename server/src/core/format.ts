import type { Range } from './interval';

/**
 * Numbers as people read them in messages: SI units, `unknown` for null. What is counted gets three
 * significant digits, what is estimated two below ten.
 */

interface Unit {
  readonly size: number;
  readonly name: string;
}

const byteUnits: readonly Unit[] = [
  { size: 1e12, name: 'TB' },
  { size: 1e9, name: 'GB' },
  { size: 1e6, name: 'MB' },
  { size: 1e3, name: 'kB' },
  { size: 1, name: 'B' },
];

const jouleUnits: readonly Unit[] = [
  { size: 1e6, name: 'MJ' },
  { size: 1e3, name: 'kJ' },
  { size: 1, name: 'J' },
  { size: 1e-3, name: 'mJ' },
  { size: 1e-6, name: 'µJ' },
  { size: 1e-9, name: 'nJ' },
];

const secondUnits: readonly Unit[] = [
  { size: 1, name: 's' },
  { size: 1e-3, name: 'ms' },
  { size: 1e-6, name: 'µs' },
];

const gramUnits: readonly Unit[] = [
  { size: 1e3, name: 'kg' },
  { size: 1, name: 'g' },
  { size: 1e-3, name: 'mg' },
  { size: 1e-6, name: 'µg' },
];

const countUnits: readonly Unit[] = [
  { size: 1e12, name: 'T' },
  { size: 1e9, name: 'G' },
  { size: 1e6, name: 'M' },
  { size: 1e3, name: 'k' },
  { size: 1, name: '' },
];

/** `1.5 MB`: decimal units, as storage vendors and datasheets of accelerators use them. */
export function formatBytes(bytes: number | null): string {
  return withUnit(bytes, byteUnits, counted);
}

/** `3.1 mJ`. */
export function formatJoules(joules: number | Range | null): string {
  return isRange(joules) ? rangeWithUnit(joules, jouleUnits) : withUnit(joules, jouleUnits);
}

/** `12 ms`. */
export function formatSeconds(seconds: number | Range | null): string {
  return isRange(seconds) ? rangeWithUnit(seconds, secondUnits) : withUnit(seconds, secondUnits);
}

/** `1.2 mg`, of CO2e unless the text says otherwise. */
export function formatGrams(grams: number | Range | null): string {
  return isRange(grams) ? rangeWithUnit(grams, gramUnits) : withUnit(grams, gramUnits);
}

/** `118 M`: parameters, multiply-accumulates, elements; the caller adds what is counted. */
export function formatCount(count: number | null): string {
  return withUnit(count, countUnits, counted);
}

/** `31 %`, from a share 0…1. */
export function formatPercent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return 'unknown';
  const percent = share * 100;
  return `${percent > 0 && percent < 1 ? '<1' : Math.round(percent).toString()} %`;
}

/** A name from a file, fit for one line: control characters made visible, long ones cut in the middle. */
export function shortName(name: string, maxLength = 32): string {
  const visible = name.slice(0, maxScanned).replace(controlCharacters, '\u{fffd}');
  const symbols = Array.from(visible);
  if (symbols.length <= maxLength && name.length <= maxScanned) return visible;
  const head = Math.ceil((maxLength - 1) / 2);
  const tail = Math.floor((maxLength - 1) / 2);
  return `${symbols.slice(0, head).join('')}…${symbols.slice(symbols.length - tail).join('')}`;
}

/** Editors and terminals cut what is longer. */
export const maxMessageLength = 120;

/** Makers of messages shorten names themselves; this is for the message that quotes absurd numbers. */
export function withinMessageLength(message: string): string {
  if (message.length <= maxMessageLength) return message;
  return `${message.slice(0, maxMessageLength - 1)}…`;
}

/** A message that names something: the name is shortened until the message fits, down to 8 characters. */
export function messageNaming(name: string, message: (shown: string) => string): string {
  const lengths = [32, 24, 16];
  const fitting = lengths.find(
    (length) => message(shortName(name, length)).length <= maxMessageLength,
  );
  return message(shortName(name, fitting ?? 8));
}

/** Text from a file as Markdown that shows it as it is: no links, images or tables of the file's making. */
export function markdownText(text: string, maxLength = 80): string {
  return shortName(text, maxLength).replace(/[\\`*_{}[\]<>()#!|~&]/g, '\\$&');
}

/** Names of a million characters occur in hostile files; nobody reads beyond this. */
const maxScanned = 4096;

/** Controls, line and paragraph separators, and the bidirectional overrides that reorder text. */
const controlCharacters = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

function isRange(value: number | Range | null): value is Range {
  return typeof value === 'object' && value !== null;
}

function withUnit(
  value: number | null,
  units: readonly Unit[],
  digits: (value: number) => string = estimated,
): string {
  if (value === null || !Number.isFinite(value)) return 'unknown';
  const unit = unitFor(value, units);
  return joined(digits(value / unit.size), unit.name);
}

/** `1.2–3.4 mJ`: both bounds in the unit of the upper one. */
function rangeWithUnit(range: Range, units: readonly Unit[]): string {
  if (!Number.isFinite(range.low) || !Number.isFinite(range.high)) return 'unknown';
  const unit = unitFor(range.high, units);
  const low = estimated(range.low / unit.size);
  const high = estimated(range.high / unit.size);
  return joined(low === high ? low : `${low}–${high}`, unit.name);
}

function joined(text: string, unit: string): string {
  return unit === '' ? text : `${text} ${unit}`;
}

/** The largest unit that keeps the rounded number at 1 or above: 999.9 kB reads 1 MB. */
function unitFor(value: number, units: readonly Unit[]): Unit {
  const smallest = units[units.length - 1] ?? { size: 1, name: '' };
  if (value === 0) return units.find((unit) => unit.size === 1) ?? smallest;
  const rounded = Math.abs(Number(value.toPrecision(3)));
  return units.find((unit) => rounded >= unit.size) ?? smallest;
}

/** No exponent, no trailing zeros. */
function counted(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

function estimated(value: number): string {
  return Number(value.toPrecision(Math.abs(value) < 10 ? 2 : 3)).toString();
}
