/**
 * Workloads: the same work for several contenders, and what the bus should reach in it.
 */

/**
 * What is measured of a run: operations per second, CPU time of an operation, milliseconds of one
 * operation below which a half and 99 % lie, milliseconds of a start, resident megabytes, and how
 * much the client that got least had of what the one that got most had.
 */
export type Measure =
  | "perSecond"
  | "cpuMicros"
  | "p50"
  | "p99"
  | "startMs"
  | "residentMb"
  | "fairness"

/** The values of one run, or the medians of several. */
export type Values = Readonly<Partial<Record<Measure, number>>>

/** What one run did: `count` of `expected` operations ended well. */
export interface Run {
  readonly count: number
  readonly expected: number
  readonly values: Values
}

/** A contender that is ready to run. */
export interface Opened {
  readonly run: () => Promise<Run>
  readonly close: () => Promise<void>
}

/** What the end of an operation means: how much of it is left when the power goes. */
export type Kept = "nothing" | "in memory" | "synced to disk"

/** One way to do the work of a workload. */
export interface Contender {
  readonly name: string
  readonly kept: Kept
  /** Where it stands on the axis of a workload that grows something. */
  readonly x?: number
  /** Which line of the plot it belongs to. */
  readonly series?: string
  /** A smoke run does as little as shows that nothing is lost. */
  readonly open: (smoke: boolean) => Promise<Opened>
}

/** A median of the same run in words; of another workload when that is named. */
export type Reading = (contender: string, measure: Measure, workload?: string) => string

/** What a contender should reach: so much, or so many times the best of some peers. */
export interface Aim {
  readonly contender: string
  readonly measure: Measure
  readonly bound: "at least" | "at most"
  readonly value: number
  readonly of?: ReadonlyArray<string>
  /** What stands in the way while it is missed: one or two sentences with measured figures. */
  readonly inTheWay?: (of: Reading) => string
}

/** One comparison. */
export interface Workload {
  /** As the command line has it. */
  readonly name: string
  readonly title: string
  /** What an operation is, as in `messages`. */
  readonly unit: string
  /** What exactly is done, and what is the same for all. */
  readonly note: string
  readonly aims: ReadonlyArray<Aim>
  /** Runs each contender in a process of its own, or in this one, from which it starts others. */
  readonly isolated: boolean
  readonly contenders: ReadonlyArray<Contender>
  /** What the plot shows; operations per second unless set. */
  readonly plotted?: Measure
  /** What grows, when something does. */
  readonly axis?: string
  /** Why it cannot run here, when it cannot. */
  readonly missing?: () => Promise<string | undefined>
}
