import { refuseNetwork } from './network';
import { memoryLimitVariable } from './protocol';
import { serve } from './serve';
import { startWatchdog } from './watchdog';

// Entry of the runtime process. Started by `process.ts` only: it speaks over the channel of `fork`.
if (process.send) {
  refuseNetwork();
  startWatchdog(Number(process.env[memoryLimitVariable]));
  serve(process.send.bind(process));
}
