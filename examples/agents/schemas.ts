/**
 * Schemas: tells webhooks that do not fit GitHub's schemas, which older ones do not.
 */
import { Ajv, type ValidateFunction } from "ajv"
import { on } from "codefactory/agent"
import { createRequire } from "node:module"

/** 16,702 lines of JSON Schema, of which a validator is compiled when its event first comes. */
const heavy = (): (event: string) => ValidateFunction => {
  const { definitions } = createRequire(import.meta.url)("@octokit/webhooks-schemas")
  const ajv = new Ajv({ strict: false, validateFormats: false, validateSchema: false })
  const compiled = new Map<string, ValidateFunction>()
  return (event) => {
    const known = compiled.get(event)
    if (known !== undefined) return known
    const name = [`${event}_event`, `${event}$event`].find((one) => one in definitions)
    if (name === undefined) throw new Error(`there is no schema of the event ${event}`)
    const validate = ajv.compile({ definitions, $ref: `#/definitions/${name}` })
    compiled.set(event, validate)
    return validate
  }
}

/** Reading and compiling take processor time, which a thread of the executor has to itself. */
export default on("github.>", async (payload, { headers, message, publish }, validatorOf) => {
  const event = headers["x-github-event"] ?? ""
  const validate = validatorOf(event)
  if (validate(payload) === true) return
  const faults = validate.errors?.map((error) => `${error.instancePath} ${error.message}`.trim())
  await publish("audits.outdated", { event, faults }, { idempotencyKey: message.id })
}, { heavy })
