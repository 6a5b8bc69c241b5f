// Before anything is packaged: dependencies and bundles. Apart from the rest, which imports what this installs.
import { installDependencies, runStep } from '../../test/install.mjs';

process.exitCode = installDependencies() && runStep('node', ['esbuild.mjs']) ? 0 : 1;
