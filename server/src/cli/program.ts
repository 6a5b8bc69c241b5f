import { Command, CommanderError, Option } from 'commander';
import { defaultDeviceId } from '../core/cost/default-device';
import { dataTypeFromName, type DataType } from '../core/dtype';
import { hostErrorReason } from '../host-errors';
import { fail, parseCount, parseDims, UsageError, type ExitCode, type Io } from './io';
import { safeForTerminal } from './terminal';

// Commands are imported when they run: half the time of a short one went into loading the others.

/** Runs `green-ai` with these arguments (without node and script) and answers the exit status. */
export async function run(args: readonly string[], outside: Io): Promise<ExitCode> {
  // Whatever a file smuggles into a sentence, it does not reach the terminal as a control sequence.
  const io: Io = {
    ...outside,
    out: (result) => {
      outside.out(safeForTerminal(result));
    },
    err: (note) => {
      outside.err(safeForTerminal(note));
    },
  };
  let code: ExitCode = 0;
  const program = createProgram(io, outside.out, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof UsageError) return fail(io, error.message);
    // Commander has said what was wrong; help and version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const reason = hostErrorReason(error);
    if (reason !== null && error instanceof Error) return fail(io, `${reason} (${error.message})`);
    throw error;
  }
}

const textOrJson = (): Option =>
  new Option('--format <format>', 'output format').choices(['text', 'json']).default('text');

const dimOption = (): Option =>
  new Option('--dim <NAME=N>', 'size of a named dim; may be repeated')
    .argParser((value: string, all: readonly string[]) => [...all, value])
    .default([]);

function createProgram(io: Io, outAsItIs: Io['out'], done: (code: ExitCode) => void): Command {
  const program = new Command('green-ai')
    .description('Finds what wastes energy in ONNX models and model configs, and fixes it.')
    .version(io.version)
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError('(green-ai --help tells more)');
  addLint(program, io, done);
  addInspect(program, io, done);
  addEstimate(program, io, done);
  addOptimize(program, io, done);
  program
    .command('devices')
    .description('list the devices that estimates know')
    .addOption(textOrJson())
    .action(async ({ format }: { format: 'text' | 'json' }) => {
      const { listDevices } = await import('./lists');
      done(listDevices(format, io));
    });
  program
    .command('rules')
    .description('list the rules')
    .addOption(textOrJson())
    .action(async ({ format }: { format: 'text' | 'json' }) => {
      const { listRules } = await import('./lists');
      done(listRules(format, io));
    });
  program
    .command('text <file>')
    .description('print a model in ONNX text form, or compile such a text')
    .option('--compile', 'write the model that the text describes')
    .option('-o, --out <file>', 'the model to write; default: NAME.compiled.onnx')
    .option('--external', 'keep references to weights instead of copying the weights')
    .option('--force', 'replace an existing output file')
    .action(async (model: string, options: TextOptions) => {
      const { compile: isCompiled = false, external = false, force = false } = options;
      if (isCompiled) {
        const out =
          options.out ?? `${model.replace(/(?:\.onnx)?\.onnxte?xt$/iu, '')}.compiled.onnx`;
        const { compile } = await import('./compile');
        done(await compile(model, { out, external, force }, io));
        return;
      }
      if (options.out !== undefined || external || force) {
        throw new UsageError('-o, --external and --force belong to --compile');
      }
      const { text } = await import('./text');
      // Names in the text form are what they are in the model: only a terminal gets them escaped.
      done(await text(model, io.isTerminal ? io : { ...io, out: outAsItIs }));
    });
  program
    .command('diff <a> <b>', { hidden: true })
    .allowUnknownOption()
    .action(() => {
      done(fail(io, 'diff is not part of this version yet'));
    });
  return program;
}

interface TextOptions {
  readonly compile?: boolean;
  readonly out?: string;
  readonly external?: boolean;
  readonly force?: boolean;
}

interface LintOptions {
  readonly device?: string;
  readonly region?: string;
  readonly config?: string;
  readonly rule: readonly string[];
  readonly failOn?: string;
  readonly format: 'text' | 'json' | 'sarif';
}

function addLint(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('lint [paths...]')
    .description('report findings of models and configs; folders are searched')
    .option('--device <id>', 'the device to judge for')
    .option('--region <ISO3|g/kWh>', 'grid for carbon figures')
    .option('--config <file>', 'settings; default: the nearest green-ai.json')
    .addOption(
      new Option('--rule <ID=LEVEL>', 'level of a rule: off, hint, info, warning, error')
        .argParser((value: string, all: readonly string[]) => [...all, value])
        .default([]),
    )
    .option('--fail-on <severity>', 'exit 1 from this severity on: error, warning, info, never')
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['text', 'json', 'sarif'])
        .default('text'),
    )
    .action(async (paths: readonly string[], options: LintOptions) => {
      const { lint } = await import('./lint');
      done(await lint(paths, options, io));
    });
}

function addInspect(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('inspect <file>')
    .description('show parameters, MACs, memory and shapes of a model or config')
    .addOption(dimOption())
    .addOption(textOrJson())
    .action(async (file: string, options: { dim: readonly string[]; format: 'text' | 'json' }) => {
      const { inspect } = await import('./inspect');
      done(await inspect(file, { dims: parseDims(options.dim), format: options.format }, io));
    });
}

interface EstimateOptionTexts {
  readonly device: string;
  readonly threads?: string;
  readonly batch?: string;
  readonly precision?: string;
  readonly region?: string;
  readonly prompt?: string;
  readonly generate?: string;
  readonly host?: string;
  readonly runtime?: string;
  readonly dim: readonly string[];
  readonly brief?: boolean;
  readonly format: 'text' | 'json';
}

function addEstimate(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('estimate <file>')
    .description('estimate time, energy, carbon and memory of one run per device')
    .option('--device <ids>', 'device ids, separated by commas', defaultDeviceId)
    .option('--threads <n>', 'CPU threads')
    .option('--batch <n>', 'samples per run')
    .option('--precision <dtype>', 'count float work as if in this dtype, e.g. float16')
    .option('--region <ISO3|g/kWh>', 'grid for carbon figures')
    .option('--prompt <n>', 'tokens in (language model configs)')
    .option('--generate <n>', 'tokens out (language model configs)')
    .option('--host <name>', 'host of an accelerator (not used by this version)')
    .option('--runtime <name>', 'runtime and version (not used by this version)')
    .option('--brief', 'text without assumptions and sources')
    .addOption(dimOption())
    .addOption(textOrJson())
    .action(async (file: string, options: EstimateOptionTexts) => {
      for (const flag of ['host', 'runtime'] as const) {
        if (options[flag] !== undefined) {
          io.err(`green-ai: --${flag} does not change this version's estimates\n`);
        }
      }
      const { estimateCommand, parseDevices } = await import('./estimate');
      done(
        await estimateCommand(
          file,
          {
            devices: parseDevices(options.device),
            dims: parseDims(options.dim),
            options: {
              batch: parseCount('--batch', options.batch),
              threads: parseCount('--threads', options.threads),
              precision: parsePrecision(options.precision),
              region: await parseRegion(options.region),
            },
            prompt: parseCount('--prompt', options.prompt),
            generate: parseCount('--generate', options.generate),
            brief: options.brief ?? false,
            format: options.format,
          },
          io,
        ),
      );
    });
}

function parsePrecision(name: string | undefined): DataType | undefined {
  if (name === undefined) return undefined;
  const dtype = dataTypeFromName(name);
  if (!dtype)
    throw new UsageError(`--precision ${name}: give a dtype like float32, float16 or int8`);
  return dtype;
}

async function parseRegion(text: string | undefined): Promise<string | undefined> {
  if (text === undefined) return undefined;
  const { carbonIntensity } = await import('../core/cost/carbon');
  const found = carbonIntensity(text);
  if (found.kind === 'problem') throw new UsageError(`--region: ${found.problem.message}`);
  return text;
}

interface OptimizeOptionTexts {
  readonly recipe: string;
  readonly out?: string;
  readonly device: string;
  readonly calibration?: string;
  readonly samples?: string;
  readonly labels?: string;
  readonly maxDrop?: string;
  readonly verify: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly runtime?: string;
  readonly timeout?: string;
  readonly dim: readonly string[];
  readonly format: 'text' | 'json';
}

/** Promised for later versions: each is answered with a sentence instead of "unknown option". */
const plannedOptions = [
  '--input <NAME=SPEC>',
  '--parity <peer>',
  '--weight-type <type>',
  '--activation-type <type>',
  '--per-channel',
  '--reduce-range',
  '--symmetric-weights',
  '--symmetric-activations',
  '--block-size <n>',
  '--calibrate <method>',
];

function addOptimize(program: Command, io: Io, done: (code: ExitCode) => void): void {
  const command = program
    .command('optimize <model>')
    .description('apply a recipe to a model; writes a verified sibling file')
    .requiredOption('--recipe <name>', 'cleanup or int8-dynamic')
    .option('-o, --out <file>', 'output; default: a sibling such as model.int8.onnx')
    .option('--device <id>', 'device of the before and after estimate', defaultDeviceId)
    .option('--calibration <path>', 'inputs to verify with (.npz, .npy, folder), or "random"')
    .option('--samples <n>', 'at most this many samples')
    .option('--labels <file>', 'labels of the inputs (.npz, .npy)')
    .option('--max-drop <share>', 'accuracy that may be lost: 0.005 or 0.5%')
    .option('--verify <level>', 'run, load or none', 'run')
    .option('--runtime <name>', 'native, wasm or auto')
    .option('--timeout <seconds>', 'bound on verification')
    .option('--dry-run', 'plan only')
    .option('--force', 'replace an existing output file')
    .addOption(dimOption())
    .addOption(textOrJson())
    .action(async (model: string, options: OptimizeOptionTexts) => {
      const { parseDevices } = await import('./estimate');
      const { optimize } = await import('./optimize');
      const [device] = parseDevices(options.device);
      if (!device) throw new UsageError('--device: give a device id');
      done(
        await optimize(
          model,
          {
            recipe: options.recipe,
            out: options.out,
            device,
            calibration: options.calibration,
            samples: parseCount('--samples', options.samples),
            labels: options.labels,
            maxDrop: options.maxDrop,
            verify: options.verify,
            dryRun: options.dryRun ?? false,
            force: options.force ?? false,
            runtime: options.runtime,
            timeout: parseCount('--timeout', options.timeout),
            dims: parseDims(options.dim),
            format: options.format,
          },
          io,
        ),
      );
    });
  for (const flags of plannedOptions) {
    const option = new Option(flags).hideHelp();
    command.addOption(option);
    command.on(`option:${option.name()}`, () => {
      throw new UsageError(`--${option.name()} is not part of this version yet`);
    });
  }
}
