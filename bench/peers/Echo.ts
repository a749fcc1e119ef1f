/**
 * The raw echo: a server of `node:http` that reads the body and sends it back. Prints its port.
 */
import { createServer } from "node:http"

const server = createServer((request, response) => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const body = Buffer.concat(chunks)
    response.writeHead(202, { "content-type": "application/json", "content-length": body.length })
    response.end(body)
  })
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object") process.stdout.write(`${address?.port}\n`)
})
