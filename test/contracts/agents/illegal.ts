/**
 * An agent of the executor's contract whose options cannot be used.
 */

/** Its time limit is no time. */
export const late = { topic: "orders.*", handle: () => 1, options: { timeout: "soon" } }
