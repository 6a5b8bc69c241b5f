export type { Analysis } from './analysis';
