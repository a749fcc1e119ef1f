/**
 * The raw echo under Deno: `Deno.serve` reads the body and sends it back. Prints its port.
 */

const options = {
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => process.stdout.write(`${port}\n`)
}

globalThis.Deno.serve(options, async (request) =>
  new Response(await request.text(), {
    status: 202,
    headers: { "content-type": "application/json" }
  }))
