/**
 * The description of the API as one page: no script, nothing from elsewhere.
 */
import type { Json } from "./OpenApi.ts"

/** The page of a document. */
export const pageOf = (document: Json): string => {
  const operations = Object.entries(record(document["paths"])).flatMap(([path, methods]) =>
    Object.entries(record(methods)).map(([method, operation]) => ({
      path,
      method,
      operation: record(operation)
    }))
  )
  const info = record(document["info"])
  const groups = list(document["tags"]).map((tag) => text(record(tag)["name"]))
  const sections = groups.map((group) => ({
    group,
    of: operations.filter(({ operation }) => list(operation["tags"]).includes(group))
  }))
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width">` +
    `<title>${escaped(text(info["title"]))}</title><style>${style}</style></head><body>` +
    `<header><h1>${escaped(text(info["title"]))} <small>${escaped(text(info["version"]))}</small>` +
    `</h1><p>${prose(text(info["description"]))}</p>` +
    `<p>For programs: <a href="/openapi.json">/openapi.json</a></p></header><div class="all"><nav>${
      sections.map(contents).join("")
    }</nav><main>${
      sections.map(({ group, of }) =>
        `<section><h2>${escaped(group)}</h2>${of.map(shown).join("")}</section>`
      ).join("")
    }</main></div></body></html>\n`
}

interface Shown {
  readonly path: string
  readonly method: string
  readonly operation: Json
}

const record = (value: unknown): Json =>
  typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {}
const list = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []
const text = (value: unknown): string => typeof value === "string" ? value : ""

const escaped = (raw: string): string =>
  raw.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll("\"", "&quot;")

/** Text in which backticks mean code. */
const prose = (raw: string): string =>
  escaped(raw).replaceAll(/`([^`]+)`/g, "<code>$1</code>").replaceAll("\n\n", "<br>")

const contents = ({ group, of }: { readonly group: string; readonly of: ReadonlyArray<Shown> }) =>
  `<h3>${escaped(group)}</h3><ul>${
    of.map(({ operation }) =>
      `<li><a href="#${escaped(text(operation["operationId"]))}">${
        escaped(text(operation["summary"]))
      }</a></li>`
    ).join("")
  }</ul>`

const shown = ({ method, operation, path }: Shown): string =>
  `<article id="${escaped(text(operation["operationId"]))}"><h3>${
    escaped(text(operation["summary"]))
  }</h3><p class="at"><b class="${escaped(method)}">${escaped(method.toUpperCase())}</b> <code>${
    escaped(path)
  }</code></p><p>${prose(text(operation["description"]))}</p>${
    parameters(list(operation["parameters"]))
  }${body(record(operation["requestBody"]))}${responses(record(operation["responses"]))}</article>`

const parameters = (all: ReadonlyArray<unknown>): string =>
  all.length === 0 ? "" : `<h4>Parameters</h4><table>${
    all.map((one) => {
      const { description, in: place, name, required, schema } = record(one)
      return `<tr><td><code>${escaped(text(name))}</code></td><td>${escaped(text(place))}${
        required === true ? ", required" : ""
      }</td><td>${prose(text(description))} <code>${
        escaped(JSON.stringify(schema) ?? "")
      }</code></td></tr>`
    }).join("")
  }</table>`

const body = (requestBody: Json): string => {
  const content = Object.entries(record(requestBody["content"]))
  return content.length === 0 ? "" : `<h4>Body</h4>${content.map(schemaShown).join("")}`
}

const schemaShown = ([type, content]: readonly [string, unknown]): string =>
  `<details><summary><code>${escaped(type)}</code></summary><pre>${
    escaped(JSON.stringify(record(content)["schema"], null, 2) ?? "")
  }</pre></details>`

const responses = (all: Json): string =>
  `<h4>Responses</h4><table>${
    Object.entries(all).map(([status, response]) => {
      const { content, description } = record(response)
      const bodies = Object.entries(record(content)).filter(([type]) => !type.includes("problem"))
      return `<tr class="s${escaped(status.slice(0, 1))}"><td><b>${escaped(status)}</b></td><td>${
        prose(text(description))
      }${bodies.map(schemaShown).join("")}</td></tr>`
    }).join("")
  }</table>`

const style = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#0a6cc4}
body{margin:0;font:16px/1.5 system-ui,sans-serif}
header{padding:1.5rem 2rem;border-bottom:1px solid var(--line)}
h1{margin:0}small{font-weight:normal;opacity:.6}
.all{display:flex}nav{width:17rem;flex:none;padding:1rem 2rem;position:sticky;top:0;
height:100vh;overflow:auto;box-sizing:border-box;border-right:1px solid var(--line);font-size:.9rem}
nav ul{list-style:none;padding:0;margin:0}nav li{margin:.2rem 0}nav h3{margin:1rem 0 .2rem}
main{padding:1rem 2rem;min-width:0;max-width:60rem}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
article{border:1px solid var(--line);border-radius:.5rem;padding:0 1.2rem 1rem;margin:1rem 0}
code,pre{font:.85rem/1.4 ui-monospace,monospace;background:var(--soft);border-radius:.25rem}
code{padding:.1rem .3rem;overflow-wrap:anywhere}pre{padding:.6rem;overflow:auto;max-height:24rem}
h4{margin:1rem 0 .3rem}table{border-collapse:collapse;width:100%;font-size:.9rem}
td{border-top:1px solid var(--line);padding:.35rem .5rem;vertical-align:top}
td:first-child{white-space:nowrap;width:1%}
.at b{color:#fff;background:#666;padding:.15rem .5rem;border-radius:.25rem;font-size:.8rem}
.at b.get{background:#0a6cc4}.at b.post{background:#18794e}.at b.put{background:#9a5b00}
.at b.delete{background:#b42318}.at b.patch{background:#6e56cf}
tr.s2 b{color:#18794e}tr.s4 b{color:#9a5b00}tr.s5 b{color:#b42318}summary{cursor:pointer}
@media(max-width:50rem){.all{display:block}nav{position:static;width:auto;height:auto;border:0}}
`
