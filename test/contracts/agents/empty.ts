/**
 * An agent of the executor's contract that exports no handler.
 */

/** Not a handler: it has no topic. */
export const handle = () => 1
