/**
 * Where the tests are, how many run at once, and for how long.
 */
import { defineConfig } from "vitest/config"

const long = process.env["CODEFACTORY_LONG"] === "1"

/**
 * Each file runs in a process of its own, three at a time on 2 cores, because some wait for other
 * processes. The time limits only end what hangs: no test asserts on the clock on the wall.
 */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 3,
    testTimeout: long ? 900_000 : 120_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    reporters: ["default"],
    // A seed of vitest's own order would hide which test left something behind.
    sequence: { shuffle: false }
  }
})
