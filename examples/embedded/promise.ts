/**
 * The bus inside any program: promises, durable on disk, closed by `await using`.
 * Run it: node tools/run.mjs examples/embedded/promise.ts [FOLDER]
 */
import { open } from "../../src/CodeFactory.ts"

const dataDir = process.argv[2] ?? "./data"
await using bus = await open({ dataDir })

const handled = Promise.withResolvers<void>()
await bus.handle("mailer", "users.*.created", (payload, delivery) => {
  console.log(`mailer: ${JSON.stringify(payload)} from ${delivery.message.topic}`)
  handled.resolve()
})

const accepted = await bus.publish("users.eu.created", { name: "Ada" }, { key: "ada" })
console.log(`accepted: durability ${accepted.durability}, duplicate ${accepted.duplicate}`)

await handled.promise
