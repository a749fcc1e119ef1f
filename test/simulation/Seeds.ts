/**
 * Which seeds a run of the simulation takes: 300, or 5,000 when `CODEFACTORY_LONG=1`. `SEED=n` runs
 * one, `SEEDS=from..to` a range (both ends inclusive), so that many run in parallel processes.
 */

const shortMax = 300
const longMax = 5_000

const range = (from: number, to: number): ReadonlyArray<number> => {
  if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to)) {
    throw new Error("SEEDS is a range like 0..499, SEED one number")
  }
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}

/** Whether the environment chose the seeds: then not everything need happen. */
export const isChosen = (env: NodeJS.ProcessEnv): boolean =>
  env["SEED"] !== undefined || env["SEEDS"] !== undefined

/** The seeds that the environment asks for. */
export const seedsOf = (env: NodeJS.ProcessEnv): ReadonlyArray<number> => {
  const { SEED: one, SEEDS: many } = env
  if (one !== undefined) return range(Number(one), Number(one))
  if (many === undefined) {
    return range(0, (env["CODEFACTORY_LONG"] === "1" ? longMax : shortMax) - 1)
  }
  const [from, to] = many.split("..")
  return range(Number(from), Number(to))
}
