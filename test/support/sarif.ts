import assert from 'node:assert/strict';
import type { Log, Result } from 'sarif';

const levels: readonly (Result.level | undefined)[] = ['none', 'note', 'warning', 'error'];

/** RFC 3986: unreserved, reserved for paths, and percent-encoded octets. */
const uriReference = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})+$/u;

/**
 * What SARIF 2.1.0 (OASIS standard) demands of the parts that we write: §3.13 version, §3.18/3.19 driver with
 * a name and unique rule ids, §3.27 a message with text for each result, §3.30 regions counted from 1 that do
 * not end before they start, §3.4/3.10 URIs encoded and without dot segments.
 */
export function assertSarif(log: Log): void {
  assert.equal(log.version, '2.1.0');
  assert.match(log.$schema ?? '', /sarif.*2\.1\.0/u);
  assert.ok(log.runs.length > 0);
  for (const { tool, results = [], columnKind } of log.runs) {
    assert.equal(columnKind, 'utf16CodeUnits');
    assert.ok(tool.driver.name.length > 0);
    const ids = (tool.driver.rules ?? []).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, 'rule ids are unique');
    for (const result of results) assertResult(result, ids);
  }
}

function assertResult(result: Result, ruleIds: readonly string[]): void {
  assert.ok((result.message.text ?? '').length > 0);
  assert.ok(levels.includes(result.level), `level ${result.level}`);
  assert.ok(ruleIds.includes(result.ruleId ?? ''), `rule ${result.ruleId} is described`);
  assert.ok(result.locations?.length === 1);
  for (const { physicalLocation, logicalLocations = [] } of result.locations) {
    const uri = physicalLocation?.artifactLocation?.uri ?? '';
    assert.match(uri, uriReference);
    assert.ok(!uri.split('/').some((part) => part === '.' || part === '..'), uri);
    // A colon in the first segment would read as a scheme.
    assert.ok(uri.startsWith('file:///') || !/^[^/]*:/u.test(uri), uri);
    for (const { fullyQualifiedName } of logicalLocations) {
      assert.ok((fullyQualifiedName ?? '').length > 0);
    }
    const region = physicalLocation?.region;
    if (!region) continue;
    const { startLine = 0, startColumn = 0, endLine = 0, endColumn = 0 } = region;
    for (const place of [startLine, startColumn, endLine, endColumn]) {
      assert.ok(Number.isInteger(place) && place >= 1, JSON.stringify(region));
    }
    assert.ok(endLine > startLine || (endLine === startLine && endColumn >= startColumn));
  }
}
