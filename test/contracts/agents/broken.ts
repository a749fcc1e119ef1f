/**
 * An agent of the executor's contract that does not load.
 */
throw new Error("no such model")
