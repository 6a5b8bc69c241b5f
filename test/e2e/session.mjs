/** What the tests of the interface share, set by `stages.mjs`: paths, and a pattern for titles. */
export const session = { browser: '', vsix: '', workspace: '', output: '', screens: '', grep: '' };
