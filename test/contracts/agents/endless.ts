/**
 * An agent of the executor's contract whose import never ends.
 */
await new Promise(() => {})

/** Never to be seen. */
export const never = { topic: "orders.*", handle: () => 1 }
