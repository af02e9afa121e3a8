// SPDX-License-Identifier: Apache-2.0
"use strict";

// make builds an element; text is always text, never markup.
function make(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

const token = document.getElementById("token");
const shown = 20000; // characters of an answer

function resolve(spec, item) {
  if (!item || !item.$ref) return item;
  return item.$ref.slice(2).split("/").reduce((at, key) => at[key], spec);
}

function fields(spec, operation, form) {
  const inputs = [];
  for (const given of operation.parameters || []) {
    const p = resolve(spec, given);
    const id = operation.operationId + "-" + p.name;
    const input = make("input", { id, size: "40", autocomplete: "off" });
    if (p.required) input.required = true;
    form.append(make("label", { for: id }, p.name + " (" + p.in + ") " + (p.description || "")), input);
    inputs.push({ p, input });
  }
  return inputs;
}

function bodyOf(operation) {
  const content = operation.requestBody && operation.requestBody.content;
  const json = content && content["application/json"];
  if (!json) return "";
  const examples = Object.values(json.examples || {});
  const example = json.example || (examples[0] && examples[0].value) || {};
  return JSON.stringify(example, null, 2);
}

async function call(method, path, inputs, body, out) {
  let address = path;
  const query = new URLSearchParams();
  const headers = { Accept: "application/json" };
  for (const { p, input } of inputs) {
    const value = input.value.trim();
    if (p.in === "path") address = address.replace("{" + p.name + "}", encodeURIComponent(value));
    else if (value && p.in === "query") query.set(p.name, value);
    else if (value && p.in === "header") headers[p.name] = value;
  }
  if (token.value.trim()) headers.Authorization = "Bearer " + token.value.trim();
  if (body) headers["Content-Type"] = "application/json";
  if ([...query].length) address += "?" + query;
  out.textContent = "…";
  try {
    const answer = await fetch(address, { method, headers, body: body ? body.value : undefined, credentials: "omit" });
    const type = answer.headers.get("Content-Type") || "";
    let text;
    if (type.includes("json")) text = JSON.stringify(JSON.parse(await answer.text()), null, 2);
    else if (type.startsWith("text/")) text = await answer.text();
    else text = (await answer.arrayBuffer()).byteLength + " bytes of " + type;
    if (text.length > shown) text = text.slice(0, shown) + "\n… " + (text.length - shown) + " more characters";
    out.textContent = answer.status + " " + answer.statusText + "\n" + text;
  } catch (problem) {
    out.textContent = "No answer: " + problem.message;
  }
}

function show(spec, method, path, operation) {
  const roles = operation["x-roles"] ? "roles: " + operation["x-roles"].join(", ") : "public";
  const form = make("form");
  const inputs = fields(spec, operation, form);
  const example = bodyOf(operation);
  let body = null;
  if (example) {
    const id = operation.operationId + "-body";
    body = make("textarea", { id, rows: "10", spellcheck: "false" });
    body.value = example;
    form.append(make("label", { for: id }, "body (application/json)"), body);
  }
  const out = make("pre", { hidden: "" });
  form.append(make("button", { type: "submit" }, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    out.hidden = false;
    call(method.toUpperCase(), path, inputs, body, out);
  });
  return make("details", { id: operation.operationId },
    make("summary", {}, make("code", {}, method.toUpperCase() + " " + path), " " + operation.summary + " ", make("span", { class: "hint" }, roles)),
    make("p", {}, operation.description || ""), form, out);
}

async function start() {
  const target = document.getElementById("operations");
  try {
    const spec = await (await fetch("/v1/openapi.json", { credentials: "omit" })).json();
    for (const tag of spec.tags) {
      target.append(make("h2", {}, tag.name), make("p", { class: "hint" }, tag.description || ""));
      for (const [path, item] of Object.entries(spec.paths))
        for (const [method, operation] of Object.entries(item))
          if (operation.tags && operation.tags[0] === tag.name) target.append(show(spec, method, path, operation));
    }
  } catch (problem) {
    target.textContent = "The description could not be read: " + problem.message;
  }
}

start();
