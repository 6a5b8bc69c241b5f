import dns from 'node:dns';
import http from 'node:http';
import { refuseNetwork } from '../../../server/src/runtime/network';

/** Tries the usual ways out before and after they are closed; prints what happened as JSON. */
async function main(): Promise<void> {
  const url = `http://127.0.0.1:${process.argv[2] ?? ''}/`;
  const outcomeOf = (attempt: () => Promise<unknown>): Promise<string> =>
    new Promise((resolve) => {
      resolve(attempt());
    }).then(
      () => 'reached',
      (error: unknown) =>
        String(error).includes('refused in the runtime') ? 'refused' : String(error),
    );
  const get = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      http.get(url, resolve).on('error', reject);
    });
  const lookup = (): Promise<unknown> =>
    new Promise((resolve) => {
      dns.lookup('localhost', resolve);
    });
  const beforeRefusal = await outcomeOf(() => fetch(url));
  refuseNetwork();
  const outcome = {
    beforeRefusal,
    fetch: await outcomeOf(() => fetch(url)),
    http: await outcomeOf(get),
    lookup: await outcomeOf(lookup),
  };
  process.stdout.write(JSON.stringify(outcome), () => process.exit(0));
}

void main();
