/**
 * What stands in the way of aims that are missed: sentences whose figures are of the same run.
 *
 * Shares of CPU time are in "Where the time goes", from profiles of the same code.
 */
import type { Reading } from "../Workload.ts"

/** An explanation. */
export type InTheWay = (of: Reading) => string

/** A contender beside the bus: its promises without the bus. */
export const floor = "promises alone"

const textCost = (of: Reading): string => of("codefactory", "cpuMicros", "memory-texts")

/** Messages in memory against queues that promise nothing. */
export const promises: InTheWay = (of) =>
  "an id, a record, a place in a log, a delivery, a count and a handler as an Effect cost " +
  `${of(floor, "cpuMicros", "memory-texts")} µs by themselves (${floor}), where fastq needs ` +
  `${
    of("fastq", "cpuMicros", "memory-texts")
  } for all it does; the rest is subscriptions, gates, ` +
  "key order, progress, retries and metrics, in many parts of a few percent each."

/** Values, which are written as JSON and read again. */
export const values: InTheWay = (of) =>
  `fastq spends ${of("fastq", "cpuMicros")} µs on writing and reading the same JSON; the bus ` +
  `adds what a text costs it (${textCost(of)} µs).`

/** The tail at a high rate. */
export const tail: InTheWay = (of) =>
  `a text costs ${textCost(of)} µs of the 5 that 200,000 a second leave, with the clock of the ` +
  "benchmark, so whatever stops the loop for a moment, garbage collection first, is worked off " +
  "slowly, and all messages behind it wait."

/** A group commit through the bus. */
export const commit = (publishers: number): InTheWay => (of) =>
  publishers === 1
    ? "SQLite in a thread of its own: a commit goes there and back between two syncs, where " +
      `the bare log stays in this thread; ${of("codefactory", "p50")} ms against ` +
      `${of("bare group commit", "p50")} of it.`
    : `CPU of both threads is ${of("codefactory", "cpuMicros")} µs a message against ` +
      `${of("bare group commit", "cpuMicros")}: the bus costs a text ${textCost(of)} µs in ` +
      "memory already, and then encodes, checksums and indexes it, where the bare log appends a " +
      "text that is there."

/** Durable HTTP beside the same in memory. */
export const syncedHttp: InTheWay = (of) =>
  `each request costs ${of("codefactory", "cpuMicros")} µs of both threads instead of ` +
  `${of("codefactory, memory", "cpuMicros")}, and the two threads share two cores with the ` +
  "client and the kernel."

/** The tail of requests. */
export const requestTail: InTheWay = (of) =>
  `where it syncs, a reply waits for that; one publisher alone, without any bus, waits up to ${
    of("bare group commit", "p99", "durable-1")
  } ms in one of a hundred cases.`

/** Batches of JSON. */
export const batches: InTheWay = (of) =>
  `300,000 a second leave 3.3 µs a message. V8 parses, and nothing else is checked, in ${
    of("fastify + fastq", "cpuMicros")
  } µs (fastify + fastq); cutting out payloads byte for byte and checking each field takes as ` +
  "long again, and the bus and a result for each message come on top. A parse by V8 instead of " +
  "the scanner was measured to be no faster: payloads' texts would be made from values again."

/** Deno's server. */
export const deno: InTheWay = (of) =>
  `the echo answers a request that it never looks at in ${
    of("raw Deno.serve echo", "cpuMicros")
  } µs; method, path, headers and body are objects of the web's API under Deno, made when they ` +
  "are first looked at. On Node the door reads the bytes of the socket, which Deno's server does " +
  "not offer."

/** Handlers of a millisecond beside publishing. */
export const shortHandlers: InTheWay = (of) =>
  "two cores: the thread that publishes, the one that handles and the rest of the machine share " +
  "them, and what is measured is how. A handler of 1 ms holds the loop up for little more than " +
  `that (${of("codefactory, InThread", "p99")} ms at the 99th percentile), so there is little to ` +
  "win; with 10 ms, above, the difference is the handler."

/** Subscriptions in process against listeners. */
export const subscriptions: InTheWay = (of) =>
  "each delivery has a state, an order, attempts and progress of its own, in memory that the " +
  `next one does not share: ${of("codefactory subscriptions", "cpuMicros")} µs, much of it in ` +
  "handing over and settling (see the profile); a listener of emittery has a promise."

/** Broadcast handlers against listeners. */
export const broadcasts: InTheWay = (of) =>
  "a handler is an Effect with a time limit whose failure is caught and counted. Running 32 " +
  `fibres over a bare Queue costs ${of("Effect Queue", "cpuMicros", "memory-texts")} µs a ` +
  `message; a broadcast ${of("codefactory broadcast", "cpuMicros")} in all, and emittery ` +
  `${of("emittery", "cpuMicros")}.`

/** Streams against bare sockets. */
export const streams: InTheWay = (of) =>
  "one write to each stream is one call of the system on both sides, and most of the time. The " +
  "bus also parses, admits and answers each publish; where it syncs, publishes that come " +
  "together are answered commit by commit, and each commit is a write to every stream " +
  `(${of("codefactory", "cpuMicros")} µs against ${of("codefactory, memory", "cpuMicros")}).`

/** Many subscriptions. */
export const manySubscriptions: InTheWay = (of) =>
  "one subscription works on memory that stays in the processor's cache; a thousand have their " +
  `own progress in each lane (${of("100 subscriptions", "cpuMicros")} µs with a hundred).`

/** The time of a start. */
export const starting: InTheWay = (of) =>
  `Node itself, with an echo of ten lines, needs ${of("raw node:http echo", "startMs")} ms and ${
    of("raw node:http echo", "residentMb")
  } MB here; fastify needs ${of("fastify + fastq", "startMs")} ms.`

/** Memory of the store's thread. */
export const storeMemory: InTheWay = (of) =>
  `a second thread with its own heap, and SQLite: ${of("codefactory, bundled", "residentMb")} MB ` +
  `with it, ${of("codefactory, memory, bundled", "residentMb")} without.`
