import { nearest } from '../nearest';
import type { Problem } from '../problem';
import { constant } from './constant';
import type { Constant } from './constant';
import type { Device } from './devices';
import data from './grid.json';

/** Must accompany every figure taken from the table (CC BY 4.0). */
export const gridAttribution = data.attribution;

export interface CarbonIntensity {
  readonly kind: 'intensity';
  readonly gramsPerKwh: number;
  /** `Germany 2023, Our World in Data / Ember, CC BY 4.0`. */
  readonly source: string;
}

/** One country's yearly mean, life cycle, grams CO2e per kWh generated. */
export interface GridRegion {
  /** ISO 3166 three-letter code; `WLD` is the world. */
  readonly code: string;
  readonly name: string;
  readonly gramsPerKwh: number;
  readonly year: number;
}

/** The world's mean, 481 g/kWh in 2023 (Ember): what a device without a known place is charged with. */
export const defaultRegion = 'WLD';

export const gridRegions: ReadonlyMap<string, GridRegion> = new Map(
  Object.entries(data.regions as unknown as Readonly<Record<string, GridTuple>>).map(
    ([code, [name, gramsPerKwh, year]]) => [code, { code, name, gramsPerKwh, year }],
  ),
);

/** Facility energy over IT energy. */
export const datacentrePue: Constant = constant(
  1.56,
  'ratio',
  'medium',
  'Uptime Institute Global Data Center Survey 2024, mean; large operators state 1.1-1.2',
);

/** Energy at the plug is all there is outside a data centre. */
const localPue: Constant = constant(1, 'ratio', 'high', 'no data centre around the device');

export function pueOf(device: Device): Constant {
  return device.site === 'datacentre' ? datacentrePue : localPue;
}

/**
 * Grams CO2e per kWh of a region: an ISO 3166 three-letter code, or the figure itself.
 * Anything else is an `unknown-region` problem.
 */
export function carbonIntensity(
  region: string | number,
): CarbonIntensity | { readonly kind: 'problem'; readonly problem: Problem } {
  const given = typeof region === 'number' ? region : readNumber(region);
  if (given !== null) {
    if (given >= 0 && given <= maxGramsPerKwh) {
      return { kind: 'intensity', gramsPerKwh: given, source: `${given} g CO2e/kWh as given` };
    }
    return refusal(`Region: ${shorten(String(region))} is no carbon intensity in 0-2000 g/kWh.`);
  }
  const text = String(region).trim();
  const found = gridRegions.get(text.toUpperCase());
  if (!found) return refusal(`Region "${shorten(text)}" is unknown.${suggestion(text)}`);
  const rounded = found.gramsPerKwh === 0 ? ' (0 after rounding in the source)' : '';
  return {
    kind: 'intensity',
    gramsPerKwh: found.gramsPerKwh,
    source: `${found.name} ${found.year}${rounded}, ${gridAttribution}`,
  };
}

type GridTuple = readonly [string, number, number];

/** The dirtiest grid of the table has 1,306; more is a slip of units. */
export const maxGramsPerKwh = 2000;

function readNumber(text: string): number | null {
  return /^[+-]?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : null;
}

function suggestion(text: string): string {
  const byName = new Map([...gridRegions.values()].map(({ name, code }) => [name, code]));
  const name = nearest(text, byName.keys());
  const code = name === undefined ? undefined : byName.get(name);
  const use = 'Give an ISO code such as DEU, or g/kWh.';
  return code === undefined ? ` ${use}` : ` ${name} is ${code}.`;
}

function shorten(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > 24 ? `${plain.slice(0, 23)}…` : plain;
}

function refusal(message: string): { readonly kind: 'problem'; readonly problem: Problem } {
  return { kind: 'problem', problem: { code: 'unknown-region', severity: 'error', message } };
}
