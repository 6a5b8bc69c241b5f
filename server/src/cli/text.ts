import path from 'node:path';
import { printModel } from '../core/onnx/text-print';
import { openModel } from '../engine';
import { fail, type ExitCode, type Io } from './io';

/** `green-ai text`: the model in ONNX's textual syntax, weights as references to the file. */
export async function text(file: string, io: Io): Promise<ExitCode> {
  const opened = await openModel(io.host, file, { signal: io.signal });
  if (opened.kind === 'unreadable') return fail(io, `${file}: ${opened.reason}`);
  if (opened.kind === 'broken') {
    return fail(io, `${file}: ${opened.problems[0]?.message ?? 'not readable'}`);
  }
  try {
    const printed = printModel(opened.model.analysis.model, {
      weightsLocation: path.basename(file),
    });
    io.out(printed.text);
    if (printed.isTruncated) io.err(`${file}: the text was cut, it is too long for one document\n`);
    return 0;
  } finally {
    await opened.model.close();
  }
}
