import assert from 'node:assert/strict';
import { createCache } from '../../server/src/lsp/cache';
import { createScanner } from '../../server/src/lsp/scan';
import { createReports } from '../../server/src/lsp/reports';

describe('lsp: cache', () => {
  const limits = { maxEntries: 2, maxBytes: 100, bytesOf: (value: string) => value.length };
  const counting = () => {
    const made: string[] = [];
    return {
      made,
      make: (value: string) => () => {
        made.push(value);
        return Promise.resolve(value);
      },
    };
  };

  it('makes a version once, also when it is asked for twice at a time', async () => {
    const cache = createCache<string>(limits);
    const { made, make } = counting();
    await Promise.all([cache.get('a', '1', make('a1')), cache.get('a', '1', make('a1'))]);
    await cache.get('a', '1', make('a1'));
    assert.deepEqual(made, ['a1']);
    assert.equal(await cache.get('a', '2', make('a2')), 'a2');
    assert.deepEqual(made, ['a1', 'a2']);
  });

  it('lets the least recently used go', async () => {
    const cache = createCache<string>(limits);
    const { made, make } = counting();
    await cache.get('a', '1', make('a'));
    await cache.get('b', '1', make('b'));
    await cache.get('a', '1', make('a'));
    await cache.get('c', '1', make('c'));
    assert.equal(cache.size, 2);
    await cache.get('a', '1', make('a'));
    assert.deepEqual(made, ['a', 'b', 'c']);
    await cache.get('b', '1', make('b'));
    assert.deepEqual(made, ['a', 'b', 'c', 'b']);
  });

  it('is bounded by size, but keeps what was just made', async () => {
    const cache = createCache<string>(limits);
    const { make } = counting();
    await cache.get('small', '1', make('x'));
    await cache.get('large', '1', make('x'.repeat(1000)));
    assert.equal(cache.size, 1);
    await cache.get('small', '1', make('x'));
    assert.equal(cache.size, 1);
  });

  it('forgets what failed', async () => {
    const cache = createCache<string>(limits);
    await assert.rejects(cache.get('a', '1', () => Promise.reject(new Error('no'))));
    assert.equal(await cache.get('a', '1', () => Promise.resolve('yes')), 'yes');
  });
});

describe('lsp: scanner', () => {
  it('visits each file once, goes on after a failure and takes what comes meanwhile', async () => {
    const visited: string[] = [];
    const failed: string[] = [];
    const scanner = createScanner(
      (uri) => {
        visited.push(uri);
        if (uri === 'a') scanner.add(['c', 'b']);
        return uri === 'b' ? Promise.reject(new Error('broken')) : Promise.resolve();
      },
      (uri) => failed.push(uri),
    );
    scanner.add(['a', 'b', 'a']);
    await scanner.settled({ cancelled: false }, () => undefined);
    assert.deepEqual(visited, ['a', 'b', 'c']);
    assert.deepEqual(failed, ['b']);
    assert.equal(scanner.isBusy, false);
  });

  it('stops waiting when asked to', async () => {
    const scanner = createScanner(
      () => new Promise(() => undefined),
      () => undefined,
    );
    scanner.add(['a']);
    await scanner.settled({ cancelled: true }, () => undefined);
    assert.equal(scanner.isBusy, true);
  });
});

describe('lsp: reports', () => {
  const row = {
    range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } },
    message: 'm',
  };

  it('keeps the result id of equal items, and tells listeners of others', () => {
    const reports = createReports();
    const told: string[] = [];
    reports.onChange(({ uri }) => told.push(uri));
    const first = reports.set('a', [row]);
    assert.equal(reports.set('a', [{ ...row }]).resultId, first.resultId);
    assert.notEqual(reports.set('a', []).resultId, first.resultId);
    assert.deepEqual(told, ['a', 'a']);
  });

  it('tells what a client does not have, and empties what nobody reports', () => {
    const reports = createReports();
    const { resultId } = reports.set('a', [row]);
    reports.set('clean', []);
    assert.deepEqual(
      reports.changedSince(new Map()).map(({ uri }) => uri),
      ['a'],
    );
    assert.deepEqual(reports.changedSince(new Map([['a', resultId]])), []);
    const [gone] = reports.changedSince(
      new Map([
        ['a', resultId],
        ['old', '7'],
      ]),
    );
    assert.ok(gone);
    assert.deepEqual([gone.uri, gone.items], ['old', []]);
    assert.deepEqual(
      reports.changedSince(
        new Map([
          ['a', resultId],
          ['old', gone.resultId],
        ]),
      ),
      [],
    );
  });
});
