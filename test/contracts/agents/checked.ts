/**
 * An agent of the executor's contract whose check fails. It imports nothing: no agent has to.
 */

/** A handler as it is, without `on`. */
export default { topic: "orders.*", handle: () => undefined }

/** Refuses to be used. */
export const check = () => Promise.reject(new Error("DATABASE_URL is not set"))
