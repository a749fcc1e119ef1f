/**
 * The bus inside an Effect program: a typed topic, a handler, and a publish that refuses what does
 * not fit. Run it: node tools/run.mjs examples/embedded/effect.ts
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Deferred, Effect, Schema } from "effect"
import * as CodeFactory from "../../src/CodeFactory.ts"

const Orders = CodeFactory.Topic.make(
  "orders.created",
  Schema.Struct({ id: Schema.String, amount: Schema.Finite })
)

const program = Effect.gen(function*() {
  const bus = yield* CodeFactory.CodeFactory
  const done = yield* Deferred.make<void>()

  yield* bus.handle(
    "billing",
    Orders,
    (order, delivery) =>
      Console.log(`billing: ${order.id} for ${order.amount}, attempt ${delivery.attempt}`).pipe(
        Effect.andThen(Deferred.succeed(done, undefined))
      )
  )

  const accepted = yield* bus.publish(Orders, { id: "A-1", amount: 12.5 }, { key: "A" })
  yield* Console.log(`accepted: ${accepted.topic}, durability ${accepted.durability}`)

  const refused = yield* Effect.flip(bus.publish("not a topic", {}))
  yield* Console.log(`refused: ${refused._tag}`)

  yield* Deferred.await(done)
})

program.pipe(
  Effect.scoped,
  Effect.provide(CodeFactory.layer({ profile: "memory" })),
  NodeRuntime.runMain
)
