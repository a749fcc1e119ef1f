/**
 * Hooks, the execution context and request/reply, without Effect: a hook refuses orders without an
 * amount, the tenant travels with every message by itself, and a question gets its answer.
 * Run it: node tools/run.mjs examples/embedded/requests.ts
 */
import { HookRefused, open, RequestTimeout } from "../../src/CodeFactory.ts"

await using bus = await open({ profile: "memory" })

await bus.beforePublish("amounts", (item) => {
  const isOrder = item.topic === "orders.price"
  if (isOrder && !JSON.stringify(item.payload).includes("amount")) throw new Error("no amount")
  return item
})

// What a responder returns is the reply; what it publishes carries the context of its request.
const billed = Promise.withResolvers<void>()
await bus.respond("pricing", "orders.price", async (payload) => {
  await bus.publish("orders.billed", payload)
  return { tenant: bus.context()["tenant"], payable: true }
})
await bus.handle("ledger", "orders.billed", (payload, { context }) => {
  console.log(`billed: ${JSON.stringify(payload)} for ${context["tenant"]}`)
  billed.resolve()
})

const order = { id: "A-1", amount: 12.5 }
const reply = await bus.withContext({ tenant: "acme" }, () => bus.request("orders.price", order))
console.log(`reply: ${JSON.stringify(reply)}`)
await billed.promise

const refused: unknown = await bus.publish("orders.price", { id: "A-2" }).catch((error) => error)
console.log(refused instanceof HookRefused ? refused.message : refused)

const shop = await bus.plugin("shop")
const late: unknown = await shop.request("stock", "A-1", { timeout: 50 }).catch((error) => error)
console.log(late instanceof RequestTimeout ? late.message : late)
