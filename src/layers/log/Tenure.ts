/**
 * Tenure: how a process has the partitions of a log that it has all by itself.
 */
import type { MessageLog, Recovered } from "../../services/MessageLog.ts"

/** All partitions, from the opening to the end, under the epoch of the log. */
export const tenureOf = (
  { clean, epoch }: Pick<Recovered, "clean" | "epoch">
): Pick<MessageLog["Service"], "epochOf" | "owns" | "wasClean"> => ({
  owns: () => true,
  epochOf: () => epoch,
  wasClean: () => clean
})
