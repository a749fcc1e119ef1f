#!/usr/bin/env node
/**
 * The command `codefactory`: the bootstrap, then the program.
 */
import process from "node:process"
import { run } from "./run.mjs"

await run("src/main.ts", process.argv.slice(2))
