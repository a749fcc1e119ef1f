import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeGuard } from "../../src/layers/edge/Guard.ts"
import { ask as askAny } from "./Client.ts"
import { served } from "./Served.ts"

const guarded = (configured: string, host: string, origin?: string) =>
  makeGuard(configured)({
    method: "GET",
    path: "/",
    query: "",
    remote: () => "127.0.0.1",
    header: (name) => name === "host" ? host : name === "origin" ? origin : undefined
  })?._tag

describe("a server without keys", () => {
  it("on a loopback address answers to loopback names and its own, and to no other", () => {
    for (const host of ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "127.9.9.9", "[::1]:80"]) {
      assert.isUndefined(guarded("127.0.0.1", host), host)
    }
    assert.isUndefined(guarded("10.1.2.3", "10.1.2.3:8000"))
    const strangers = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000"]
    for (const host of [...strangers, "10.0.0.1", "", "[::2]", "bus", "0x7f000001", "127.0.0.1 "]) {
      assert.strictEqual(guarded("127.0.0.1", host), "HostRefused", host)
    }
  })

  it("on every address answers to addresses and to names that no public DNS has", () => {
    const names = ["10.1.2.3:8000", "[fd00::1]:8000", "bus", "bus:8000", "bus.team.svc"]
    for (const host of [...names, "bus-0.bus.team.svc.cluster.local:8000", "pc.local"]) {
      assert.isUndefined(guarded("0.0.0.0", host), host)
      assert.isUndefined(guarded("::", host), host)
    }
    for (const host of ["evil.example", "evil.example:8000", "svc.evil.example"]) {
      assert.strictEqual(guarded("0.0.0.0", host), "HostRefused", host)
    }
  })

  it("refuses pages of other origins", () => {
    const host = "localhost:8000"
    for (const origin of ["http://localhost:8000", "https://localhost:8000"]) {
      assert.isUndefined(guarded("127.0.0.1", host, origin))
    }
    const foreign = ["http://localhost", "http://localhost:3000", "http://evil.example", "null", ""]
    for (const origin of [...foreign, "http://127.0.0.1:8000", "localhost:8000"]) {
      assert.strictEqual(guarded("127.0.0.1", host, origin), "OriginRefused", origin)
    }
  })

  it.live("answers 403 over the wire, on both ports, whatever was asked before", () =>
    Effect.gen(function*() {
      const { ask, fake, metricsUrl, publish } = yield* served
      assert.strictEqual((yield* publish("{\"payload\":1}")).status, 202)
      const rebound = yield* publish("{\"payload\":1}", { host: "evil.example" })
      assert.strictEqual(rebound.status, 403)
      assert.strictEqual(rebound.json.type, "/problems/host-refused")
      const foreign = yield* publish("{\"payload\":1}", { origin: "http://evil.example" })
      assert.strictEqual(foreign.json.type, "/problems/origin-refused")
      assert.lengthOf(fake.stored, 1)
      const probe = yield* ask("/readyz", { headers: { host: "evil.example" } })
      assert.strictEqual(probe.status, 403)
      const scrape = yield* askAny(`${metricsUrl}/metrics`, { headers: { host: "evil.example" } })
      assert.strictEqual(scrape.status, 403)
      assert.strictEqual((yield* askAny(`${metricsUrl}/metrics`)).status, 200)
    }))
})
