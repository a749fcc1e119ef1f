/**
 * Schemas: tells webhooks that do not fit GitHub's schemas, which older ones do not.
 */
import { Ajv, type ValidateFunction } from "ajv"
import { on } from "codefactory/agent"
import { createRequire } from "node:module"

/** 16,702 lines of JSON Schema, of which a validator is compiled when its event first comes. */
const heavy = (): (event: string) => ValidateFunction => {
  const text = JSON.stringify(createRequire(import.meta.url)("@octokit/webhooks-schemas"))
  // Each definition by itself: as parts of one schema they would all be compiled with the first.
  const { definitions } = JSON.parse(text.replaceAll("#/definitions/", ""))
  const ajv = new Ajv({ strict: false, validateFormats: false, inlineRefs: false })
  Object.keys(definitions).forEach((name) => ajv.addSchema(definitions[name], name))
  return (event) => {
    const validate = ajv.getSchema(`${event}_event`) ?? ajv.getSchema(`${event}$event`)
    if (validate === undefined) throw new Error(`there is no schema of the event ${event}`)
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
