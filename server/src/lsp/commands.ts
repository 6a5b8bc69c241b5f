/**
 * Commands that the server runs itself (`workspace/executeCommand`), for editors without commands of ours.
 * Named unlike the editor's own: a client library registers these under the same name.
 */

/** Arguments: uri of the model, name of the recipe. */
export const optimizeCommand = 'green-ai.server.optimize';
