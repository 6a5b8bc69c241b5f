import { cleanup } from './cleanup';
import { int8Dynamic } from './quantize/dynamic';
import type { Recipe } from './recipe';

/** The transforms that exist. */
export const recipes: readonly Recipe[] = [cleanup, int8Dynamic];

/** Names that the command line promises for later. */
export const plannedRecipes: readonly string[] = [
  'float16',
  'int8-static',
  'int8-weights',
  'int4-weights',
  'prune-structured',
  'prune-2-4',
  'prune-magnitude',
  'auto',
];

export function findRecipe(name: string): Recipe | undefined {
  return recipes.find((recipe) => recipe.name === name);
}
